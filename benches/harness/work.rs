//! Work that takes a given time and is done, not waited for: a thread that has
//! no processor gets no further, as it would by a look at the clock.

use std::{
    hint::black_box,
    sync::OnceLock,
    time::{Duration, Instant},
};

/// So many steps of arithmetic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    steps: u64,
}

impl Work {
    /// What takes `time` on an undisturbed processor; the same steps for all
    /// contenders of this process.
    pub(crate) fn of(time: Duration) -> Work {
        static STEPS_A_MS: OnceLock<f64> = OnceLock::new();
        let steps = STEPS_A_MS.get_or_init(steps_a_ms) * time.as_secs_f64() * 1e3;
        Work { steps: (steps as u64).max(1) }
    }

    /// Does it. The result says that every step was made.
    #[inline(never)]
    pub(crate) fn run(self) -> u64 {
        // Xorshift: each step needs the last one's result, and no compiler makes
        // two steps into one.
        let mut state = black_box(0x2545_f491_4f6c_dd1d_u64);
        for _ in 0..self.steps {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }
        black_box(state)
    }
}

fn steps_a_ms() -> f64 {
    const STEPS: u64 = 100_000;
    let time = |_| {
        let start = Instant::now();
        black_box(Work { steps: STEPS }.run());
        start.elapsed()
    };
    // The quickest of many: whatever disturbs, it slows down.
    let quickest = (0..100).map(time).min().expect("more than none");
    STEPS as f64 / (quickest.as_secs_f64() * 1e3)
}
