//! chili: a scope for every fold.

use std::num::NonZero;

use chili::{Config, Scope, ThreadPool};

use crate::{
    SUM,
    harness::{Runner, timed},
};

pub(crate) fn runner() -> Runner {
    let config = Config { thread_count: NonZero::new(2), ..Config::default() };
    let pool = ThreadPool::with_config(config);
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
