//! Thieves that take many at a time, and what they leave in their own deques.

use std::iter;

use super::{
    explore::{ANY, Cell, Preemptions, explore},
    house::{gate, pool},
};
use crate::{
    config::Config,
    deque::Deque,
    parker::Parker,
    raw::{self, JobRef, Part, Policy, Verdict},
    registry::{Registry, Share},
    sleep::{Appetite, Awake, Depth},
    sync::{Arc, thread},
};

/// As many as make a long queue, so that half of them are two.
const LONG: usize = 4;

/// A job that notes that it has run.
struct Note;

impl Policy<()> for Note {
    type Label = ();
    type Func = Arc<Cell<u32>>;
    type Output = ();

    fn run(mut part: Part<'_, (), Self>, (): &()) -> bool {
        let Some(cell) = part.start() else { return false };
        cell.write(|runs| *runs += 1);
        let _ = part.finish((), Verdict::Completed);
        true
    }

    fn cancel(_: Part<'_, (), Self>, _: Verdict) -> bool {
        false
    }
}

/// What the threads of a pool share, their deques, and what is run of `LONG` jobs that lie in
/// the first: nobody's thread runs by itself.
struct Scene {
    registry: Arc<Registry<()>>,
    deques: Vec<Deque<()>>,
    runs: Vec<Arc<Cell<u32>>>,
}

impl Scene {
    fn new(threads: usize) -> Self {
        let config = Config { max_guests: 0, max_stand_ins: 0, ..Config::default() };
        let (registry, deques, _) = Registry::new(threads, config);
        let runs: Vec<Arc<Cell<u32>>> = (0..LONG).map(|_| Arc::default()).collect();
        for runs in &runs {
            deques[0].push(raw::task::<(), Note>((), Arc::clone(runs)).0);
        }
        Scene { registry, deques, runs }
    }

    /// Each job ran once.
    fn check(&self) {
        assert!(self.runs.iter().all(|runs| runs.read(|runs| *runs) == 1));
    }
}

fn run_all(deque: &Deque<()>) {
    while let Some(job) = deque.pop() {
        job.run(&());
    }
}

/// Thieves of as many `shares` beside an owner that pops what they leave.
fn owner_beside<const N: usize>(shares: [Share; N]) {
    let mut scene = Scene::new(1 + N);
    let thieves: Vec<_> = scene.deques.drain(1..).zip(shares).enumerate().collect();
    let thieves = thieves.into_iter().map(|(n, (deque, share))| {
        let registry = Arc::clone(&scene.registry);
        thread::spawn(move || {
            if let Some(job) = registry.steal(0, 1 + n, share, &deque) {
                job.run(&());
            }
            run_all(&deque);
        })
    });
    let thieves: Vec<_> = thieves.collect();
    run_all(&scene.deques[0]);
    thieves.into_iter().for_each(|thief| thief.join().unwrap());
    scene.check();
}

#[test]
fn loom_half_of_a_queue_is_taken_beside_its_owner() {
    explore(Preemptions { quick: ANY, full: ANY }, || owner_beside([Share::Half]));
}

#[test]
fn loom_half_of_a_queue_is_taken_beside_another_thief() {
    explore(Preemptions { quick: 2, full: 4 }, || owner_beside([Share::Half, Share::One]));
}

/// A worker that sleeps until there is a job for it, which lies in one of the first two deques.
fn work_once(registry: &Registry<()>, index: usize, into: &Deque<()>) {
    let parker = Arc::new(Parker::new());
    let mut searching = false;
    let steal = || -> Option<JobRef<()>> {
        (0..2).find_map(|victim| registry.steal(victim, index, Share::One, into))
    };
    let job = loop {
        if let Some(job) = steal() {
            break job;
        }
        let was = if searching { Awake::Searching } else { Awake::Unasked };
        registry.sleep.fall_asleep(index, Appetite::ANYTHING, Depth::Sleep, was, &parker);
        if !registry.has_work() {
            parker.park();
        }
        searching = registry.sleep.get_up(index) == Awake::Searching;
    };
    if searching {
        registry.stop_searching(index);
    }
    job.run(&());
}

/// The owner pops two. The thief takes one job and what comes with it, and is busy with that
/// until somebody else has run another: so if it had two, that one is for who sleeps.
#[test]
fn loom_half_of_a_queue_wakes_who_saw_it_in_neither_deque() {
    explore(Preemptions { quick: 2, full: 3 }, || {
        let mut scene = Scene::new(3);
        let (ran, wait) = gate();
        let sleepers = scene.deques.pop().unwrap();
        let thiefs = scene.deques.pop().unwrap();
        let thief = {
            let registry = Arc::clone(&scene.registry);
            thread::spawn(move || {
                // No searcher, as a worker that looks for its next job.
                let steal = || registry.steal(0, 1, Share::Half, &thiefs);
                let job = iter::repeat_with(steal).flatten().next().expect("one is left");
                wait();
                job.run(&());
                run_all(&thiefs);
            })
        };
        let owner = scene.deques.pop().unwrap();
        let owner = thread::spawn(move || {
            for job in (0..2).filter_map(|_| owner.pop()) {
                job.run(&());
            }
            owner
        });
        work_once(&scene.registry, 2, &sleepers);
        ran();
        thief.join().unwrap();
        run_all(&owner.join().unwrap());
        scene.check();
    });
}

/// The worker comes while all jobs lie there; one of those that it takes lets their owner go on.
#[test]
fn loom_half_of_a_scope_is_run_by_a_worker() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let pool = pool(1, 1);
        let cells = <[Cell<u32>; LONG]>::default();
        let (open, wait) = gate();
        pool.scope(|scope| {
            let mut open = Some(open);
            for (n, cell) in cells.iter().enumerate() {
                let open = if n == 1 { open.take() } else { None };
                scope.spawn(move |_| {
                    cell.write(|runs| *runs += 1);
                    open.into_iter().for_each(|open| open());
                });
            }
            wait();
        });
        assert!(cells.iter().all(|cell| cell.read(|runs| *runs) == 1));
    });
}
