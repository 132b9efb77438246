//! What a builder collects and what is allowed in it.

use std::time::Duration;

use crate::{
    cpus,
    error::{BuildError, BuildErrorKind},
    stall::StallHandler,
    sync::thread,
    unwind::{self, Payload},
};

/// The stack of a thread that the pool starts, in bytes: as much as the main
/// thread has on Linux, so that what works there works here. Only pages that
/// are touched take memory.
const DEFAULT_STACK: usize = 8 << 20;

/// Gives a thread that is to be started its stack, and says how large that is: if not asked
/// for otherwise `DEFAULT_STACK`, unless the environment tells `std` what it wants.
pub(crate) fn with_stack(
    builder: thread::Builder,
    asked: Option<usize>,
) -> (thread::Builder, usize) {
    let told = std::env::var_os("RUST_MIN_STACK").is_some();
    match asked {
        None if told => (builder, std_stack()),
        _ => {
            let bytes = asked.unwrap_or(DEFAULT_STACK);
            (builder.stack_size(bytes), bytes)
        }
    }
}

/// The stack that std gives a thread if not told, in bytes.
const STD_STACK: usize = 2 << 20;

/// The stack of a thread that std starts with no size asked for.
pub(crate) fn std_stack() -> usize {
    let asked = std::env::var("RUST_MIN_STACK").ok().and_then(|bytes| bytes.parse().ok());
    asked.unwrap_or(STD_STACK)
}

/// The most workers, guests, and stand-ins: the three counts together must fit the
/// 16-bit halves of the word in `sleep`.
pub(crate) const MAX_THREADS: usize = 16_384;

type IndexHandler = Box<dyn Fn(usize) + Send + Sync>;
pub(crate) type Cpus = Box<dyn Fn() -> usize + Send>;
type PanicHandler = Box<dyn Fn(Payload) + Send + Sync>;

/// Everything a pool wants to know before it starts, except how to start a
/// thread.
pub(crate) struct Config {
    pub(crate) num_threads: Option<usize>,
    pub(crate) stack_size: Option<usize>,
    pub(crate) injector_capacity: usize,
    pub(crate) max_guests: usize,
    pub(crate) max_stand_ins: usize,
    pub(crate) stand_in_keep_alive: Duration,
    pub(crate) idle_spin: Duration,
    pub(crate) door_patience: Option<Duration>,
    pub(crate) follow_cpu_quota: Option<Duration>,
    /// How many CPUs there are to use, asked again and again.
    pub(crate) cpus: Option<Cpus>,
    /// After what time a thread has stalled, and who is told.
    pub(crate) stalls: Option<(Duration, StallHandler)>,
    pub(crate) handlers: Handlers,
    /// Does a spawn handler start the threads?
    pub(crate) custom_threads: bool,
}

/// The user's closures that the pool's threads call.
#[derive(Default)]
pub(crate) struct Handlers {
    pub(crate) start: Option<IndexHandler>,
    pub(crate) exit: Option<IndexHandler>,
    pub(crate) panic: Option<PanicHandler>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            num_threads: None,
            stack_size: None,
            injector_capacity: 4096,
            max_guests: 8,
            max_stand_ins: 128,
            stand_in_keep_alive: Duration::from_secs(10),
            idle_spin: Duration::from_millis(1),
            door_patience: Some(Duration::from_millis(20)),
            follow_cpu_quota: None,
            cpus: Some(Box::new(cpus::available)),
            stalls: None,
            handlers: Handlers::default(),
            custom_threads: false,
        }
    }
}

impl Config {
    /// The number of workers to start, if all that was asked for is allowed.
    pub(crate) fn check(&self) -> Result<usize, BuildError> {
        if self.num_threads.is_some_and(|n| n == 0 || n > MAX_THREADS) {
            return Err(refuse("num_threads", self.num_threads.unwrap_or(0), "1..=16384"));
        }
        if self.max_guests > MAX_THREADS {
            return Err(refuse("max_guests", self.max_guests, "0..=16384"));
        }
        if self.max_stand_ins > MAX_THREADS {
            return Err(refuse("max_stand_ins", self.max_stand_ins, "0..=16384"));
        }
        if self.injector_capacity == 0 {
            return Err(refuse("injector_capacity", 0, "1 or more"));
        }
        if self.stack_size == Some(0) {
            return Err(refuse("stack_size", 0, "1 byte or more"));
        }
        if self.door_patience == Some(Duration::ZERO) {
            return Err(refuse("door_patience", "0 ns", "more than zero, or None for never"));
        }
        if self.follow_cpu_quota == Some(Duration::ZERO) {
            return Err(refuse("follow_cpu_quota", "0 ns", "more than zero"));
        }
        if self.stalls.as_ref().is_some_and(|(after, _)| after.is_zero()) {
            return Err(refuse("stall_handler", "0 ns", "more than zero"));
        }
        let cpus = || self.cpus.as_ref().map_or(1, |cpus| cpus());
        Ok(self.num_threads.unwrap_or_else(|| cpus().min(MAX_THREADS)))
    }
}

/// `name`, if a thread may have it.
pub(crate) fn check_name(name: String) -> Result<String, BuildError> {
    if name.contains('\0') {
        return Err(refuse("thread_name", format!("{name:?}"), "a name without a NUL character"));
    }
    Ok(name)
}

fn refuse(field: &'static str, value: impl ToString, allowed: &'static str) -> BuildError {
    BuildError::new(BuildErrorKind::Config { field, value: value.to_string(), allowed })
}

impl Handlers {
    /// Tells the start handler that worker `index` begins.
    pub(crate) fn started(&self, index: usize) {
        self.tell(&self.start, index);
    }

    /// Tells the exit handler that worker `index` ends.
    pub(crate) fn exited(&self, index: usize) {
        self.tell(&self.exit, index);
    }

    /// Hands over a panic that nobody else is there to receive. Without a
    /// handler there is nothing to do: the panic hook has printed it already,
    /// as it does for a `std::thread`.
    pub(crate) fn panicked(&self, payload: Payload) {
        match &self.panic {
            Some(handler) => {
                if let Err(again) = unwind::catch(|| handler(payload)) {
                    unwind::discard(again);
                }
            }
            None => unwind::discard(payload),
        }
    }

    fn tell(&self, handler: &Option<IndexHandler>, index: usize) {
        let Some(handler) = handler else { return };
        if let Err(payload) = unwind::catch(|| handler(index)) {
            self.panicked(payload);
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    type Field = (&'static str, fn(&mut Config, usize));

    #[test]
    fn numbers_are_allowed_up_to_their_limits_and_not_beyond() {
        let fields: [Field; 3] = [
            ("num_threads", |config, n| config.num_threads = Some(n)),
            ("max_guests", |config, n| config.max_guests = n),
            ("max_stand_ins", |config, n| config.max_stand_ins = n),
        ];
        for (name, set) in fields {
            let limit = MAX_THREADS;
            for (value, allowed) in [(1, true), (limit, true), (limit + 1, false)] {
                let mut config = Config::default();
                set(&mut config, value);
                match config.check() {
                    Ok(_) => assert!(allowed, "{name} may not be {value}"),
                    Err(error) => {
                        assert!(!allowed, "{name} may be {value}");
                        let text = error.to_string();
                        let says = text.contains(name) && text.contains(&value.to_string());
                        assert!(says && text.contains(&format!("..={limit}")), "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_pool_of_no_said_size_has_a_worker_a_cpu_up_to_the_limit() {
        for (cpus, workers) in [(3, 3), (MAX_THREADS + 1, MAX_THREADS)] {
            let config = Config { cpus: Some(Box::new(move || cpus)), ..Config::default() };
            assert_eq!(config.check().ok(), Some(workers));
        }
        assert_eq!(Config { num_threads: Some(5), ..Config::default() }.check().ok(), Some(5));
    }
}
