//! Lines that are cut on one thread, and written and given up on others.

use std::ptr::NonNull;

use crate::{
    raw::slab::{self, Line, Open, Place, release},
    sync::thread,
};

/// The right to some lines, on any thread.
struct Piece {
    line: NonNull<Line>,
    place: Place,
    lines: u32,
}

// SAFETY: nobody else has a right to them.
unsafe impl Send for Piece {}

impl Piece {
    fn cut(open: &Open, lines: u32) -> Piece {
        let (line, place) = open.cut(lines);
        Piece { line, place, lines }
    }

    /// Writes all of it, reads it again, and gives it up.
    fn use_up(self, byte: u8) {
        let bytes = self.line.cast::<u8>();
        let len = 64 * self.lines as usize;
        // SAFETY: so many lines are ours.
        unsafe { bytes.write_bytes(byte, len) };
        // SAFETY: written above.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.as_ptr(), len) };
        assert!(bytes.iter().all(|&read| read == byte));
        // SAFETY: cut with this place, and not used again.
        unsafe { release(self.line, self.place, self.lines) };
    }
}

#[test]
fn pieces_are_used_on_two_threads_while_more_are_cut() {
    let open = Open::new();
    thread::scope(|threads| {
        for round in 0..3 {
            let pieces = [1, 2, 1].map(|lines| Piece::cut(&open, lines));
            let [first, second, third] = pieces;
            threads.spawn(move || second.use_up(round));
            first.use_up(round + 10);
            third.use_up(round + 20);
        }
    });
}

#[test]
fn pieces_outlive_the_thread_that_has_cut_them() {
    let pieces = thread::spawn(|| {
        let open = Open::new();
        [1, 1, 1, 1, 2].map(|lines| Piece::cut(&open, lines))
    });
    for (piece, byte) in pieces.join().unwrap().into_iter().zip(1..) {
        piece.use_up(byte);
    }
}

#[test]
fn values_of_all_sizes_are_dropped_once() {
    fn try_one<T>(value: T) {
        let mut place = None;
        let piece = slab::cut(|at| {
            place = Some(at);
            (value, Box::new(7))
        });
        assert!(piece.is_aligned());
        // SAFETY: written by `cut`, dropped once.
        unsafe { piece.drop_in_place() };
        // SAFETY: cut above, given back once.
        drop(unsafe { slab::Empty::new(piece, place.unwrap()) });
    }
    #[repr(align(128))]
    struct Wide(#[allow(dead_code)] u8);
    for _ in 0..20 {
        try_one(());
        try_one([1u64; 6]);
        try_one([1u64; 7]);
        try_one([1u64; 30]);
        try_one([1u64; 400]);
        try_one(Wide(1));
    }
}
