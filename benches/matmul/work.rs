//! One row of the product, and the check of all of them.

use std::time::{Duration, Instant};

use crate::harness::Runner;

/// Two square matrices, row by row.
pub(crate) struct Factors {
    size: usize,
    left: Vec<f32>,
    right: Vec<f32>,
}

impl Factors {
    /// Writes a row of the product. Goes through the right matrix by rows, which
    /// lie in memory as the processor likes them.
    pub(crate) fn row(&self, number: usize, row: &mut [f32]) {
        row.fill(0.0);
        let left = &self.left[number * self.size..][..self.size];
        for (factor, right) in left.iter().zip(self.right.chunks_exact(self.size)) {
            row.iter_mut().zip(right).for_each(|(sum, item)| *sum += factor * item);
        }
    }

    /// Is this the product? By Freivalds: its product with a vector is compared,
    /// not the product itself. All numbers are small integers, so nothing is rounded.
    fn is_product(&self, product: &[f32]) -> bool {
        let vector: Vec<f64> = small_integers(3).take(self.size).map(f64::from).collect();
        let times = |matrix: &[f32], vector: &[f64]| -> Vec<f64> {
            let rows = matrix.chunks_exact(self.size);
            rows.map(|row| row.iter().zip(vector).map(|(&a, b)| f64::from(a) * b).sum()).collect()
        };
        times(product, &vector) == times(&self.left, &times(&self.right, &vector))
    }
}

/// A runner of `multiply`, which is to write all rows, of `size` items each.
pub(crate) fn runner(mut multiply: impl FnMut(&Factors, usize, &mut [f32]) + 'static) -> Runner {
    let size = crate::size();
    let matrix = |seed| small_integers(seed).take(size * size).collect();
    let factors = Factors { size, left: matrix(1), right: matrix(2) };
    let mut product = vec![0.0; size * size];
    Box::new(move |runs| {
        let mut time = Duration::ZERO;
        for _ in 0..runs {
            product.fill(f32::NAN);
            let start = Instant::now();
            multiply(&factors, size, &mut product);
            time += start.elapsed();
            assert!(factors.is_product(&product));
        }
        time.as_nanos() as f64
    })
}

/// The same numbers from -8 to 7 every time (xorshift64).
fn small_integers(seed: u64) -> impl Iterator<Item = f32> {
    let mut state = 0x2545_F491_4F6C_DD1D ^ seed;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 60) as f32 - 8.0
    })
}
