//! One segment of the sieve, and the count of what is left.

use std::time::{Duration, Instant};

use crate::harness::Runner;

/// Odd numbers in a segment, a byte each: half of a common first cache.
pub(crate) const SEGMENT: usize = 16 * 1024;

/// The odd primes up to the root of where the sieve stops.
pub(crate) struct Primes(Vec<usize>);

impl Primes {
    fn up_to(limit: usize) -> Primes {
        let is_prime = |n: &usize| (3..).take_while(|d| d * d <= *n).all(|d| n % d != 0);
        Primes((3..=limit).step_by(2).filter(is_prime).collect())
    }

    /// Item i of segment s is the number 2 (s * SEGMENT + i) + 1. Leaves those
    /// `true` that are no multiple of a prime, but the prime itself.
    pub(crate) fn cross_out(&self, segment: usize, numbers: &mut [bool]) {
        numbers.fill(true);
        let start = segment * SEGMENT;
        for &prime in &self.0 {
            // Lesser multiples have a lesser prime as well.
            let square = (prime * prime) / 2;
            if square >= start + numbers.len() {
                break;
            }
            // The first odd multiple in here: odd multiples are `prime` items apart.
            let first = if square >= start {
                square - start
            } else {
                (prime - (start - square) % prime) % prime
            };
            numbers.iter_mut().skip(first).step_by(prime).for_each(|number| *number = false);
        }
    }
}

/// A runner of `sieve`, which is to cross out in every segment.
pub(crate) fn runner(mut sieve: impl FnMut(&Primes, &mut [bool]) + 'static) -> Runner {
    let (limit, count) = crate::size();
    let primes = Primes::up_to(limit.isqrt());
    let mut numbers = vec![false; limit / 2];
    Box::new(move |runs| {
        let mut time = Duration::ZERO;
        for _ in 0..runs {
            numbers.fill(false);
            let start = Instant::now();
            sieve(&primes, &mut numbers);
            time += start.elapsed();
            // 1, which is none, stands for 2, which is even.
            assert_eq!(numbers.iter().filter(|&&is_prime| is_prime).count(), count);
        }
        time.as_nanos() as f64
    })
}
