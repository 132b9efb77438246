//! A memo table behind a lock that is held across a `join`: whoever misses an entry
//! computes it in parallel, and all others wait at the lock.
//!
//! `cargo run --release --example locks`

use std::{collections::HashMap, error::Error, sync::Mutex, thread, time::Instant};

/// How many entries there are, and how often they are asked for.
const ENTRIES: u64 = 16;
const QUESTIONS: usize = 2_000;

/// The Fibonacci numbers, by brute force.
fn fibonacci(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (a, b) = heist::join(|| fibonacci(n - 1), || fibonacci(n - 2));
    a + b
}

#[derive(Default)]
struct Memo {
    entries: HashMap<u64, u64>,
    misses: u64,
}

fn ask(memo: &Mutex<Memo>, n: u64) -> u64 {
    let mut memo = memo.lock().expect("nobody panics with it");
    if let Some(&known) = memo.entries.get(&n) {
        return known;
    }
    memo.misses += 1;
    // Without `isolated`, a wait in there might begin another question, on top of
    // this one, and wait for the lock that is held further down.
    let value = heist::isolated(|| fibonacci(n));
    memo.entries.insert(n, value);
    value
}

fn main() -> Result<(), Box<dyn Error>> {
    let pool = heist::ThreadPool::new()?;
    let memo = Mutex::new(Memo::default());
    let questions: Vec<u64> = (10..10 + ENTRIES).cycle().take(QUESTIONS).collect();
    let start = Instant::now();
    let total = pool.map_reduce(&questions, |&n| ask(&memo, n), || 0, |a, b| a + b);
    let took = start.elapsed();
    let memo = memo.into_inner()?;
    assert_eq!(memo.misses, ENTRIES, "each entry is computed once");
    println!(
        "{QUESTIONS} questions on {} threads of {} processors: {took:.2?}",
        pool.num_threads(),
        thread::available_parallelism()?,
    );
    println!("{} entries, {} computed; the sum is {total}", memo.entries.len(), memo.misses);
    println!("{} jobs were stolen", pool.metrics().steals());
    Ok(())
}
