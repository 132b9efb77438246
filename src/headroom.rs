//! How much of its stack a thread has left.
//!
//! What a thread runs while it waits comes on top of what waits, so it is the stack that
//! limits how deep waits may nest, and no number of frames: those are as large as the
//! user's closures make them.

use std::ptr;

use crate::sync::MODELLED;

/// Do locals lie elsewhere than on the stack? Under Miri, in models, and where the address
/// sanitizer looks for uses after a return (`--cfg apart` goes with it).
const IS_ELSEWHERE: bool = MODELLED || cfg!(any(miri, apart));

/// A part of a thread's stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Headroom {
    begin: usize,
    bytes: usize,
}

impl Headroom {
    /// Half of the stack of this thread, which has one of so many bytes and has just begun.
    pub(crate) fn half_of(stack: usize) -> Self {
        Headroom::next(stack / 2)
    }

    /// The next so many bytes of this thread's stack.
    pub(crate) fn next(bytes: usize) -> Self {
        Headroom { begin: here(), bytes }
    }

    /// Is this thread still within it?
    pub(crate) fn is_left(self) -> bool {
        // Whichever way stacks grow.
        IS_ELSEWHERE || here().abs_diff(self.begin) < self.bytes
    }
}

/// Where on the stack this thread is, about. Never inlined, so that it is further on the
/// deeper the caller is.
#[inline(never)]
fn here() -> usize {
    let local = 0u8;
    ptr::from_ref(&local).addr()
}

#[cfg(all(test, not(any(loom, shuttle, miri, apart))))]
mod tests {
    use std::hint::black_box;

    use super::Headroom;

    /// How many frames of 4 KiB and more are within `headroom`.
    fn frames(headroom: Headroom) -> usize {
        let frame = black_box([0u8; 4096]);
        let deeper = if headroom.is_left() { 1 + frames(headroom) } else { 0 };
        deeper + usize::from(frame[deeper % frame.len()])
    }

    #[test]
    fn it_is_left_until_so_many_bytes_are_used() {
        assert!(!Headroom::next(0).is_left());
        let fit = frames(Headroom::half_of(512 << 10));
        assert!((16..=64).contains(&fit), "{fit} frames of more than 4 KiB in 256 KiB");
    }

    #[test]
    fn it_is_left_again_once_the_frames_are_gone() {
        let headroom = Headroom::next(64 << 10);
        assert!(frames(headroom) > 0);
        assert!(headroom.is_left());
    }
}
