//! A new thread.

use std::thread;

use crate::harness::{Runner, timed};

pub(crate) fn one() -> Runner {
    timed(|| {
        thread::scope(|scope| {
            scope.spawn(crate::nothing);
        });
    })
}
