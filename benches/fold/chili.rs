//! chili: a scope for every fold.

use chili::Scope;

use crate::{
    SUM,
    harness::{self, Runner, timed},
};

pub(crate) fn runner() -> Runner {
    let pool = harness::chili(2);
    timed(move || assert_eq!(sum(&mut pool.scope(), crate::items()), SUM))
}

fn sum(scope: &mut Scope<'_>, items: &[u64]) -> u64 {
    if let [n] = items {
        return n * n;
    }
    let (low, high) = items.split_at(items.len() / 2);
    let (a, b) = scope.join(|scope| sum(scope, low), |scope| sum(scope, high));
    a + b
}
