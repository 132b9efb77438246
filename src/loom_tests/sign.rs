//! A deque's sign: no thief takes many at a time of what was made in a section.

use super::explore::{ANY, Cell, Preemptions, explore};
use crate::{
    sign::Sign,
    sync::{Arc, thread},
};

/// ORDERING(batch): the owner pushes nothing from a section while a thief takes many,
/// and a thief that comes later takes one by one.
#[test]
fn loom_batch_a_section_waits_for_those_who_take_many() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let shared = Arc::new((Sign::new(), Cell::<u32>::default()));
        let thieves = [0, 1].map(|_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let (sign, pushed) = &*shared;
                let seen = sign.batch(|| pushed.read(|pushed| *pushed));
                assert!(matches!(seen, None | Some(0)));
            })
        });
        let (sign, pushed) = &*shared;
        sign.warn_of_sections();
        pushed.write(|pushed| *pushed += 1);
        thieves.into_iter().for_each(|thief| thief.join().unwrap());
        assert_eq!(sign.batch(|| ()), None);
    });
}
