//! A new thread for every leaf but the last, which is the caller's.

use std::thread;

use crate::{Heat, harness::Runner};

pub(crate) fn runner(leaves: usize, heat: Heat) -> Runner {
    crate::timed(heat, leaves, move |work| {
        thread::scope(|scope| {
            let others: Vec<_> = (1..leaves).map(|_| scope.spawn(|| work.run())).collect();
            let own = work.run();
            others
                .into_iter()
                .map(|other| other.join().expect("no panic"))
                .fold(own, u64::wrapping_add)
        })
    })
}
