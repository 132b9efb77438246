//! Plain calls.

use std::hint::black_box;

use crate::harness::{Runner, timed};

pub(crate) fn runner(spawns: usize) -> Runner {
    let job: fn() = crate::nothing;
    timed(move || (0..spawns).for_each(|_| black_box(job)()))
}
