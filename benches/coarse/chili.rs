//! chili. Inside is with a scope kept, outside with a new one for every join.

use chili::Scope;

use crate::{
    Heat,
    harness::{self, Runner, work::Work},
};

pub(crate) fn outside(leaves: usize, heat: Heat) -> Runner {
    let pool = harness::chili(2);
    crate::timed(heat, leaves, move |work| join(&mut pool.scope(), leaves, work))
}

pub(crate) fn inside(leaves: usize, heat: Heat) -> Runner {
    let pool = harness::chili(2);
    let runner = move |runs| {
        let mut scope = pool.scope();
        crate::time(heat, leaves, runs, |work| join(&mut scope, leaves, work))
    };
    harness::warm(2, Box::new(runner))
}

fn join(scope: &mut Scope<'_>, leaves: usize, work: Work) -> u64 {
    if leaves == 1 {
        return work.run();
    }
    let half = |scope: &mut Scope<'_>| join(scope, leaves / 2, work);
    let (a, b) = scope.join(half, half);
    a.wrapping_add(b)
}
