//! One leaf after the other.

use crate::{Heat, harness::Runner};

pub(crate) fn runner(leaves: usize, heat: Heat) -> Runner {
    crate::timed(heat, leaves, move |work| {
        (0..leaves).map(|_| work.run()).fold(0, u64::wrapping_add)
    })
}
