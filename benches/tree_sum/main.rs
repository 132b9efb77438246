//! What does a join cost around one step of a walk through memory, and what
//! does it cost to come into the pool for a small tree?
//!
//! The sum of a binary tree of boxed nodes, with a join at every node, its
//! leaves too. 1023 nodes are a few microseconds' work, where entering the pool
//! and waking a thread cost more than the sum; 16 million show the bare join.
//!
//! - from inside: the caller already is one of the pool's threads;
//! - from outside: each sum enters the pool from a thread that is none of its;
//! - cold: nothing happened for 2 ms before, so the threads may have gone to sleep.
//!
//! `serial` is the same walk with plain calls. heist, rayon and chili have two
//! threads; chili counts the caller's, also from outside, and heist's caller is
//! a guest beside its two.

mod chili;
#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod serial;

use std::{sync::OnceLock, thread, time::Duration};

/// A tree's root and what its sum must be.
#[derive(Clone, Copy)]
struct Tree {
    root: &'static Node,
    sum: u64,
}

struct Node {
    value: u64,
    left: Option<Box<Node>>,
    right: Option<Box<Node>>,
}

fn main() {
    harness::case("tree_sum", "1023 nodes, from inside, in a loop")
        .add("serial", || serial::walk(small()))
        .add("heist", || ours::inside(small()))
        .add("rayon", || rayon::inside(small()))
        .add("chili", || chili::inside(small()))
        .measure();
    harness::case("tree_sum", "1023 nodes, from outside, in a loop")
        .add("serial", || serial::walk(small()))
        .add("heist", || ours::outside(small()))
        .add("rayon", || rayon::outside(small()))
        .add("chili", || chili::outside(small()))
        .measure();
    harness::case("tree_sum", "1023 nodes, from outside, cold")
        .runs(50)
        .add("serial", || harness::warm(5, serial::cold(small())))
        .add("heist", || harness::warm(5, ours::cold(small())))
        .add("rayon", || harness::warm(5, rayon::cold(small())))
        .add("chili", || harness::warm(5, chili::cold(small())))
        .measure();
    harness::case("tree_sum", "16M nodes, from inside")
        .runs(1)
        .rounds(9)
        .add("serial", || harness::warm(1, serial::walk(large())))
        .add("heist", || harness::warm(1, ours::inside(large())))
        .add("rayon", || harness::warm(1, rayon::inside(large())))
        .add("chili", || harness::warm(1, chili::inside(large())))
        .measure();
    harness::case("tree_sum", "16M nodes, from outside")
        .runs(1)
        .rounds(9)
        .add("serial", || harness::warm(1, serial::walk(large())))
        .add("heist", || harness::warm(1, ours::outside(large())))
        .add("rayon", || harness::warm(1, rayon::outside(large())))
        .add("chili", || harness::warm(1, chili::outside(large())))
        .measure();
}

/// 1023 nodes, in the cache.
fn small() -> Tree {
    static ROOT: OnceLock<Box<Node>> = OnceLock::new();
    tree(&ROOT, 10)
}

/// 16 million nodes, half a gigabyte; in a test 8191.
fn large() -> Tree {
    static ROOT: OnceLock<Box<Node>> = OnceLock::new();
    tree(&ROOT, if harness::is_test() { 13 } else { 24 })
}

/// Grown once, however many contenders walk it.
fn tree(root: &'static OnceLock<Box<Node>>, height: u32) -> Tree {
    let grow = || grow(height, &mut 0).expect("not empty");
    let nodes = (1 << height) - 1;
    Tree { root: root.get_or_init(grow), sum: nodes * (nodes - 1) / 2 }
}

/// The nodes are numbered, and lie in memory, in the order of the walk.
fn grow(height: u32, next: &mut u64) -> Option<Box<Node>> {
    let height = height.checked_sub(1)?;
    let mut node = Box::new(Node { value: *next, left: None, right: None });
    *next += 1;
    node.left = grow(height, next);
    node.right = grow(height, next);
    Some(node)
}

fn pause() {
    thread::sleep(Duration::from_millis(2));
}
