//! Threads of the standard library, an equal part each, moved in place in a copy.

use crate::{
    harness::{Runner, flat},
    work,
};

pub(crate) fn runner(threads: usize) -> Runner {
    work::runner(move |bodies| {
        let mut moved = bodies.to_vec();
        flat::divided(threads, 1, &mut moved, |_, part| {
            part.iter_mut().for_each(|body| *body = body.moved(bodies));
        });
        moved
    })
}
