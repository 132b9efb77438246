//! Two workers without threads of their own: enough of a host to fork on.

use crate::{
    deque::{Deque, Loot},
    parker::Parker,
    process::Process,
    raw::{Blocks, ForkRef, Homes, Host, JobId, JobRef, Latch, LatchOf, Returned},
    sign::Holds,
    sleep::{Place, Sleep},
    sync::{Arc, deque::Steal},
};

pub(super) struct Crew {
    pub(super) sleep: Sleep,
    loots: Vec<Loot<Hand>>,
}

pub(super) struct Hand {
    index: usize,
    deque: Deque<Hand>,
    blocks: Blocks,
    returned: Returned,
    parker: Arc<Parker>,
    pub(super) crew: Arc<Crew>,
}

/// `count` hands that share a crew.
pub(super) fn hands(count: usize) -> Vec<Hand> {
    let deques: Vec<Deque<Hand>> = (0..count).map(Deque::new).collect();
    let loots = deques.iter().map(Deque::loot).collect();
    let crew = Arc::new(Crew { sleep: Sleep::new(count, count, false), loots });
    let homes = Homes::new(count);
    let hand = |(index, deque)| Hand {
        index,
        deque,
        blocks: Blocks::new(index, &homes),
        returned: Returned::default(),
        parker: Arc::new(Parker::new()),
        crew: Arc::clone(&crew),
    };
    deques.into_iter().enumerate().map(hand).collect()
}

impl Hand {
    pub(super) fn push(&self, job: JobRef<Hand>) {
        self.deque.push(job);
        let _ = self.crew.sleep.posted(Place::Deque);
    }

    /// Steals one job from hand `victim` and runs it, if there is one.
    pub(super) fn steal_and_run(&self, victim: usize) -> bool {
        let loot = &self.crew.loots[victim];
        if !loot.may_hold(Holds::Forks) {
            return false;
        }
        match loot.stealer.steal() {
            Steal::Success(job) => {
                job.run(self);
                self.returned.take_off(self);
                true
            }
            Steal::Empty | Steal::Retry => false,
        }
    }
}

impl Host for Hand {
    fn process(&self) -> Process {
        Process::current()
    }

    fn index(&self) -> usize {
        self.index
    }

    fn fork(&self, fork: ForkRef<Hand>) {
        self.deque.push_private(fork);
        let _ = self.deque.publish();
        let _ = self.crew.sleep.posted(Place::Forks);
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
        if let Some(job) = self.deque.pop() {
            job.run(self);
            return;
        }
        self.crew.sleep.lie_down(self.index, &self.parker);
        if !latch.fall_asleep() {
            self.parker.park();
        }
    }

    fn wake(&self, owner: usize) {
        self.crew.sleep.wake(owner);
    }
}
