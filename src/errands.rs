//! Jobs of the pool's own at the entrance: turns of a bulkhead, of a strand, of
//! a future. They need no permit, since there are never more of them than what
//! they stand for, and that has been let in before.
//!
//! Each worker has a queue of those that are best run by it, and one is everybody's.
//! All may take from all: a preference, not a place to be stuck in.

use crate::sync::{AtomicBool, Ordering, deque};

pub(crate) struct Errands<J> {
    /// One for each worker, and the last for everybody.
    queues: Box<[deque::Injector<J>]>,
    /// Has there ever been one? Most pools need not look.
    used: AtomicBool,
}

/// One look in so many begins with the queues of others, so that what a busy
/// worker leaves lying is found also while nobody is idle.
const OTHERS_FIRST: u32 = 8;

impl<J> Errands<J> {
    pub(crate) fn new(workers: usize) -> Self {
        let queues = (0..=workers).map(|_| deque::Injector::new()).collect();
        Errands { queues, used: AtomicBool::new(false) }
    }

    /// Puts `job` where worker `preferred` looks first; or everybody.
    pub(crate) fn push(&self, preferred: Option<usize>, job: J) {
        let everybodys = self.everybodys();
        let queue = preferred.map_or(everybodys, |index| index.min(everybodys));
        // ORDERING(dekker): goes with the push that follows.
        if !self.used.load(Ordering::Relaxed) {
            // ORDERING(dekker): as above.
            self.used.store(true, Ordering::Relaxed);
        }
        self.queues[queue].push(job);
    }

    /// The next one for the thread of slot `index`, at its `look`th look.
    pub(crate) fn take(&self, index: usize, look: u32) -> Option<J> {
        if !self.is_used() {
            return None;
        }
        let everybodys = self.everybodys();
        let own = index.min(everybodys);
        let count = self.queues.len();
        if look % OTHERS_FIRST == 0 {
            let first = (look / OTHERS_FIRST) as usize % count;
            return self.take_from((0..count).map(|step| (first + step) % count));
        }
        let (one, two) = if look % 2 == 0 { (own, everybodys) } else { (everybodys, own) };
        let others = (1..count).map(|step| (own + step) % count);
        self.take_from([one, two].into_iter().chain(others))
    }

    /// How many are nobody's in particular.
    pub(crate) fn everybodys_len(&self) -> usize {
        self.queues[self.everybodys()].len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.is_used() || self.queues.iter().all(|queue| queue.is_empty())
    }

    fn take_from(&self, mut queues: impl Iterator<Item = usize>) -> Option<J> {
        queues.find_map(|queue| take(&self.queues[queue]))
    }

    fn everybodys(&self) -> usize {
        self.queues.len() - 1
    }

    fn is_used(&self) -> bool {
        // ORDERING(dekker): goes with the look at the queues.
        self.used.load(Ordering::Relaxed)
    }
}

/// The oldest item of an unbounded queue.
pub(crate) fn take<J>(queue: &deque::Injector<J>) -> Option<J> {
    // Looked at first: most visits find nothing, and a look writes nothing.
    while !queue.is_empty() {
        match queue.steal() {
            deque::Steal::Success(job) => return Some(job),
            deque::Steal::Empty => return None,
            deque::Steal::Retry => (),
        }
    }
    None
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::{Errands, OTHERS_FIRST};
    use crate::priority::Looks;

    #[test]
    fn who_is_preferred_looks_there_before_others_do() {
        for look in (0..100).filter(|look| look % OTHERS_FIRST != 0) {
            let errands = Errands::new(3);
            (0..3).for_each(|worker| errands.push(Some(worker), worker));
            // The last first, who would find the first one's before its own.
            let taken = (0..3).rev().map(|worker| errands.take(worker, look));
            assert!(taken.eq((0..3).rev().map(Some)), "at look {look}");
        }
    }

    #[test]
    fn who_has_none_of_its_own_takes_what_is_everybodys_and_others() {
        for look in 0..100 {
            let errands = Errands::new(3);
            assert!(errands.is_empty());
            errands.push(Some(2), "another's");
            errands.push(None, "everybody's");
            assert!(!errands.is_empty());
            let mut taken = [0, 0].map(|worker| errands.take(worker, look).unwrap());
            taken.sort_unstable();
            assert_eq!(taken, ["another's", "everybody's"], "at look {look}");
            assert!(errands.is_empty() && errands.take(0, look).is_none());
        }
    }
    #[test]
    fn who_has_enough_of_its_own_sees_to_everybodys_and_to_others_now_and_then() {
        let errands = Errands::new(3);
        let everybodys = 3;
        for _ in 0..100 {
            [Some(0), Some(1), Some(2), None].into_iter().enumerate().for_each(|(whose, queue)| {
                errands.push(queue, whose);
            });
        }
        let first_at = |look| errands.take(0, look).unwrap();
        let usual: Vec<_> = (1..OTHERS_FIRST).map(first_at).collect();
        assert_eq!(usual, [everybodys, 0, everybodys, 0, everybodys, 0, everybodys]);
        // Each queue in its turn.
        let others: Vec<_> = (0..5).map(|turn| first_at(turn * OTHERS_FIRST)).collect();
        assert_eq!(others, [0, 1, 2, everybodys, 0]);
    }

    #[test]
    fn each_queue_is_looked_at_first_in_the_largest_pool_too() {
        let errands = Errands::new(300);
        (0..300).for_each(|worker| errands.push(Some(worker), worker));
        let mut looks = Looks::default();
        let mut looks = std::iter::from_fn(|| Some(looks.next_errand()));
        let mut first = |queue: usize| {
            let look = looks.find(|look| look / OTHERS_FIRST % 301 == queue as u32).unwrap();
            errands.take(0, look - look % OTHERS_FIRST)
        };
        assert_eq!([0, 15, 16, 299].map(&mut first), [0, 15, 16, 299].map(Some));
    }

    #[test]
    fn who_has_none_goes_on_from_its_own_to_the_next() {
        let errands = Errands::new(4);
        (0..4).for_each(|worker| errands.push(Some(worker), worker));
        let taken = [0, 1, 2, 3].map(|_| errands.take(2, 1).unwrap());
        assert_eq!(taken, [2, 3, 0, 1]);
    }
}
