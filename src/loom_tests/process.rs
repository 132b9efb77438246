//! What a process makes for itself, once.

use loom::{cell::UnsafeCell, thread};

use crate::raw::OfProcess;

struct Made(UnsafeCell<u32>);

// SAFETY: loom checks it.
unsafe impl Sync for Made {}

impl Default for Made {
    fn default() -> Self {
        let made = Made(UnsafeCell::new(0));
        // SAFETY: loom checks it.
        made.0.with_mut(|value| unsafe { *value = 7 });
        made
    }
}

/// ORDERING(process): whoever asks at the same time gets the same, and finds it made.
#[test]
fn loom_process_has_one_value_for_all_its_threads() {
    loom::model(|| {
        let cell: &'static OfProcess<Made> = Box::leak(Box::new(OfProcess::new()));
        let get = move || {
            let made = cell.get();
            // SAFETY: loom checks it.
            assert_eq!(made.0.with(|value| unsafe { *value }), 7);
            std::ptr::from_ref(made).addr()
        };
        let other = thread::spawn(get);
        assert_eq!(get(), other.join().unwrap());
    });
}
