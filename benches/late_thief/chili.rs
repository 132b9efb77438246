//! chili. Of a join it runs the second half first and shows the first to
//! thieves, so the spine comes second here, for the same shape as the others'.

use chili::Scope;

use crate::{
    Job, SPINE,
    harness::{self, Runner, time},
};

pub(crate) fn runner(job: Job) -> Runner {
    let pool = harness::chili(2);
    Box::new(move |runs| {
        let mut scope = pool.scope();
        time(runs, || {
            let sum = fib(&mut scope, job.fib).wrapping_add(spine(&mut scope, job, SPINE));
            assert_eq!(sum, job.result);
        })
    })
}

fn fib(scope: &mut Scope<'_>, n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (b, a) = scope.join(|scope| fib(scope, n - 2), |scope| fib(scope, n - 1));
    a + b
}

fn spine(scope: &mut Scope<'_>, job: Job, left: u32) -> u64 {
    if left == 0 {
        return job.long.run();
    }
    let (leaf, rest) = scope.join(|_| job.short.run(), |scope| spine(scope, job, left - 1));
    rest.wrapping_add(leaf)
}
