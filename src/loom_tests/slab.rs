//! A slab that is cut on one thread and given up on two.

use super::explore::{ANY, Preemptions, explore};
use crate::{
    raw::{Line, Open, Place, release},
    sync::thread,
};

/// Moved to the thread that gives it up.
struct Piece {
    line: std::ptr::NonNull<Line>,
    place: Place,
    lines: u32,
}

// SAFETY: the right to some lines.
unsafe impl Send for Piece {}

impl Piece {
    fn cut(open: &Open, lines: u32) -> Piece {
        let (line, place) = open.cut(lines);
        Piece { line, place, lines }
    }

    fn release(self) {
        // SAFETY: cut above, given up once.
        unsafe { release(self.line, self.place, self.lines) };
    }
}

/// ORDERING(slab): whoever frees a slab comes after all who used it, also if that
/// is the thread that has it open.
#[test]
fn loom_slab_is_freed_by_the_last_to_leave() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let open = Open::new();
        let (a, b) = (Piece::cut(&open, 1), Piece::cut(&open, 1));
        let other = thread::spawn(move || a.release());
        b.release();
        // One line was not cut.
        drop(open);
        other.join().unwrap();
    });
}

/// ORDERING(slab): the same for a slab with nothing left to cut, and the next one.
#[test]
fn loom_slab_that_is_full_is_left_for_another() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let open = Open::new();
        let (a, b) = (Piece::cut(&open, 2), Piece::cut(&open, 1));
        let other = thread::spawn(move || a.release());
        let c = Piece::cut(&open, 2);
        b.release();
        c.release();
        other.join().unwrap();
    });
}
