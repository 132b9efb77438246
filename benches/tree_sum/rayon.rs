//! rayon. From outside `install` hands the walk to a worker.

use ::rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{
    Node, Tree,
    harness::{Runner, time, timed, timed_apart},
};

pub(crate) fn inside(tree: Tree) -> Runner {
    let pool = pool();
    Box::new(move |runs| pool.install(|| time(runs, || assert_eq!(sum(tree.root), tree.sum))))
}

pub(crate) fn outside(tree: Tree) -> Runner {
    let pool = pool();
    timed(move || assert_eq!(pool.install(|| sum(tree.root)), tree.sum))
}

pub(crate) fn cold(tree: Tree) -> Runner {
    let pool = pool();
    timed_apart(crate::pause, move || assert_eq!(pool.install(|| sum(tree.root)), tree.sum))
}

fn pool() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(2).build().expect("threads")
}

fn sum(node: &Node) -> u64 {
    let (left, right) = ::rayon::join(
        || node.left.as_deref().map_or(0, sum),
        || node.right.as_deref().map_or(0, sum),
    );
    node.value + left + right
}
