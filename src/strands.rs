//! Strands: jobs of one key run one at a time, in their order; those of different
//! keys side by side.
//!
//! ```text
//! ticket    a job somewhere in the pool that will run the strand for a turn
//! running   a thread is at it
//! ```
//!
//! A strand is there while it has jobs, a ticket or a runner, and has at most one of
//! each of the latter. Whoever finds it with neither sends the ticket; a runner that
//! leaves jobs behind does so unless there is one. A thread that waits for a job may
//! be the runner without a ticket; the ticket then finds somebody there, or nothing.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasherDefault, Hasher},
    task::Waker,
};

use crossbeam_utils::CachePadded;

use crate::sync::Mutex;

pub(crate) struct Strands<J> {
    shards: Box<[CachePadded<Mutex<Shard<J>>>]>,
}

type Shard<J> = HashMap<u64, Strand<J>, BuildHasherDefault<Hashed>>;

struct Strand<J> {
    queue: VecDeque<J>,
    has_ticket: bool,
    is_running: bool,
    /// Who waits for a job of it, to run it when nobody is at it.
    waiting: Vec<Waker>,
}

/// The keys are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0.rotate_left(8) ^ u64::from(byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Locks that keys are spread over.
const SHARDS: usize = 16;

/// A table that was once large gives memory back when so much smaller.
const SPARSE: usize = 8;
const SMALL: usize = 64;

/// What is to be done outside the lock.
#[derive(Default)]
#[must_use = "the ticket is to be sent, and the wakers to be woken"]
pub(crate) struct Left {
    pub(crate) ticket: bool,
    pub(crate) wakers: Vec<Waker>,
}

impl<J> Strands<J> {
    pub(crate) fn new() -> Self {
        Strands { shards: (0..SHARDS).map(|_| CachePadded::default()).collect() }
    }

    /// Adds a job to the strand of `key`. True: a ticket is to be sent.
    #[must_use = "the ticket is to be sent"]
    pub(crate) fn push(&self, key: u64, job: J) -> bool {
        let mut shard = self.shard(key).lock();
        let strand = shard.entry(key).or_insert_with(Strand::new);
        strand.queue.push_back(job);
        strand.wants_ticket()
    }

    /// The ticket of `key` has come. True: the bringer is the runner.
    pub(crate) fn arrive(&self, key: u64) -> bool {
        self.change(key, |strand| {
            strand.has_ticket = false;
            strand.begin()
        })
    }

    /// The same for a thread without a ticket.
    pub(crate) fn begin(&self, key: u64) -> bool {
        self.change(key, Strand::begin)
    }

    /// The next job, for the runner.
    pub(crate) fn next(&self, key: u64) -> Option<J> {
        self.shard(key).lock().get_mut(&key)?.queue.pop_front()
    }

    /// The runner leaves.
    pub(crate) fn leave(&self, key: u64) -> Left {
        self.change(key, |strand| {
            strand.is_running = false;
            let ticket = strand.wants_ticket();
            Left { ticket, wakers: std::mem::take(&mut strand.waiting) }
        })
    }

    /// Are there jobs, and nobody at it?
    pub(crate) fn is_idle(&self, key: u64) -> bool {
        let shard = self.shard(key).lock();
        shard.get(&key).is_some_and(|strand| !strand.is_running && !strand.queue.is_empty())
    }

    /// From now on `waker` is woken, once, when a runner leaves.
    pub(crate) fn wake_at_leave(&self, key: u64, waker: &Waker) {
        let waker = waker.clone();
        if let Some(strand) = self.shard(key).lock().get_mut(&key) {
            if !strand.waiting.iter().any(|other| other.will_wake(&waker)) {
                strand.waiting.push(waker);
            }
        }
    }

    /// Jobs that wait in the strand of `key`.
    pub(crate) fn queued(&self, key: u64) -> usize {
        self.shard(key).lock().get(&key).map_or(0, |strand| strand.queue.len())
    }

    /// Every job, to be dropped. Tickets count as lost; one that comes all the same finds
    /// somebody there, or nothing.
    pub(crate) fn drain(&self) -> Vec<J> {
        let strands = self.shards.iter().flat_map(|shard| {
            let mut shard = shard.lock();
            let (running, mut gone): (Shard<J>, Shard<J>) =
                std::mem::take(&mut *shard).into_iter().partition(|(_, strand)| strand.is_running);
            for (key, strand) in running {
                let runs = Strand { is_running: true, waiting: strand.waiting, ..Strand::new() };
                shard.insert(key, runs);
                gone.insert(key, Strand { queue: strand.queue, ..Strand::new() });
            }
            gone.into_values()
        });
        // Outside the locks: wakers are the user's.
        strands.flat_map(|strand| strand.queue).collect()
    }

    /// Strands that are there, and the room for them.
    #[cfg(all(test, not(any(loom, shuttle))))]
    fn size(&self) -> (usize, usize) {
        let shards = self.shards.iter().map(|shard| shard.lock());
        shards.fold((0, 0), |(n, room), shard| (n + shard.len(), room + shard.capacity()))
    }

    /// Changes a strand, and forgets it if nothing is left of it.
    fn change<R: Default>(&self, key: u64, f: impl FnOnce(&mut Strand<J>) -> R) -> R {
        let mut shard = self.shard(key).lock();
        let Some(strand) = shard.get_mut(&key) else { return R::default() };
        let result = f(strand);
        let gone = if strand.is_over() { shard.remove(&key) } else { None };
        if shard.capacity() > SMALL && shard.len() < shard.capacity() / SPARSE {
            let room = shard.len() * 2;
            shard.shrink_to(room);
        }
        drop(shard);
        // Wakers are the user's.
        drop(gone);
        result
    }

    fn shard(&self, key: u64) -> &Mutex<Shard<J>> {
        // Other bits than those that the table goes by.
        &self.shards[(key >> 32) as usize % SHARDS]
    }
}

impl<J> Strand<J> {
    fn new() -> Self {
        let (queue, waiting) = (VecDeque::new(), Vec::new());
        Strand { queue, has_ticket: false, is_running: false, waiting }
    }

    fn begin(&mut self) -> bool {
        let may = !self.is_running && !self.queue.is_empty();
        self.is_running |= may;
        may
    }

    fn wants_ticket(&mut self) -> bool {
        let wants = !self.queue.is_empty() && !self.has_ticket && !self.is_running;
        self.has_ticket |= wants;
        wants
    }

    fn is_over(&self) -> bool {
        self.queue.is_empty() && !self.has_ticket && !self.is_running
    }
}

/// The worker that the jobs of `key` are best run by: with one worker more or
/// less, only the keys of that one move (rendezvous hashing; Thaler and
/// Ravishankar, IEEE/ACM Transactions on Networking 1998).
pub(crate) fn preferred(key: u64, workers: usize) -> usize {
    (0..workers).max_by_key(|&worker| mix(key ^ mix(worker as u64 + 1))).unwrap_or(0)
}

/// The finalizer of MurmurHash3 (Appleby): each bit of the result depends on each.
fn mix(mut x: u64) -> u64 {
    x ^= x >> 33;
    x = x.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    x ^= x >> 33;
    x = x.wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    x ^ (x >> 33)
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Wake, Waker},
    };

    use super::{Strands, mix, preferred};

    #[test]
    fn a_million_keys_leave_nothing_behind() {
        let strands = Strands::new();
        for key in 0..1_000_000 {
            assert!(strands.push(mix(key), key), "a new strand wants a ticket");
        }
        assert_eq!(strands.size().0, 1_000_000);
        for key in 0..1_000_000 {
            assert!(strands.arrive(mix(key)));
            assert_eq!(strands.next(mix(key)), Some(key));
            assert!(!strands.leave(mix(key)).ticket, "nothing is left");
        }
        let (count, room) = strands.size();
        assert_eq!(count, 0);
        assert!(room < 10_000, "room for {room} strands is kept");
    }

    #[test]
    fn what_comes_in_when_all_was_drained_sends_a_ticket_of_its_own() {
        let strands = Strands::new();
        assert!(strands.push(7, 'a') && strands.push(8, 'b'));
        assert!(strands.arrive(8), "and runs on");
        let mut jobs = strands.drain();
        jobs.sort_unstable();
        assert_eq!((jobs, strands.size().0), (vec!['a', 'b'], 1));
        assert!(strands.push(7, 'c') && !strands.push(8, 'd'));
        assert!(strands.leave(8).ticket);
        assert!(strands.arrive(7), "the lost one, after all");
        assert!(!strands.arrive(7));
    }

    #[test]
    fn a_strand_has_one_runner_and_one_ticket() {
        let strands = Strands::new();
        assert!(strands.push(7, 'a'));
        assert!(!strands.push(7, 'b'), "one ticket is enough");
        assert!(strands.begin(7), "without the ticket");
        assert!(!strands.begin(7) && !strands.arrive(7), "somebody is at it");
        assert_eq!(strands.next(7), Some('a'));
        assert!(strands.leave(7).ticket, "the first one is used up");
        assert!(strands.arrive(7));
        assert_eq!((strands.next(7), strands.next(7)), (Some('b'), None));
        assert!(!strands.leave(7).ticket);
        assert_eq!(strands.size().0, 0);
    }

    #[test]
    fn a_strand_without_jobs_is_there_as_long_as_somebody_is_at_it() {
        let strands = Strands::new();
        assert!(strands.push(7, 'a') && strands.arrive(7));
        assert_eq!(strands.next(7), Some('a'));
        assert!(!strands.begin(7), "there is nothing to begin");
        assert_eq!(strands.size().0, 1);
        assert!(!strands.push(7, 'b'), "its runner will find it");
        assert!(!strands.begin(7), "two of one key at once");
        assert_eq!(strands.next(7), Some('b'));
        assert!(!strands.leave(7).ticket);
        assert_eq!(strands.size(), (0, strands.size().1));
        // A ticket that finds no jobs, for a runner without one has had them.
        assert!(strands.push(7, 'c') && strands.begin(7));
        assert_eq!(strands.next(7), Some('c'));
        assert!(!strands.leave(7).ticket);
        assert_eq!(strands.size().0, 1, "the ticket is on its way");
        assert!(!strands.arrive(7));
        assert_eq!(strands.size().0, 0);
    }

    #[test]
    fn who_waits_to_be_the_runner_hears_when_there_is_none() {
        struct Rings(AtomicUsize);
        impl Wake for Rings {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (strands, rings) = (Strands::new(), Arc::new(Rings(AtomicUsize::new(0))));
        let waker = Waker::from(rings.clone());
        assert!(!strands.is_idle(7), "there is none");
        assert!(strands.push(7, 'a') && strands.is_idle(7));
        assert!(strands.arrive(7) && !strands.is_idle(7));
        assert_eq!((strands.push(7, 'b'), strands.queued(7)), (false, 2));
        (0..2).for_each(|_| strands.wake_at_leave(7, &waker));
        let left = strands.leave(7);
        assert!(left.ticket && left.wakers.len() == 1, "each waker once");
        left.wakers.into_iter().for_each(Waker::wake);
        assert_eq!(rings.0.load(Ordering::Relaxed), 1);
        assert!(strands.is_idle(7), "the ticket may come late");
        assert!(strands.arrive(7));
        assert_eq!((strands.next(7), strands.next(7)), (Some('a'), Some('b')));
        assert!(!strands.is_idle(7) && strands.leave(7).wakers.is_empty());
    }

    #[test]
    fn what_waits_is_given_up_in_the_end_whatever_its_key() {
        let strands = Strands::new();
        for key in 0..100 {
            assert!(strands.push(mix(key), key) && !strands.push(mix(key), key));
        }
        assert_eq!((strands.queued(mix(1)), strands.queued(7)), (2, 0));
        let mut drained = strands.drain();
        drained.sort_unstable();
        assert!(drained.into_iter().eq((0..100).flat_map(|key| [key, key])));
        assert_eq!(strands.queued(mix(1)), 0);
    }

    #[test]
    fn keys_are_spread_and_few_move_with_one_worker_more() {
        let keys = || (0..10_000).map(mix);
        let mut shares = [0; 4];
        keys().for_each(|key| shares[preferred(key, 4)] += 1);
        assert!(shares.iter().all(|share| (2_200..2_800).contains(share)), "{shares:?}");
        let moved = keys().filter(|&key| preferred(key, 4) != preferred(key, 5));
        let (to_new, all) = moved
            .fold((0, 0), |(new, all), key| (new + usize::from(preferred(key, 5) == 4), all + 1));
        assert_eq!(to_new, all, "who moves, moves to the new one");
        assert!((1_800..2_200).contains(&all), "a fifth: {all}");
    }
}
