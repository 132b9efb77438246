//! What the cellar promises, small enough for Miri to try on many schedules.
//!
//! What threads share here is mostly plain memory, so that Miri and the sanitizers
//! report two accesses that race; and nothing orders the threads but what is
//! tested: who waits looks again and again, and counts are relaxed.

mod blocks;
mod deque;
mod fork;
mod latch;
mod lent;
mod packet;
mod scope;
mod shares;
mod slab;
mod slot;
mod spot;
mod watch;

use std::{
    cell::{Cell, UnsafeCell},
    task::{Wake, Waker},
};

use super::{Blocks, ForkRef, Homes, Host, JobId, JobRef, Latch, LatchOf, Returned, Slot};
use crate::{
    deque::Deque,
    parker::Parker,
    process::Process,
    sync::{
        Arc, AtomicBool, AtomicUsize, Ordering,
        deque::{Steal, Stealer},
        thread,
    },
};

/// A number that is read and written as it is.
#[derive(Default)]
struct Plain(UnsafeCell<u32>);

// SAFETY: Miri checks it.
unsafe impl Sync for Plain {}

impl Plain {
    fn add(&self, n: u32) {
        // SAFETY: Miri checks it.
        unsafe { *self.0.get() += n };
    }

    fn get(&self) -> u32 {
        // SAFETY: Miri checks it.
        unsafe { *self.0.get() }
    }
}

/// How many of its tokens were dropped.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn token(&self) -> Token {
        Token(self.clone())
    }

    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

struct Token(Count);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.add();
    }
}

/// Panics when it is dropped, and its token is dropped too.
struct Grenade {
    _token: Token,
}

impl Drop for Grenade {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("a grenade"));
    }
}

/// A waker's other end: how often it was rung, and something written before.
struct Bell {
    rung: AtomicUsize,
    written: Plain,
    _token: Token,
}

impl Bell {
    fn new(drops: &Count) -> (Arc<Self>, Waker) {
        let written = Plain::default();
        written.add(5);
        let bell = Bell { rung: AtomicUsize::new(0), written, _token: drops.token() };
        let bell = Arc::new(bell);
        (Arc::clone(&bell), Waker::from(bell))
    }

    fn rung(&self) -> usize {
        self.rung.load(Ordering::Relaxed)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        assert_eq!(self.written.get(), 5);
        self.rung.fetch_add(1, Ordering::Relaxed);
    }
}

/// Looks until `condition` holds, which orders nothing.
fn until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}

/// What a hand does with its forks.
#[derive(Clone, Copy)]
enum Habit {
    Keeps,
    /// Publishes at every other fork.
    Alternates,
    Publishes,
}

/// A worker without a pool: enough of a host to fork on.
struct Hand {
    index: usize,
    habit: Habit,
    forks: Cell<u32>,
    deque: Deque<Hand>,
    blocks: Blocks,
    returned: Returned,
    /// It looked at the latch in vain, and sleeps at the second time.
    glanced: Cell<bool>,
    crew: Arc<Crew>,
}

thread_local! {
    static HERE: Slot<Hand> = const { Slot::new() };
}

struct Crew {
    stealers: Vec<Stealer<JobRef<Hand>>>,
    parkers: Vec<Parker>,
}

fn hands(count: usize, habit: Habit) -> impl Iterator<Item = Hand> {
    let deques: Vec<Deque<Hand>> = (0..count).map(Deque::new).collect();
    let stealers = deques.iter().map(|deque| deque.loot().stealer).collect();
    let parkers = (0..count).map(|_| Parker::new()).collect();
    let crew = Arc::new(Crew { stealers, parkers });
    let homes = Homes::new(count);
    deques.into_iter().enumerate().map(move |(index, deque)| Hand {
        index,
        habit,
        forks: Cell::new(0),
        deque,
        blocks: Blocks::new(index, &homes),
        returned: Returned::default(),
        glanced: Cell::new(false),
        crew: Arc::clone(&crew),
    })
}

/// Runs `body` on a hand, while so many others steal what it publishes.
fn with_thieves<R>(thieves: usize, habit: Habit, body: impl FnOnce(&Hand) -> R) -> R {
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let mut hands = hands(thieves + 1, habit);
    let owner = hands.next().expect("one hand more than thieves");
    let is_over = AtomicBool::new(false);
    thread::scope(|threads| {
        for thief in hands {
            let is_over = &is_over;
            threads.spawn(move || {
                let look = || {
                    while !is_over.load(Ordering::Relaxed) {
                        thief.steal_and_run();
                        thread::yield_now();
                    }
                };
                HERE.with(|slot| slot.enter(&thief, look));
            });
        }
        let _over = Over(&is_over);
        HERE.with(|slot| slot.enter(&owner, || body(&owner)))
    })
}

impl Hand {
    /// Calls `f` with the hand that this thread works for.
    fn here<R>(f: impl FnOnce(&Hand) -> R) -> R {
        Slot::with(&HERE, |hand| f(hand.expect("a thread of `with_thieves`")))
    }

    fn push(&self, job: JobRef<Hand>) {
        self.deque.push(job);
    }

    /// Runs what the others have published, then gives its tickets back.
    fn steal_and_run(&self) {
        for stealer in &self.crew.stealers {
            while let Steal::Success(job) = stealer.steal() {
                job.run(self);
            }
        }
        self.returned.take_off(self);
    }
}

impl Host for Hand {
    fn index(&self) -> usize {
        self.index
    }

    fn fork(&self, fork: ForkRef<Hand>) {
        self.deque.push_private(fork);
        let forks = self.forks.replace(self.forks.get() + 1);
        match self.habit {
            Habit::Keeps => (),
            Habit::Alternates if forks % 2 == 0 => (),
            Habit::Alternates | Habit::Publishes => _ = self.deque.publish(),
        }
    }

    fn take_back(&self, job: JobId) -> Option<ForkRef<Hand>> {
        self.deque.take_back(job)
    }

    fn reclaim(&self, job: JobId) -> Option<JobRef<Hand>> {
        self.deque.reclaim(job, || ())
    }

    fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    fn returned(&self) -> &Returned {
        &self.returned
    }

    fn wait(&self, latch: &Latch, _whose: LatchOf) {
        self.returned.take_off(self);
        let _ = self.deque.publish();
        if let Some(job) = self.deque.pop() {
            job.run(self);
        } else if !self.glanced.replace(true) {
            thread::yield_now();
        } else if !latch.fall_asleep() {
            self.crew.parkers[self.index].park();
            self.glanced.set(false);
        }
    }

    fn process(&self) -> Process {
        Process::current()
    }

    fn wake(&self, owner: usize) {
        self.crew.parkers[owner].unpark();
    }
}
