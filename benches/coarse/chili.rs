//! chili. Inside is with a scope kept, outside with a new one for every join.

use std::num::NonZero;

use chili::{Config, Scope, ThreadPool};

use crate::{
    Heat,
    harness::{self, Runner, work::Work},
};

pub(crate) fn outside(leaves: usize, heat: Heat) -> Runner {
    let pool = pool();
    crate::timed(heat, leaves, move |work| join(&mut pool.scope(), leaves, work))
}

pub(crate) fn inside(leaves: usize, heat: Heat) -> Runner {
    let pool = pool();
    let runner = move |runs| {
        let mut scope = pool.scope();
        crate::time(heat, leaves, runs, |work| join(&mut scope, leaves, work))
    };
    harness::warm(2, Box::new(runner))
}

fn pool() -> ThreadPool {
    ThreadPool::with_config(Config { thread_count: NonZero::new(2), ..Config::default() })
}

fn join(scope: &mut Scope<'_>, leaves: usize, work: Work) -> u64 {
    if leaves == 1 {
        return work.run();
    }
    let half = |scope: &mut Scope<'_>| join(scope, leaves / 2, work);
    let (a, b) = scope.join(half, half);
    a.wrapping_add(b)
}
