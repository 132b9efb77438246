//! A search that stops when it has found something, or when its time is over.
//!
//! `cargo run --release --example cancel [-- DIGITS [MILLISECONDS]]`
//!
//! Each task looks for a factor of the same large number in a stretch of its own. The
//! first to find one cancels the token of all: those that wait never run, those that
//! run see it and give up. A deadline does the same to what has not started by then.

use std::{
    env,
    error::Error,
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use heist::{CancellationToken, ThreadPool};

/// Odd numbers that one task tries.
const STRETCH: u64 = 200_000;

fn main() -> Result<(), Box<dyn Error>> {
    let digits = argument(1, "DIGITS", 2..=9)?.unwrap_or(7) as u32;
    let limit = Duration::from_millis(argument(2, "MILLISECONDS", 1..=600_000)?.unwrap_or(500));

    let (p, q) = (prime_above(10_u64.pow(digits)), prime_above(3 * 10_u64.pow(digits)));
    let number = p * q;
    println!("{number} is a product of two primes; {limit:?} to find one");

    let pool = ThreadPool::new()?;
    let token = CancellationToken::new();
    let start = Instant::now();
    let tasks: Vec<_> = (0..=number.isqrt() / (2 * STRETCH))
        .map(|stretch| {
            let found = token.clone();
            let task = pool.task().cancel_token(&token).deadline(start + limit).timeout(limit);
            task.spawn(move || {
                let factor = search(number, stretch);
                // Enough: nobody else is to go on.
                factor.into_iter().for_each(|_| found.cancel());
                factor
            })
        })
        .collect();

    let (mut factor, mut done, mut never_ran, mut late) = (None, 0, 0, 0);
    for task in tasks {
        match task.join() {
            Ok(found) => {
                done += 1;
                factor = factor.or(found);
            }
            Err(error) if error.is_cancelled() => never_ran += 1,
            Err(error) if error.is_deadline() || error.is_timeout() => late += 1,
            Err(error) => return Err(error.into()),
        }
    }
    match factor {
        Some(factor) => println!("found {factor} x {} in {:.1?}", number / factor, start.elapsed()),
        None => println!("found nothing in {:.1?}", start.elapsed()),
    }
    println!("of {} stretches", done + never_ran + late);
    println!("{done:5} were searched, or given up on the way");
    println!("{never_ran:5} were cancelled before they began");
    println!("{late:5} were too late");
    Ok(())
}

/// The `nth` argument, if there is one.
fn argument(nth: usize, name: &str, allowed: RangeInclusive<u64>) -> Result<Option<u64>, String> {
    let Some(text) = env::args().nth(nth) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| allowed.contains(number));
    number.map(Some).ok_or_else(|| format!("{name} is {text:?}, allowed is {allowed:?}"))
}

/// A factor of `number` in a stretch of odd numbers, unless somebody finds one first.
fn search(number: u64, stretch: u64) -> Option<u64> {
    let first = 3 + 2 * stretch * STRETCH;
    let odd = (0..STRETCH).map(|n| first + 2 * n);
    let mut odd = odd.take_while(|n| n % 512 != 1 || !heist::is_cancelled());
    odd.find(|&n| number % n == 0 && n < number)
}

fn prime_above(n: u64) -> u64 {
    let is_prime = |n: &u64| (2..=n.isqrt()).all(|factor| n % factor != 0);
    (n..).find(is_prime).expect("there is always another")
}
