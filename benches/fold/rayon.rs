//! rayon.

use ::rayon::prelude::*;

use crate::{
    SUM,
    harness::{Runner, timed},
};

pub(crate) fn runner() -> Runner {
    let pool = ::rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    timed(move || {
        let sum: u64 = pool.install(|| crate::items().par_iter().map(|n| n * n).sum());
        assert_eq!(sum, SUM);
    })
}
