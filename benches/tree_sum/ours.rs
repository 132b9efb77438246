//! heist.

use heist::ThreadPool;

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
    timed(move || assert_eq!(enter(&pool, tree.root), tree.sum))
}

pub(crate) fn cold(tree: Tree) -> Runner {
    let pool = pool();
    timed_apart(crate::pause, move || assert_eq!(enter(&pool, tree.root), tree.sum))
}

fn pool() -> ThreadPool {
    ThreadPool::builder().num_threads(2).build().expect("threads")
}

/// The root's join is where the caller becomes a guest.
fn enter(pool: &ThreadPool, root: &Node) -> u64 {
    let (left, right) =
        pool.join(|| root.left.as_deref().map_or(0, sum), || root.right.as_deref().map_or(0, sum));
    root.value + left + right
}

fn sum(node: &Node) -> u64 {
    let (left, right) = heist::join(
        || node.left.as_deref().map_or(0, sum),
        || node.right.as_deref().map_or(0, sum),
    );
    node.value + left + right
}
