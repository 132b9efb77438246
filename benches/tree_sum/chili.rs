//! chili. Inside is with a scope kept, outside with a new one for every sum.

use chili::Scope;

use crate::{
    Node, Tree,
    harness::{self, Runner, time, timed, timed_apart},
};

pub(crate) fn inside(tree: Tree) -> Runner {
    let pool = harness::chili(2);
    Box::new(move |runs| {
        let mut scope = pool.scope();
        time(runs, || assert_eq!(sum(tree.root, &mut scope), tree.sum))
    })
}

pub(crate) fn outside(tree: Tree) -> Runner {
    let pool = harness::chili(2);
    timed(move || assert_eq!(sum(tree.root, &mut pool.scope()), tree.sum))
}

pub(crate) fn cold(tree: Tree) -> Runner {
    let pool = harness::chili(2);
    timed_apart(crate::pause, move || {
        assert_eq!(sum(tree.root, &mut pool.scope()), tree.sum);
    })
}

fn sum(node: &Node, scope: &mut Scope<'_>) -> u64 {
    let (left, right) = scope.join(
        |scope| node.left.as_deref().map_or(0, |node| sum(node, scope)),
        |scope| node.right.as_deref().map_or(0, |node| sum(node, scope)),
    );
    node.value + left + right
}
