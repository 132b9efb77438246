//! chili: bodies halved by joins, moved in place in a copy.

use crate::{
    harness::{self, Runner, flat},
    work,
};

pub(crate) fn runner(threads: usize) -> Runner {
    let pool = harness::chili(threads);
    work::runner(move |bodies| {
        let mut moved = bodies.to_vec();
        flat::halved(&pool, threads, 1, &mut moved, |_, part| {
            part.iter_mut().for_each(|body| *body = body.moved(bodies));
        });
        moved
    })
}
