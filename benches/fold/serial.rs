//! A loop.

use crate::{
    SUM,
    harness::{Runner, timed},
};

pub(crate) fn runner() -> Runner {
    timed(|| assert_eq!(crate::items().iter().map(|n| n * n).sum::<u64>(), SUM))
}
