//! Random victims: xorshift, one state a worker, no locks, no allocation.

use std::cell::Cell;

/// Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14), 2003;
/// the 64-bit triple (13, 7, 17) of its section 3.
pub(crate) struct Rng(Cell<u64>);

impl Rng {
    /// Seeds from a worker's number, so that a run is repeatable as far as the
    /// scheduler lets it be.
    pub(crate) fn new(index: usize) -> Self {
        // Weyl constant: neighbours get distant states, and none gets zero.
        Rng(Cell::new((index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// A number below `bound`, which is not zero.
    pub(crate) fn below(&self, bound: usize) -> usize {
        let mut x = self.0.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.0.set(x);
        // Multiply-shift instead of a division (Lemire 2019, "Fast Random
        // Integer Generation in an Interval"); its bias is below 2^-32 here.
        (((x >> 32) * bound as u64) >> 32) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn every_victim_is_drawn_about_as_often() {
        let rng = Rng::new(3);
        let mut drawn = [0u32; 7];
        (0..70_000).for_each(|_| drawn[rng.below(7)] += 1);
        assert!(drawn.iter().all(|&n| (9_000..11_000).contains(&n)), "{drawn:?}");
    }
}
