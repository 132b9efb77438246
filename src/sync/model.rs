//! A model of crossbeam's deques for loom, shuttle and Miri, *as weak as the real ones
//! where it matters*: the items are behind a lock, but emptiness is a relaxed
//! number, so a sleeper that forgets its fence really can miss a push.

use std::collections::VecDeque;

use super::{Arc, AtomicUsize, Mutex, Ordering};

pub(crate) enum Steal<T> {
    Success(T),
    Empty,
    // The model never loses a race; the real deque does.
    #[allow(dead_code)]
    Retry,
}

struct Items<T> {
    queue: Mutex<VecDeque<T>>,
    len: AtomicUsize,
}

impl<T> Items<T> {
    fn new() -> Self {
        Items { queue: Mutex::new(VecDeque::new()), len: AtomicUsize::new(0) }
    }

    fn with<R>(&self, f: impl FnOnce(&mut VecDeque<T>) -> R) -> R {
        let mut queue = self.queue.lock();
        let before = queue.len();
        let result = f(&mut queue);
        if queue.len() != before {
            // ORDERING(dekker): as weak as the real deque promises to be; what
            // makes it seen in time is the poster's fence.
            self.len.store(queue.len(), Ordering::Relaxed);
        }
        result
    }

    fn steal(&self) -> Steal<T> {
        self.with(VecDeque::pop_front).map_or(Steal::Empty, Steal::Success)
    }

    fn len(&self) -> usize {
        // ORDERING(dekker): as above; the sleeper's fence.
        self.len.load(Ordering::Relaxed)
    }
}

/// The owner pops from the end that it was made for.
pub(crate) struct Deque<T>(Arc<Items<T>>, fn(&mut VecDeque<T>) -> Option<T>);
pub(crate) struct Stealer<T>(Arc<Items<T>>);
pub(crate) struct Injector<T>(Items<T>);

impl<T> Deque<T> {
    pub(crate) fn new_lifo() -> Self {
        Deque(Arc::new(Items::new()), VecDeque::pop_back)
    }

    pub(crate) fn new_fifo() -> Self {
        Deque(Arc::new(Items::new()), VecDeque::pop_front)
    }

    pub(crate) fn stealer(&self) -> Stealer<T> {
        Stealer(Arc::clone(&self.0))
    }

    pub(crate) fn push(&self, item: T) {
        self.0.with(|queue| queue.push_back(item));
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
        self.0.steal()
    }

    pub(crate) fn steal_batch_with_limit_and_pop(&self, dest: &Deque<T>, limit: usize) -> Steal<T> {
        let mut batch = self.0.with(|queue| {
            let half = queue.len().div_ceil(2).min(limit);
            queue.drain(..half).collect::<VecDeque<_>>()
        });
        let Some(first) = batch.pop_front() else { return Steal::Empty };
        // As crossbeam does for a LIFO owner: it pops the oldest first.
        batch.into_iter().rev().for_each(|item| dest.push(item));
        Steal::Success(first)
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
        self.0.with(|queue| queue.push_back(item));
    }

    pub(crate) fn steal(&self) -> Steal<T> {
        self.0.steal()
    }

    /// For a first-in first-out owner.
    pub(crate) fn steal_batch_with_limit_and_pop(&self, dest: &Deque<T>, limit: usize) -> Steal<T> {
        let mut batch = self.0.with(|queue| {
            let many = queue.len().min(limit);
            queue.drain(..many).collect::<VecDeque<_>>()
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
