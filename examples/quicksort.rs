//! Sorts ten million numbers by `join`, and races the sequential sort of std.
//!
//! `cargo run --release --example quicksort [-- COUNT]`

use heist::ThreadPool;
use std::{env, error::Error, process::ExitCode, time::Instant};

/// Below this many numbers (128 KiB of them, so they fit in a core's own cache)
/// std's sort is as fast as splitting further.
const GRAIN: usize = 16 * 1024;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let count = match env::args().nth(1) {
        Some(text) => text.parse().map_err(|_| format!("not a count of numbers: {text:?}"))?,
        None => 10_000_000,
    };
    let numbers: Vec<u64> = random_numbers(count).collect();
    let pool = ThreadPool::new()?;

    let mut ours = numbers.clone();
    let start = Instant::now();
    quicksort(&pool, &mut ours);
    let ours_took = start.elapsed().as_secs_f64();
    let metrics = pool.metrics();

    let mut theirs = numbers;
    let start = Instant::now();
    theirs.sort_unstable();
    let theirs_took = start.elapsed().as_secs_f64();

    let rate = |seconds: f64| count as f64 / seconds / 1e6;
    println!("{count} random u64\n");
    println!("                          seconds   million/s");
    println!(
        "quicksort, {:3} workers    {ours_took:7.3}   {:9.1}",
        pool.num_threads(),
        rate(ours_took)
    );
    println!("std's sort_unstable       {theirs_took:7.3}   {:9.1}", rate(theirs_took));
    println!("speed-up                  {:7.2}\n", theirs_took / ours_took);
    println!("{metrics}");
    if ours != theirs {
        eprintln!("quicksort: the two results differ");
        return Ok(ExitCode::FAILURE);
    }
    println!("the two results are equal");
    Ok(ExitCode::SUCCESS)
}

/// Sorts `numbers`; each half may be stolen.
fn quicksort(pool: &ThreadPool, numbers: &mut [u64]) {
    if numbers.len() <= GRAIN {
        return numbers.sort_unstable();
    }
    let pivot = pivot(numbers);
    let (less, rest) = partition(numbers, |number| number < pivot);
    if less.is_empty() {
        // The pivot is the least, so its equals are in place once they are in front.
        let (_equal, greater) = partition(rest, |number| number <= pivot);
        return quicksort(pool, greater);
    }
    pool.join(|| quicksort(pool, less), || quicksort(pool, rest));
}

/// The median of a few numbers, evenly spaced: a pivot near the middle.
fn pivot(numbers: &[u64]) -> u64 {
    let mut sample: Vec<u64> = numbers.iter().copied().step_by(numbers.len() / 32).collect();
    sample.sort_unstable();
    sample[sample.len() / 2]
}

/// Moves the numbers that `belong` before the others. No branch depends on a
/// number, so none is mispredicted.
fn partition(numbers: &mut [u64], belongs: impl Fn(u64) -> bool) -> (&mut [u64], &mut [u64]) {
    let mut end = 0;
    for i in 0..numbers.len() {
        let number = numbers[i];
        numbers.swap(i, end);
        end += usize::from(belongs(number));
    }
    numbers.split_at_mut(end)
}

/// SplitMix64: the same numbers each time.
fn random_numbers(count: usize) -> impl Iterator<Item = u64> {
    (1..=count as u64).map(|i| {
        let z = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}
