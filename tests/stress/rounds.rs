//! How long, how often, and with which dice.

use std::cell::Cell;
use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::watchdog::Watch;

/// What the rounds of a test add up to.
#[derive(Default)]
pub(crate) struct Score {
    pub(crate) pools: u64,
    pub(crate) tasks: u64,
}

/// Plays `round` again and again for as long as the environment says, and says
/// what that was.
pub(crate) fn rounds(mut round: impl FnMut(&Dice, &mut Score)) {
    let name = thread::current().name().unwrap_or("test").to_owned();
    let seconds = number("HEIST_STRESS_SECONDS").unwrap_or(2);
    let seed = number("HEIST_SEED").unwrap_or_else(|| {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        now.as_micros() as u64
    });
    let dice = Dice::new(seed, &name);
    let watch = Watch::on(&name);
    let confession = Confession { name: &name, seed, round: Cell::new(0) };
    let (start, time) = (Instant::now(), Duration::from_secs(seconds));
    let mut score = Score::default();
    while confession.round.get() == 0 || start.elapsed() < time {
        round(&dice, &mut score);
        watch.beat();
        confession.round.set(confession.round.get() + 1);
    }
    let (rounds, Score { pools, tasks }) = (confession.round.get(), score);
    let time = start.elapsed().as_secs();
    println!("{name}: {rounds} rounds, {pools} pools, {tasks} tasks in {time} s, seed {seed}");
}

/// A number in the environment.
pub(crate) fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text}")))
}

/// Says which round failed, if one does.
struct Confession<'a> {
    name: &'a str,
    seed: u64,
    round: Cell<u64>,
}

impl Drop for Confession<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("{}: round {}, HEIST_SEED={}", self.name, self.round.get(), self.seed);
        }
    }
}

/// Marsaglia's xorshift.
pub(crate) struct Dice(Cell<u64>);

impl Dice {
    fn new(seed: u64, name: &str) -> Dice {
        let mut hasher = DefaultHasher::new();
        (seed, name).hash(&mut hasher);
        Dice(Cell::new(hasher.finish() | 1))
    }

    /// Dice of its own for another thread.
    pub(crate) fn fork(&self) -> Dice {
        Dice(Cell::new((self.throw() << 32 | self.throw()) | 1))
    }

    pub(crate) fn below(&self, bound: usize) -> usize {
        self.throw() as usize % bound
    }

    pub(crate) fn one_in(&self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Copy>(&self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(crate) fn micros(&self, bound: usize) -> Duration {
        Duration::from_micros(self.below(bound) as u64)
    }

    /// Keeps this thread busy for a moment, or lets another one run.
    pub(crate) fn dawdle(&self) {
        match self.below(4) {
            0 => thread::yield_now(),
            1 => (0..self.below(2000)).for_each(|_| std::hint::spin_loop()),
            _ => (),
        }
    }

    fn throw(&self) -> u64 {
        let mut x = self.0.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0.set(x);
        x >> 32
    }
}
