//! Work that comes in bursts, or came and does not come again.

use std::{sync::OnceLock, time::Duration};

use crate::{
    Burst, clock,
    harness::{Runner, Unit, time_apart, warm, work::Work},
};

const PIECES: usize = 16;

/// No pool.
pub(crate) struct Serial;

impl Burst for Serial {
    fn burst(&self, pieces: usize, piece: impl Fn() + Send + Sync + Copy + 'static) {
        (0..pieces).for_each(|_| piece());
    }
}

/// What 500 ms cost that begin shortly after a burst.
pub(crate) fn nothing(pool: impl Burst + 'static) -> Runner {
    Box::new(move |runs| {
        let mut total = Duration::ZERO;
        for _ in 0..runs {
            (0..5).for_each(|_| burst(&pool));
            crate::pause(Duration::from_millis(2));
            let start = clock::process();
            crate::pause(crate::millis(500));
            total += clock::process() - start;
        }
        total.as_nanos() as f64
    })
}

/// What bursts cost, and their gaps if processors are asked.
pub(crate) fn bursts(pool: impl Burst + 'static, unit: Unit) -> Runner {
    let gap = || crate::pause(Duration::from_millis(3));
    let runner = move |runs| {
        let start = clock::process();
        let wall = time_apart(runs, gap, || burst(&pool));
        match unit {
            Unit::Cpu => (clock::process() - start).as_nanos() as f64,
            _ => wall,
        }
    };
    warm(3, Box::new(runner))
}

/// 200 us of work, checked.
fn burst(pool: &impl Burst) {
    static RESULT: OnceLock<u64> = OnceLock::new();
    let work = Work::of(Duration::from_micros(200) / PIECES as u32);
    let result = *RESULT.get_or_init(|| work.run());
    pool.burst(PIECES, move || assert_eq!(work.run(), result));
}
