//! Room for tasks, cut from slabs.
//!
//! A task is made on one thread and given up on another, and often thousands are
//! alive at once: for a general allocator that is the most expensive way to live. So
//! a thread cuts its tasks from a slab, one behind the other and in whole cache
//! lines, and the slab is free when the last of them is given up, wherever that is.
//! One that lives long keeps its slab of 2 KiB.
//!
//! Free slabs are kept for the whole process, up to 16 MiB of them: to give memory
//! back to the system and to get it again costs more than all the rest of a task.

use std::{
    cell::Cell,
    mem::{MaybeUninit, offset_of},
    ptr::NonNull,
};

use super::canary::Canary;
#[cfg(not(any(loom, shuttle)))]
use super::process::OfProcess;
#[cfg(not(any(loom, shuttle)))]
use crate::sync::Mutex;
use crate::sync::{AtomicU32, MODELLED, Ordering, thread_local};

/// Lines of a slab, without its head: together a little less than 2 KiB, which leaves
/// room for an allocator's word.
const LINES: u32 = if MODELLED || cfg!(miri) { 3 } else { 30 };

/// What takes more lines has memory of its own.
const MOST_LINES: u32 = 4;

/// Free slabs that a process keeps: 16 MiB.
#[cfg(not(any(loom, shuttle)))]
const MOST_SPARE: usize = 8192;

#[repr(C, align(64))]
pub(crate) struct Line(MaybeUninit<[u8; 64]>);

#[repr(C)]
struct Slab {
    head: Head,
    lines: [Line; LINES as usize],
}

struct Head {
    /// Lines that were not given back yet, and those that were not cut yet.
    left: AtomicU32,
    canary: Canary,
}

/// Where a piece was cut: the number of its first line. Kept by whoever has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(u32);

impl Place {
    /// In memory of its own.
    const APART: Place = Place(u32::MAX);

    /// From the beginning of the slab, in bytes.
    fn offset(self) -> usize {
        offset_of!(Slab, lines) + self.0 as usize * size_of::<Line>()
    }
}

thread_local! {
    static OPEN: Open = const { Open::new() };
}

/// A thread's slab, of which the first lines are cut.
pub(crate) struct Open {
    slab: Cell<Option<NonNull<Slab>>>,
    cut: Cell<u32>,
}

/// Moves what `make` makes into a piece of this thread's slab.
pub(super) fn cut<T>(make: impl FnOnce(Place) -> T) -> NonNull<T> {
    let room = if const { fits::<T>() } {
        OPEN.try_with(|open| open.cut(const { lines_of::<T>() })).ok()
    } else {
        None
    };
    let Some((room, place)) = room else {
        // Too large, or the thread is being taken down.
        return NonNull::from(Box::leak(Box::new(make(Place::APART))));
    };
    let room = room.cast::<T>();
    // SAFETY: so many lines, aligned, and ours alone.
    unsafe { room.write(make(place)) };
    room
}

/// A piece whose value is gone, or about to go; given back when this is dropped.
pub(super) struct Empty<T> {
    piece: NonNull<T>,
    place: Place,
}

impl<T> Empty<T> {
    /// # Safety
    ///
    /// `piece` is from `cut`, with this `place`, and not used once this is dropped.
    pub(super) unsafe fn new(piece: NonNull<T>, place: Place) -> Self {
        Empty { piece, place }
    }
}

impl<T> Drop for Empty<T> {
    fn drop(&mut self) {
        if self.place == Place::APART {
            // SAFETY: from the box in `cut`; the value is not dropped again.
            drop(unsafe { Box::from_raw(self.piece.cast::<MaybeUninit<T>>().as_ptr()) });
        } else {
            // SAFETY: so many lines were cut there, and are not used again.
            unsafe { release(self.piece.cast(), self.place, const { lines_of::<T>() }) };
        }
    }
}

impl Open {
    pub(crate) const fn new() -> Self {
        Open { slab: Cell::new(None), cut: Cell::new(0) }
    }

    /// So many lines, not written, and where they were cut. They are `release`d one
    /// day.
    pub(crate) fn cut(&self, lines: u32) -> (NonNull<Line>, Place) {
        let slab = match self.slab.get() {
            Some(slab) if self.cut.get() + lines <= LINES => slab,
            _ => self.renew(),
        };
        let place = Place(self.cut.get());
        self.cut.set(place.0 + lines);
        // SAFETY: within the slab, which is alive while there are lines to cut.
        (unsafe { slab.byte_add(place.offset()) }.cast(), place)
    }

    #[cold]
    #[inline(never)]
    fn renew(&self) -> NonNull<Slab> {
        self.close();
        let slab = NonNull::from(Box::leak(take_spare().unwrap_or_else(Box::new_uninit)));
        let head = Head { left: AtomicU32::new(LINES), canary: Canary::new() };
        // SAFETY: ours alone, and the head comes first.
        unsafe { slab.cast().write(head) };
        self.slab.set(Some(slab.cast()));
        self.cut.set(0);
        slab.cast()
    }

    /// Gives up what was not cut.
    fn close(&self) {
        let (place, rest) = (Place(self.cut.get()), LINES - self.cut.get());
        if let Some(slab) = self.slab.take().filter(|_| rest > 0) {
            // SAFETY: within the slab: there are lines to cut.
            let line = unsafe { slab.byte_add(place.offset()) };
            // SAFETY: those that were not cut are ours.
            unsafe { release(line.cast(), place, rest) };
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.close();
    }
}

/// Gives up so many lines; whoever gives up the last of a slab frees it.
///
/// # Safety
///
/// They were cut at this `place`, and are not used again.
pub(crate) unsafe fn release(line: NonNull<Line>, place: Place, lines: u32) {
    // SAFETY: so far into the slab that it was cut from.
    let slab = unsafe { line.byte_sub(place.offset()) }.cast::<Slab>();
    // SAFETY: our lines keep it.
    let head = unsafe { &(*slab.as_ptr()).head };
    head.canary.touch();
    // ORDERING(slab): acquires what was done by those who gave up theirs.
    let last = head.left.load(Ordering::Acquire) == lines || {
        // ORDERING(slab): releases what was done with the lines, and acquires as above.
        head.left.fetch_sub(lines, Ordering::AcqRel) == lines
    };
    if last {
        head.canary.own();
        // SAFETY: from the box in `renew`, and all lines are given up.
        keep_spare(unsafe { Box::from_raw(slab.cast::<MaybeUninit<Slab>>().as_ptr()) });
    }
}

/// Whoever finds it locked does without: in the child of a fork it is another.
#[cfg(not(any(loom, shuttle)))]
#[allow(clippy::vec_box, reason = "a slab stays where it is")]
static SPARE: OfProcess<Mutex<Vec<Box<MaybeUninit<Slab>>>>> = OfProcess::new();

#[cfg(not(any(loom, shuttle)))]
fn take_spare() -> Option<Box<MaybeUninit<Slab>>> {
    SPARE.get().try_lock()?.pop()
}

#[cfg(not(any(loom, shuttle)))]
fn keep_spare(slab: Box<MaybeUninit<Slab>>) {
    if let Some(mut spare) = SPARE.get().try_lock().filter(|spare| spare.len() < MOST_SPARE) {
        spare.push(slab);
    }
}

#[cfg(any(loom, shuttle))]
fn take_spare() -> Option<Box<MaybeUninit<Slab>>> {
    None
}

#[cfg(any(loom, shuttle))]
fn keep_spare(_: Box<MaybeUninit<Slab>>) {}

const fn lines_of<T>() -> u32 {
    size_of::<T>().div_ceil(size_of::<Line>()) as u32
}

const fn fits<T>() -> bool {
    let lines = lines_of::<T>();
    let is_small = 0 < lines && lines <= MOST_LINES && align_of::<T>() <= align_of::<Line>();
    // A tool that watches memory is to see each piece by itself.
    is_small && !cfg!(any(apart, loom, miri, shuttle))
}
