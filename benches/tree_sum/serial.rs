//! Plain calls.

use std::hint::black_box;

use crate::{
    Node, Tree,
    harness::{Runner, timed, timed_apart},
};

pub(crate) fn walk(tree: Tree) -> Runner {
    timed(move || assert_eq!(sum(black_box(tree.root)), tree.sum))
}

pub(crate) fn cold(tree: Tree) -> Runner {
    timed_apart(crate::pause, move || assert_eq!(sum(black_box(tree.root)), tree.sum))
}

fn sum(node: &Node) -> u64 {
    let left = node.left.as_deref().map_or(0, sum);
    let right = node.right.as_deref().map_or(0, sum);
    node.value + left + right
}
