//! Room that is used again, by whoever freed it and whoever fills it next.

use super::explore::{ANY, Cell, Preemptions, explore};
use crate::{
    raw::{Blocks, Homes},
    sync::{Arc, thread},
};

/// Moved to the thread that empties it.
struct Room(std::ptr::NonNull<usize>);

// SAFETY: the right to empty a block, once.
unsafe impl Send for Room {}

/// ORDERING(block): what was done with a block before it came home has happened
/// when it is filled again.
#[test]
fn loom_block_is_done_with_before_it_is_filled_again() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let homes = Homes::new(2);
        let maker = Blocks::new(0, &homes);
        let first = maker.fill(1usize);
        let cell = Arc::new(Cell::default());
        let thief = {
            let (homes, cell, room) = (homes.clone(), Arc::clone(&cell), Room(first));
            thread::spawn(move || {
                let room = room;
                cell.write(|value| *value = 7);
                // SAFETY: filled by the maker, emptied here alone.
                assert_eq!(unsafe { Blocks::new(1, &homes).empty(room.0) }, 1);
            })
        };
        // Loom does not try by itself to let the thief run before a plain load.
        thread::yield_now();
        let second = maker.fill(2usize);
        if second == first {
            assert_eq!(cell.read(|value| *value), 7);
        }
        thief.join().unwrap();
        // SAFETY: filled above.
        assert_eq!(unsafe { maker.empty(second) }, 2);
    });
}
