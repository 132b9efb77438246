//! An iterator.

use crate::{harness::Runner, work};

pub(crate) fn runner() -> Runner {
    work::runner(|bodies| bodies.iter().map(|body| body.moved(bodies)).collect())
}
