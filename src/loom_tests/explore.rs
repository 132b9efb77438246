//! One scenario, two drivers; and memory that tells when it is raced for.

/// Preemptions that one execution may have at most; switches where a thread
/// blocks or yields come free.
#[derive(Clone, Copy)]
#[cfg_attr(shuttle, allow(dead_code, reason = "shuttle draws its schedules"))]
pub(super) struct Preemptions {
    /// As it is run for every change.
    pub(super) quick: usize,
    /// With `LOOM_FULL` set.
    pub(super) full: usize,
}

/// Every schedule there is.
pub(super) const ANY: usize = usize::MAX;

#[cfg(shuttle)]
pub(super) use self::driver::sample;
pub(super) use self::driver::{Cell, Tracked, explore};

#[cfg(loom)]
mod driver {
    use std::{
        cell, env,
        panic::Location,
        time::{Duration, Instant, UNIX_EPOCH},
    };

    use super::{ANY, Preemptions};

    /// A count that loom wants back at the end of each execution: what holds one
    /// must not be forgotten.
    pub(in super::super) type Tracked = loom::sync::Arc<()>;

    /// The most executions of one model: for every change, and with `LOOM_FULL` set.
    const QUICK: usize = 40_000;
    const FULL: usize = 1_500_000;

    thread_local! {
        static EXECUTIONS: cell::Cell<u64> = const { cell::Cell::new(0) };
    }

    /// Runs `scenario` on every schedule within the bound, and says how many
    /// there were.
    #[track_caller]
    pub(in super::super) fn explore(most: Preemptions, scenario: fn()) {
        let asked = env::var("LOOM_MAX_PREEMPTIONS").ok().and_then(|asked| asked.parse().ok());
        let full = env::var_os("LOOM_FULL").is_some();
        let most = asked.unwrap_or(if full { most.full } else { most.quick });
        let mut model = loom::model::Builder::new();
        model.preemption_bound = (most != ANY).then_some(most);
        model.max_branches = 100_000;
        // A few whole pools have more schedules than there is time for.
        let cap = if full { FULL } else { QUICK };
        model.max_permutations = Some(cap);
        // All together end at a time, which is looked at so often.
        model.checkpoint_interval = 1_000;
        let until = env::var("LOOM_UNTIL").ok().map(|asked| asked.parse().expect("seconds"));
        let today = UNIX_EPOCH.elapsed().expect("after 1970");
        model.max_duration = until.map(|until| Duration::from_secs(until).saturating_sub(today));
        let began = Instant::now();
        EXECUTIONS.set(0);
        model.check(move || {
            EXECUTIONS.set(EXECUTIONS.get() + 1);
            scenario();
        });
        let bound = if most == ANY { "any".to_owned() } else { most.to_string() };
        // Loom stops one before it.
        let cut = if EXECUTIONS.get() + 1 >= cap as u64 { ", cut there" } else { "" };
        let late = model.max_duration.is_some_and(|most| began.elapsed() >= most);
        let cut = if late { ", out of time" } else { cut };
        let (here, count) = (Location::caller(), EXECUTIONS.get());
        println!("{here}: {count} executions at {bound} preemptions{cut}");
    }

    /// Loom sees to it that no two accesses race.
    #[derive(Default)]
    pub(in super::super) struct Cell<T>(loom::cell::UnsafeCell<T>);

    // SAFETY: loom checks it.
    unsafe impl<T: Send> Sync for Cell<T> {}

    impl<T> Cell<T> {
        pub(in super::super) fn write<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
            // SAFETY: loom checks it.
            self.0.with_mut(|value| f(unsafe { &mut *value }))
        }

        pub(in super::super) fn read<R>(&self, f: impl FnOnce(&T) -> R) -> R {
            // SAFETY: loom checks it.
            self.0.with(|value| f(unsafe { &*value }))
        }
    }
}

#[cfg(shuttle)]
mod driver {
    use std::{cell::UnsafeCell, env, panic::Location};

    use shuttle::{
        Config, Runner,
        scheduler::{PctScheduler, RandomScheduler, UncontrolledNondeterminismCheckScheduler},
    };

    use super::Preemptions;
    use crate::sync::{Arc, AtomicUsize, Ordering};

    pub(in super::super) type Tracked = Arc<()>;

    /// Changes of priority in a schedule of the PCT kind: a bug that takes so many
    /// ordered events, less one, is found with a probability that is known.
    const DEPTHS: [usize; 2] = [3, 5];

    /// Here a schedule has as many preemptions as it happens to have.
    #[track_caller]
    pub(in super::super) fn explore(_: Preemptions, scenario: fn()) {
        sample(scenario);
    }

    /// Schedules that are run twice, to see that nothing else decides what happens:
    /// no clock, no address, no thread of the system's.
    const TWICE: usize = 20;

    /// Runs `scenario` on so many schedules of each kind.
    #[track_caller]
    pub(in super::super) fn sample(scenario: fn()) {
        let asked = env::var("SHUTTLE_SCHEDULES").ok().and_then(|asked| asked.parse().ok());
        let schedules = asked.unwrap_or(1000);
        let mut config = Config::new();
        config.stack_size = 1 << 18;
        config.silence_warnings = true;
        Runner::new(RandomScheduler::new(schedules), config.clone()).run(scenario);
        for depth in DEPTHS {
            Runner::new(PctScheduler::new(depth, schedules), config.clone()).run(scenario);
        }
        let twice = UncontrolledNondeterminismCheckScheduler::new(RandomScheduler::new(TWICE));
        Runner::new(twice, config).run(scenario);
        let all = schedules * (1 + DEPTHS.len());
        println!("{}: {all} executions", Location::caller());
    }

    /// Sees for itself that no two accesses overlap.
    #[derive(Default)]
    pub(in super::super) struct Cell<T> {
        value: UnsafeCell<T>,
        users: AtomicUsize,
    }

    const WRITER: usize = 1 << 16;

    // SAFETY: `users` says whether anybody else is there, before anybody looks.
    unsafe impl<T: Send> Sync for Cell<T> {}

    impl<T> Cell<T> {
        pub(in super::super) fn write<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
            assert_eq!(self.users.fetch_add(WRITER, Ordering::SeqCst), 0, "two at once");
            // SAFETY: alone.
            let result = f(unsafe { &mut *self.value.get() });
            self.users.fetch_sub(WRITER, Ordering::SeqCst);
            result
        }

        pub(in super::super) fn read<R>(&self, f: impl FnOnce(&T) -> R) -> R {
            assert!(self.users.fetch_add(1, Ordering::SeqCst) < WRITER, "two at once");
            // SAFETY: no writer.
            let result = f(unsafe { &*self.value.get() });
            self.users.fetch_sub(1, Ordering::SeqCst);
            result
        }
    }
}
