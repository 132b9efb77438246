//! What a process makes for itself, once.

use super::explore::{ANY, Cell, Preemptions, explore};
use crate::{raw::OfProcess, sync::thread};

struct Made(Cell<u32>);

impl Default for Made {
    fn default() -> Self {
        let made = Made(Cell::default());
        made.0.write(|value| *value = 7);
        made
    }
}

/// ORDERING(process): whoever asks at the same time gets the same, and finds it made.
#[test]
fn loom_process_has_one_value_for_all_its_threads() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let cell: &'static OfProcess<Made> = Box::leak(Box::new(OfProcess::new()));
        let get = move || {
            let made = cell.get();
            assert_eq!(made.0.read(|value| *value), 7);
            std::ptr::from_ref(made).addr()
        };
        let other = thread::spawn(get);
        assert_eq!(get(), other.join().unwrap());
    });
}
