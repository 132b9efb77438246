//! heist.

use heist::ThreadPool;

use crate::{
    SUM,
    harness::{Runner, timed},
};

pub(crate) fn map_reduce() -> Runner {
    let pool = pool();
    timed(move || {
        let sum = pool.map_reduce(crate::items(), |n| n * n, || 0, |a, b| a + b);
        assert_eq!(sum, SUM);
    })
}

pub(crate) fn join() -> Runner {
    let pool = pool();
    timed(move || {
        let (low, high) = crate::items().split_at(8);
        let (a, b) = pool.join(|| sum(low), || sum(high));
        assert_eq!(a + b, SUM);
    })
}

fn pool() -> ThreadPool {
    ThreadPool::builder().num_threads(2).build().expect("threads")
}

fn sum(items: &[u64]) -> u64 {
    if let [n] = items {
        return n * n;
    }
    let (low, high) = items.split_at(items.len() / 2);
    let (a, b) = heist::join(|| sum(low), || sum(high));
    a + b
}
