//! A box that threads take in turns.

use super::explore::{ANY, Cell, Preemptions, explore};
use crate::{
    raw::Spot,
    sync::{Arc, thread},
};

/// ORDERING(spot): who has the box is alone with it, and sees what was done before.
#[test]
fn loom_spot_gives_its_box_to_one_at_a_time() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let spot = Arc::new(Spot::new(Some(Box::<Cell<u32>>::default())));
        let visit = |spot: &Spot<Cell<u32>>| {
            let Some(cell) = spot.take() else { return 0 };
            cell.write(|value| *value += 1);
            spot.put(cell);
            1
        };
        let others: [_; 2] = std::array::from_fn(|_| {
            let spot = Arc::clone(&spot);
            thread::spawn(move || visit(&spot))
        });
        let visits = visit(&spot) + others.map(|other| other.join().unwrap()).iter().sum::<u32>();
        let cell = spot.take().expect("everybody has put it back");
        assert!(visits > 0 && cell.read(|value| *value) == visits);
    });
}
