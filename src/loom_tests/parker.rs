//! One thread that sleeps.

use super::explore::{ANY, Cell, Preemptions, explore};
use crate::{
    parker::Parker,
    sync::{Arc, thread},
};

#[test]
fn loom_parker_a_stale_token_loses_no_wake() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let shared = Arc::new((Parker::new(), Cell::<u32>::default()));
        // From a wait that ended without it.
        shared.0.unpark();
        let sleeper = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                shared.0.park();
                // That was the stale one, or both in one.
                shared.0.unpark();
                shared.0.park();
            })
        };
        shared.0.unpark();
        sleeper.join().unwrap();
    });
}
