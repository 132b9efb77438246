//! Room for small jobs, used again and again.
//!
//! A job that is made on one thread and freed on another is the worst case of a
//! general allocator: that alone can cost more than the rest of a spawn. So a
//! worker keeps the blocks that it made, and whoever frees one of another's sends it
//! home, a few dozen at a time. New ones are cut from slabs.

use std::{
    cell::Cell,
    fmt,
    mem::{MaybeUninit, offset_of},
    ptr::{self, NonNull},
};

use crossbeam_utils::CachePadded;

use super::slab::{self, Place};
use crate::sync::{Arc, AtomicPtr, AtomicUsize, MODELLED, Ordering};

/// Blocks of another worker that are sent home together.
const BATCH: usize = if MODELLED {
    1
} else if cfg!(miri) {
    4
} else {
    32
};

/// Free blocks that one worker keeps, and again as many on their way to it; the
/// rest goes back to where it was cut: lines of slabs that tasks share, of which so many
/// may keep one each, 8 MiB.
const MOST_KEPT: usize = if cfg!(miri) { 8 } else { 4096 };

/// A job of up to six words, whose block it is, and where that was cut: seven words
/// of a cache line.
#[repr(C)]
struct Block {
    home: u32,
    place: Place,
    /// The next free one, in the place of the job.
    next: MaybeUninit<Option<NonNull<Block>>>,
    rest: [MaybeUninit<usize>; 5],
}

const ROOM: usize = size_of::<Block>() - offset_of!(Block, next);

/// Does a value of this type fit into a block?
pub(super) const fn fits<T>() -> bool {
    size_of::<T>() <= ROOM && align_of::<T>() <= align_of::<usize>()
}

/// Free blocks, linked by `next`; `last` has none.
struct Chain {
    first: NonNull<Block>,
    last: NonNull<Block>,
    len: usize,
}

/// Where blocks come home to, one place for each worker of a pool.
#[derive(Clone)]
pub(crate) struct Homes(Arc<[CachePadded<Home>]>);

struct Home {
    /// The first of those that came home.
    head: AtomicPtr<Block>,
    /// About how many there are.
    len: AtomicUsize,
}

/// One worker's free blocks.
pub(crate) struct Blocks {
    own: usize,
    homes: Homes,
    free: Cell<Option<NonNull<Block>>>,
    kept: Cell<usize>,
    away: Away,
}

/// Blocks of another worker, to be sent home together. A cell a field: who puts one
/// more to them would wait for a whole that was written in parts to be read at once.
#[derive(Default)]
struct Away {
    home: Cell<usize>,
    first: Cell<Option<NonNull<Block>>>,
    last: Cell<Option<NonNull<Block>>>,
    len: Cell<usize>,
}

// SAFETY: the chains are its own: nobody else has a way to them.
unsafe impl Send for Blocks {}

impl Homes {
    pub(crate) fn new(count: usize) -> Self {
        let home = || Home { head: AtomicPtr::new(ptr::null_mut()), len: AtomicUsize::new(0) };
        Homes((0..count).map(|_| CachePadded::new(home())).collect())
    }
}

impl Home {
    /// Takes in a chain.
    fn receive(&self, chain: Chain) {
        // ORDERING(block): about how many is enough.
        self.len.fetch_add(chain.len, Ordering::Relaxed);
        // ORDERING(block): only compared.
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: in the chain, which is ours until the exchange below.
            unsafe { set_next(chain.last, NonNull::new(head)) };
            let first = chain.first.as_ptr();
            // ORDERING(block): releases the links, and what was done with the
            // blocks before, to `take_all`.
            let (ok, failed) = (Ordering::Release, Ordering::Relaxed);
            match self.head.compare_exchange_weak(head, first, ok, failed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Everything that came home, and about how many that is.
    fn take_all(&self) -> (Option<NonNull<Block>>, usize) {
        // ORDERING(block): a hint that spares the swap.
        if self.head.load(Ordering::Relaxed).is_null() {
            return (None, 0);
        }
        // ORDERING(block): acquires what `receive` released. All at once, so
        // there is no other's block to mistake for one that was here before.
        let head = self.head.swap(ptr::null_mut(), Ordering::Acquire);
        // ORDERING(block): about how many is enough.
        (NonNull::new(head), self.len.swap(0, Ordering::Relaxed))
    }
}

impl Blocks {
    /// For worker `own` of those that share `homes`.
    ///
    /// # Panics
    ///
    /// If there is no such home.
    pub(crate) fn new(own: usize, homes: &Homes) -> Self {
        assert!(own < homes.0.len(), "a worker has a home");
        let (homes, free) = (homes.clone(), Cell::new(None));
        Blocks { own, homes, free, kept: Cell::new(0), away: Away::default() }
    }

    /// Moves `value` into a block.
    #[inline]
    pub(crate) fn fill<T>(&self, value: T) -> NonNull<T> {
        // Not `const`: that would fail to compile where the caller has seen to
        // it that this is never reached.
        assert!(fits::<T>(), "a value that fits");
        let room = room_of(self.take()).cast::<T>();
        // SAFETY: the block is ours, and its room is large enough: `fits`.
        unsafe { room.write(value) };
        room
    }

    /// Moves the value out again. The block may be filled anew at once.
    ///
    /// # Safety
    ///
    /// `room` is from `fill`, on any worker of the same pool; called once.
    #[inline]
    pub(crate) unsafe fn empty<T>(&self, room: NonNull<T>) -> T {
        // SAFETY: `fill` has written it, and this is the only time it is read.
        let value = unsafe { room.read() };
        // SAFETY: so far behind the beginning of the block is its room.
        let block = unsafe { room.cast::<Block>().byte_sub(offset_of!(Block, next)) };
        // SAFETY: out of `take`, and empty now.
        unsafe { self.put(block) };
        value
    }

    #[inline]
    fn take(&self) -> NonNull<Block> {
        let Some(block) = self.free.get() else { return self.fetch() };
        // SAFETY: free, so its link is written.
        self.free.set(unsafe { next(block) });
        self.kept.set(self.kept.get().saturating_sub(1));
        block
    }

    /// One of those that came home, or a new one.
    #[cold]
    #[inline(never)]
    fn fetch(&self) -> NonNull<Block> {
        let (first, len) = self.homes.0[self.own].take_all();
        if first.is_some() {
            self.free.set(first);
            self.kept.set(len);
            return self.take();
        }
        let home = self.own as u32;
        let (next, rest) = (MaybeUninit::uninit(), [MaybeUninit::uninit(); 5]);
        slab::cut(|place| Block { home, place, next, rest })
    }

    /// # Safety
    ///
    /// `block` is from `take`, on any worker of the same pool, and not used
    /// again.
    #[inline]
    unsafe fn put(&self, block: NonNull<Block>) {
        // SAFETY: alive; `home` is never written after it was made.
        let home = unsafe { (*block.as_ptr()).home } as usize;
        if home != self.own {
            // SAFETY: the caller's.
            return unsafe { self.put_away(home, block) };
        }
        if self.kept.get() >= MOST_KEPT {
            // SAFETY: not used again.
            return unsafe { free(block) };
        }
        // SAFETY: ours alone now.
        unsafe { set_next(block, self.free.get()) };
        self.free.set(Some(block));
        self.kept.set(self.kept.get() + 1);
    }

    /// # Safety
    ///
    /// As `put`.
    #[inline]
    unsafe fn put_away(&self, home: usize, block: NonNull<Block>) {
        let away = &self.away;
        if away.home.get() != home || away.first.get().is_none() {
            self.send_away();
            away.home.set(home);
            away.last.set(Some(block));
        }
        // SAFETY: ours alone now.
        unsafe { set_next(block, away.first.get()) };
        away.first.set(Some(block));
        away.len.set(away.len.get() + 1);
        if away.len.get() >= BATCH {
            self.send_away();
        }
    }

    fn send_away(&self) {
        let away = &self.away;
        let (first, last, len) = (away.first.take(), away.last.take(), away.len.take());
        let (Some(first), Some(last)) = (first, last) else { return };
        match self.homes.0.get(away.home.get()) {
            // ORDERING(block): about how many is enough.
            Some(home) if home.len.load(Ordering::Relaxed) < MOST_KEPT => {
                home.receive(Chain { first, last, len });
            }
            // SAFETY: a whole chain, and ours.
            _ => unsafe { free_all(Some(first)) },
        }
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        // SAFETY: free blocks of its own.
        unsafe { free_all(self.free.take()) };
        self.send_away();
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let (first, _) = self.take_all();
        // SAFETY: they belong to the list.
        unsafe { free_all(first) };
    }
}

impl fmt::Debug for Homes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Homes").field(&self.0.len()).finish()
    }
}

fn room_of(block: NonNull<Block>) -> NonNull<MaybeUninit<Option<NonNull<Block>>>> {
    // SAFETY: within the block, whose address is not null.
    unsafe { block.byte_add(offset_of!(Block, next)) }.cast()
}

/// # Safety
///
/// `block` is free, and its link is written.
unsafe fn next(block: NonNull<Block>) -> Option<NonNull<Block>> {
    // SAFETY: the room of a free block holds its link.
    let next = unsafe { room_of(block).read() };
    // SAFETY: written, says the caller.
    unsafe { next.assume_init() }
}

/// # Safety
///
/// `block` is alive, and the caller's alone.
unsafe fn set_next(block: NonNull<Block>, next: Option<NonNull<Block>>) {
    // SAFETY: the caller's.
    unsafe { room_of(block).write(MaybeUninit::new(next)) };
}

/// # Safety
///
/// `block` is alive, and not used again.
unsafe fn free(block: NonNull<Block>) {
    // SAFETY: alive; `place` is never written after it was made.
    let place = unsafe { (*block.as_ptr()).place };
    // SAFETY: cut in `fetch`, and not used again.
    drop(unsafe { slab::Empty::new(block, place) });
}

/// # Safety
///
/// From `first` on they are linked, free, and the caller's alone.
unsafe fn free_all(first: Option<NonNull<Block>>) {
    let mut rest = first;
    while let Some(block) = rest {
        // SAFETY: the caller's.
        rest = unsafe { next(block) };
        // SAFETY: the caller's.
        unsafe { free(block) };
    }
}

// Counts what is kept, which the models have less of.
#[cfg(all(test, not(any(loom, shuttle, miri))))]
mod tests {
    use super::{Blocks, Homes};

    #[test]
    fn blocks_come_home_and_are_filled_again() {
        let homes = Homes::new(2);
        let (maker, thief) = (Blocks::new(0, &homes), Blocks::new(1, &homes));
        let fill = |n: usize| maker.fill([n; 6]);
        let mut seen = Vec::new();
        for round in 0..3 {
            let rooms: Vec<_> = (0..100).map(fill).collect();
            for (n, &room) in rooms.iter().enumerate() {
                let on = if n % 3 == 0 { &maker } else { &thief };
                // SAFETY: filled above, emptied once.
                assert_eq!(unsafe { on.empty(room) }, [n; 6]);
            }
            if round == 0 {
                seen = rooms;
            } else {
                let again = rooms.iter().filter(|room| seen.contains(room)).count();
                assert!(again >= 60, "{again} of 100 were used again");
            }
        }
    }
}
