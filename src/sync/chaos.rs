//! Everything that synchronises, with a random delay before each access, and waits that are
//! over before anybody has rung, for `--cfg chaos`: what is one step in our heads is torn
//! apart here, so that a stress test sees schedules that take years to come by themselves.

use std::{
    cell::Cell,
    env, hint,
    ops::Deref,
    sync::{LockResult, Mutex as Plain, OnceLock, PoisonError, WaitTimeoutResult, atomic},
    thread,
    time::Duration,
};

pub(crate) use std::sync::MutexGuard;

/// In a wild spell, of so many accesses...
const OF: u64 = 16;
/// ...this many offer the processor to others first,
const YIELDS: u64 = 1;
/// this many sleep,
const SLEEPS: u64 = 1;
/// and this many spin.
const SPINS: u64 = 2;

/// One spell in so many is wild; in the others nothing happens. Were all threads
/// late all the time, none would overtake another.
const WILD: u64 = 4;
/// The longest spell, in accesses: some tasks.
const LONGEST_SPELL: u64 = 256;

/// In a wild spell one wait in so many is over for no reason.
const EARLY: u64 = 4;

/// The longest sleep, in microseconds; the system adds about as much.
const LONGEST_SLEEP: u64 = 64;
/// The longest spin, in pauses: some microseconds.
const LONGEST_SPIN: u64 = 256;

thread_local! {
    /// The state of this thread's dice; zero before the first throw.
    static DICE: Cell<u64> = const { Cell::new(0) };
    static SPELL: Cell<Spell> = const { Cell::new(Spell { rest: 0, wild: false }) };
}

/// What kind of time this thread has, for so many more accesses.
#[derive(Clone, Copy)]
struct Spell {
    rest: u64,
    wild: bool,
}

/// Something whose every use is a step of some protocol.
#[derive(Debug, Default)]
pub(crate) struct Chaotic<A>(A);

/// Whoever reaches through is late.
impl<A> Deref for Chaotic<A> {
    type Target = A;

    fn deref(&self) -> &A {
        delay();
        &self.0
    }
}

macro_rules! atomics {
    ($($name:ident($value:ty)),*) => {$(
        pub(crate) type $name = Chaotic<atomic::$name>;

        impl $name {
            pub(crate) const fn new(value: $value) -> Self {
                Chaotic(atomic::$name::new(value))
            }
        }
    )*};
}

atomics!(AtomicBool(bool), AtomicU32(u32), AtomicU64(u64), AtomicUsize(usize));

pub(crate) type AtomicPtr<T> = Chaotic<atomic::AtomicPtr<T>>;

impl<T> AtomicPtr<T> {
    pub(crate) const fn new(value: *mut T) -> Self {
        Chaotic(atomic::AtomicPtr::new(value))
    }
}

pub(crate) fn fence(order: atomic::Ordering) {
    delay();
    atomic::fence(order);
}

pub(crate) type Mutex<T> = Chaotic<Plain<T>>;

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Chaotic(Plain::new(value))
    }

    pub(crate) fn into_inner(self) -> LockResult<T> {
        self.0.into_inner()
    }
}

pub(crate) type Condvar = Chaotic<std::sync::Condvar>;

impl Condvar {
    pub(crate) fn new() -> Self {
        Chaotic::default()
    }

    /// Hides that of std, for which nothing promises that it waits until somebody rings.
    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        if !is_early() {
            return (**self).wait(guard);
        }
        let woken = self.0.wait_timeout(guard, some_time());
        woken.map(|(guard, _)| guard).map_err(|poisoned| PoisonError::new(poisoned.into_inner().0))
    }

    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        time: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let time = if is_early() { time.min(some_time()) } else { time };
        (**self).wait_timeout(guard, time)
    }
}

/// The deques of crossbeam: late from outside, themselves inside.
pub(crate) mod deque {
    use super::Chaotic;

    pub(crate) use crossbeam_deque::Steal;

    pub(crate) type Deque<T> = Chaotic<crossbeam_deque::Worker<T>>;
    pub(crate) type Stealer<T> = Chaotic<crossbeam_deque::Stealer<T>>;
    pub(crate) type Injector<T> = Chaotic<crossbeam_deque::Injector<T>>;

    impl<T> Deque<T> {
        pub(crate) fn new_fifo() -> Self {
            Chaotic(crossbeam_deque::Worker::new_fifo())
        }

        pub(crate) fn new_lifo() -> Self {
            Chaotic(crossbeam_deque::Worker::new_lifo())
        }

        pub(crate) fn stealer(&self) -> Stealer<T> {
            Chaotic(self.0.stealer())
        }
    }

    impl<T> Injector<T> {
        pub(crate) fn new() -> Self {
            Chaotic(crossbeam_deque::Injector::new())
        }
    }
}

/// Is a wait over now, for no reason?
pub(crate) fn is_early() -> bool {
    is_wild() && throw() % EARLY == 0
}

/// Another access: in what kind of spell?
fn is_wild() -> bool {
    let spell = match SPELL.get() {
        Spell { rest: 0, .. } => Spell { rest: throw() % LONGEST_SPELL, wild: throw() % WILD == 0 },
        Spell { rest, wild } => Spell { rest: rest - 1, wild },
    };
    SPELL.set(spell);
    spell.wild
}

fn some_time() -> Duration {
    Duration::from_micros(throw() % (LONGEST_SLEEP + 1))
}

fn delay() {
    if !is_wild() {
        return;
    }
    let dice = throw();
    let (kind, length) = (dice % OF, dice / OF);
    if kind < YIELDS {
        thread::yield_now();
    } else if kind < YIELDS + SLEEPS {
        thread::sleep(Duration::from_micros(length % (LONGEST_SLEEP + 1)));
    } else if kind < YIELDS + SLEEPS + SPINS {
        (0..length % LONGEST_SPIN).for_each(|_| hint::spin_loop());
    }
}

/// Marsaglia's xorshift, as in `rng.rs`; its upper bits, the better ones.
fn throw() -> u64 {
    let mut x = DICE.get();
    if x == 0 {
        x = seed();
    }
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    DICE.set(x);
    x >> 16
}

/// Another one for each thread, from the one that `HEIST_SEED` gives the run.
fn seed() -> u64 {
    static RUN: OnceLock<u64> = OnceLock::new();
    static THREADS: Plain<u64> = Plain::new(0);
    let run = *RUN.get_or_init(|| {
        env::var("HEIST_SEED").map_or(0, |seed| seed.parse().expect("HEIST_SEED is a number"))
    });
    let mut threads = THREADS.lock().expect("nobody panics in here");
    *threads += 1;
    // Weyl's constant, so that neighbours are far apart; never zero.
    (run ^ threads.wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Condvar, Duration, Mutex};

    #[test]
    fn a_wait_that_nobody_ends_is_over_now_and_then() {
        let (lock, bell, time) = (Mutex::new(()), Condvar::new(), Duration::from_millis(1));
        let is_over_early = |_: &u32| {
            let start = Instant::now();
            drop(bell.wait_timeout(lock.lock().unwrap(), time).unwrap());
            start.elapsed() < time
        };
        let early = (0..1000).filter(is_over_early).count();
        assert!((1..500).contains(&early), "{early} of 1000");
    }
}
