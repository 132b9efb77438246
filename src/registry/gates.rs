//! What waits outside the queues, and has to hear of the pool's end.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hash},
};

use super::Registry;
use crate::{
    priority::Priority,
    raw::JobRef,
    sleep::Place,
    strands::preferred,
    sync::{Arc, Mutex, Weak},
};

/// Something by which tasks come in, or in which they wait, that is no lane and no
/// deque of the pool's.
pub(crate) trait Gate: Send + Sync {
    /// No more tasks.
    fn close(&self) {}
    /// Drops every task that waits.
    fn discard(&self);
}

/// The gates of a pool. They are not kept alive by it.
#[derive(Default)]
pub(crate) struct Gates(Mutex<Open>);

#[derive(Default)]
struct Open {
    is_closed: bool,
    next: u64,
    gates: BTreeMap<u64, Weak<dyn Gate>>,
}

impl Gates {
    /// Adds one; closed from the start if the others are. The number is for `remove`.
    pub(crate) fn add(&self, gate: Weak<dyn Gate>) -> u64 {
        let mut open = self.0.lock();
        let (number, is_closed) = (open.next, open.is_closed);
        open.next += 1;
        open.gates.insert(number, Weak::clone(&gate));
        drop(open);
        if is_closed {
            gate.upgrade().iter().for_each(|gate| gate.close());
        }
        number
    }

    pub(crate) fn remove(&self, number: u64) {
        let gate = self.0.lock().gates.remove(&number);
        drop(gate);
    }

    pub(super) fn close(&self) {
        self.0.lock().is_closed = true;
        self.all().iter().for_each(|gate| gate.close());
    }

    fn discard(&self) {
        self.all().iter().for_each(|gate| gate.discard());
    }

    /// Outside the lock, since what a gate drops is the user's.
    fn all(&self) -> Vec<Arc<dyn Gate>> {
        self.0.lock().gates.values().filter_map(Weak::upgrade).collect()
    }
}

/// Makes numbers of keys, which nobody outside foresees; in a model, always the same.
#[cfg(not(any(loom, shuttle)))]
pub(super) type Keys = std::hash::RandomState;
#[cfg(any(loom, shuttle))]
pub(super) type Keys = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;

/// A task in a strand, and the lane of which it holds a permit.
pub(crate) struct InStrand<C: 'static> {
    pub(crate) task: JobRef<C>,
    pub(crate) lane: Option<Priority>,
}

impl<C> Registry<C> {
    /// Drops every task that waits at the entrance.
    pub(crate) fn discard(&self) {
        // Strands after their tickets, which lie there: what comes in later then finds a strand
        // without one, and sends another.
        self.injector.discard();
        let stranded = self.strands.drain().into_iter().map(|waits| self.let_in(waits));
        // All let in before any is dropped: a destructor may wait for the lanes to be unused.
        let stranded: Vec<_> = stranded.collect();
        for task in stranded {
            task.discard();
        }
        self.gates.discard();
    }

    /// The wait of a task in its strand is over.
    pub(crate) fn let_in(&self, waits: InStrand<C>) -> JobRef<C> {
        waits.lane.iter().for_each(|&lane| self.injector.lane(lane).let_in());
        waits.task
    }

    /// Tasks accepted from inside, or past the lanes.
    pub(crate) fn spawned_by_no_lane(&self) -> u64 {
        let inside = self.slots().iter().map(|slot| slot.ledger.accepted());
        inside.sum::<u64>() + self.beside.accepted()
    }

    /// Puts in a job of the pool's own, best run by worker `preferred`.
    pub(crate) fn send_errand(&self, preferred: Option<usize>, job: JobRef<C>) {
        self.injector.errands.push(preferred, job);
        if !self.sleep.posted_for(preferred, Place::Lane) {
            self.call_for_tasks();
        }
    }

    /// The number of the strand of `key`.
    pub(crate) fn strand_of(&self, key: impl Hash) -> u64 {
        self.keys.hash_one(key)
    }

    /// The worker that tasks of `key` are best run by.
    pub(crate) fn preferred(&self, key: u64) -> usize {
        preferred(key, self.workers())
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::{Gate, Gates};
    use crate::sync::{Arc, AtomicUsize, Ordering, Weak};

    /// How often it was closed, and how often it was to drop what waits.
    #[derive(Default)]
    struct Counting(AtomicUsize, AtomicUsize);

    impl Gate for Counting {
        fn close(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn discard(&self) {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn add(gates: &Gates) -> (Arc<Counting>, u64) {
        let gate = Arc::<Counting>::default();
        let weak: Weak<Counting> = Arc::downgrade(&gate);
        let number = gates.add(weak);
        (gate, number)
    }

    #[test]
    fn gates_are_closed_with_the_pool_those_that_come_later_too() {
        let gates = Gates::default();
        let (first, number) = add(&gates);
        let (gone, second) = add(&gates);
        assert_ne!(number, second);
        drop(gone);
        let closed = |gate: &Counting| gate.0.load(Ordering::Relaxed);
        assert_eq!(closed(&first), 0);
        gates.close();
        let (late, _) = add(&gates);
        assert_eq!((closed(&first), closed(&late)), (1, 1));
        gates.discard();
        gates.remove(number);
        gates.discard();
        let discarded = |gate: &Counting| gate.1.load(Ordering::Relaxed);
        assert_eq!((discarded(&first), discarded(&late), gates.0.lock().gates.len()), (1, 2, 2));
    }
}
