//! A model of crossbeam's deques for loom, shuttle and Miri, *as weak as the real ones
//! where it matters*: the items are behind a lock, but emptiness is a relaxed
//! number, so a sleeper that forgets its fence really can miss a push; a thief that has
//! looked loses against whoever is quicker; and who takes many from an owner's deque takes one
//! after the other, which lie nowhere until it has them all.

use std::{collections::VecDeque, mem};

use super::{Arc, AtomicU64, Mutex, Ordering};

pub(crate) enum Steal<T> {
    Success(T),
    Empty,
    /// Something has left at the front since the thief looked. (The real deque says so, too, of
    /// one that its owner has made larger or smaller meanwhile.)
    Retry,
}

struct Items<T> {
    line: Mutex<Line<T>>,
    /// As they were some moment ago.
    ends: AtomicU64,
}

struct Line<T> {
    queue: VecDeque<T>,
    /// So many have left at the front: the index of the front in the real deque.
    gone: u32,
}

/// What is seen of a line without its lock.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ends {
    gone: u32,
    len: u32,
}

impl<T> Line<T> {
    fn ends(&self) -> Ends {
        Ends { gone: self.gone, len: self.queue.len() as u32 }
    }

    fn pop_front(&mut self) -> Option<T> {
        let item = self.queue.pop_front()?;
        self.gone = self.gone.wrapping_add(1);
        Some(item)
    }

    /// The last one leaves at the front, whichever end it is popped from: that is where its owner
    /// races with thieves.
    fn pop_back(&mut self) -> Option<T> {
        if self.queue.len() == 1 { self.pop_front() } else { self.queue.pop_back() }
    }
}

impl<T> Items<T> {
    fn new() -> Self {
        let line = Line { queue: VecDeque::new(), gone: 0 };
        Items { line: Mutex::new(line), ends: AtomicU64::new(0) }
    }

    fn with<R>(&self, f: impl FnOnce(&mut Line<T>) -> R) -> R {
        let mut line = self.line.lock();
        let before = line.ends();
        let result = f(&mut line);
        let Ends { gone, len } = line.ends();
        if line.ends() != before {
            // ORDERING(dekker): as weak as the real deque promises to be; what
            // makes it seen in time is the poster's fence.
            self.ends.store(u64::from(gone) << 32 | u64::from(len), Ordering::Relaxed);
        }
        result
    }

    fn ends(&self) -> Ends {
        // ORDERING(dekker): as above; the sleeper's fence.
        let bits = self.ends.load(Ordering::Relaxed);
        Ends { gone: (bits >> 32) as u32, len: bits as u32 }
    }

    fn len(&self) -> usize {
        self.ends().len as usize
    }

    fn push(&self, item: T) {
        self.with(|line| line.queue.push_back(item));
    }

    /// What `take` takes of a line that is not empty.
    fn steal_with<R>(&self, take: impl FnOnce(&mut Line<T>) -> Option<R>) -> Steal<R> {
        let seen = self.ends();
        if seen.len == 0 {
            return Steal::Empty;
        }
        self.with(|line| if line.gone == seen.gone { take(line) } else { None })
            .map_or(Steal::Retry, Steal::Success)
    }
}

/// The owner pops from the end that it was made for.
pub(crate) struct Deque<T>(Arc<Items<T>>, fn(&mut Line<T>) -> Option<T>);
pub(crate) struct Stealer<T>(Arc<Items<T>>);
pub(crate) struct Injector<T>(Items<T>);

impl<T> Deque<T> {
    pub(crate) fn new_lifo() -> Self {
        Deque(Arc::new(Items::new()), Line::pop_back)
    }

    pub(crate) fn new_fifo() -> Self {
        Deque(Arc::new(Items::new()), Line::pop_front)
    }

    pub(crate) fn stealer(&self) -> Stealer<T> {
        Stealer(Arc::clone(&self.0))
    }

    pub(crate) fn push(&self, item: T) {
        self.0.push(item);
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.0.with(self.1)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T> Stealer<T> {
    pub(crate) fn steal(&self) -> Steal<T> {
        self.0.steal_with(Line::pop_front)
    }

    /// As crossbeam does from one LIFO owner's deque to another's: one by one, while nobody else
    /// takes any from the front; the last one is for the thief, and the others come to its deque
    /// together, in their order.
    pub(crate) fn steal_batch_with_limit_and_pop(&self, dest: &Deque<T>, limit: usize) -> Steal<T> {
        let first = self.0.steal_with(|line| {
            let others = (line.queue.len() - 1) / 2;
            Some((line.pop_front()?, line.gone, others.min(limit - 1)))
        });
        let (mut last, gone, others) = match first {
            Steal::Success(first) => first,
            Steal::Empty => return Steal::Empty,
            Steal::Retry => return Steal::Retry,
        };
        let next = |n: usize| {
            let is_next = |line: &Line<T>| line.gone == gone.wrapping_add(n as u32);
            self.0.with(|line| if is_next(line) { line.pop_front() } else { None })
        };
        let batch: Vec<_> =
            (0..others).map_while(next).map(|next| mem::replace(&mut last, next)).collect();
        if !batch.is_empty() {
            dest.0.with(|line| line.queue.extend(batch));
        }
        Steal::Success(last)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T> Injector<T> {
    pub(crate) fn new() -> Self {
        Injector(Items::new())
    }

    pub(crate) fn push(&self, item: T) {
        self.0.push(item);
    }

    /// Loses no race: whoever takes from here tries again at once, so that would be a delay, for
    /// which any schedule does.
    pub(crate) fn steal(&self) -> Steal<T> {
        self.0.with(Line::pop_front).map_or(Steal::Empty, Steal::Success)
    }

    /// For a first-in first-out owner: all at once.
    pub(crate) fn steal_batch_with_limit_and_pop(&self, dest: &Deque<T>, limit: usize) -> Steal<T> {
        let mut batch = self.0.with(|line| {
            let many = line.queue.len().min(limit);
            (0..many).map_while(|_| line.pop_front()).collect::<VecDeque<_>>()
        });
        let Some(first) = batch.pop_front() else { return Steal::Empty };
        batch.into_iter().for_each(|item| dest.push(item));
        Steal::Success(first)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }
}
