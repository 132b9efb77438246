//! No wake-up is lost.

use super::explore::{ANY, Preemptions, explore};
use crate::{
    parker::Parker,
    sleep::{Appetite, Awake, Depth, Place, Sleep},
    sync::{
        Arc, AtomicUsize, Ordering,
        deque::{Injector, Steal},
        thread,
    },
};

type Work = Injector<()>;

/// A worker that leaves when it has had one item: searches or not, sleeps when
/// there is nothing.
fn work_once(sleep: &Sleep, work: &Work, index: usize) {
    let parker = Arc::new(Parker::new());
    let mut searching = sleep.start_searching();
    loop {
        if let Steal::Success(()) = work.steal() {
            break;
        }
        let was = if searching { Awake::Searching } else { Awake::Unasked };
        sleep.fall_asleep(index, Appetite::ANYTHING, Depth::Sleep, was, &parker);
        if work.is_empty() {
            parker.park();
        }
        searching = sleep.get_up(index) == Awake::Searching || sleep.start_searching();
    }
    if searching {
        sleep.stop_searching(|place| place == Place::Lane && !work.is_empty());
    }
}

/// ORDERING(dekker): posted work is not slept through.
#[test]
fn loom_dekker_one_post_reaches_one_sleeper() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let shared = Arc::new((Sleep::new(1, 1, false), Work::new()));
        let worker = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || work_once(&shared.0, &shared.1, 0))
        };
        shared.1.push(());
        let _ = shared.0.posted(Place::Lane);
        worker.join().unwrap();
    });
}

/// ORDERING(dekker): a post that relied on a searcher is passed on by it.
#[test]
fn loom_dekker_two_posts_reach_two_sleepers() {
    explore(Preemptions { quick: 3, full: 4 }, || {
        let shared = Arc::new((Sleep::new(2, 2, false), Work::new()));
        let workers = [0, 1].map(|index| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || work_once(&shared.0, &shared.1, index))
        });
        for _ in 0..2 {
            shared.1.push(());
            let _ = shared.0.posted(Place::Lane);
        }
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}

/// Items, and how many have not been taken.
struct Items {
    sleep: Sleep,
    work: Work,
    left: AtomicUsize,
}

impl Items {
    /// A worker that takes items until none is left. The last wakes whoever sleeps, so a park
    /// brings what it has written.
    fn work(&self, index: usize, parker: &Arc<Parker>, mut searching: bool) {
        let Items { sleep, work, left } = self;
        // ORDERING(dekker): after a park it is no older than that.
        while left.load(Ordering::Relaxed) > 0 {
            if let Steal::Success(()) = work.steal() {
                // ORDERING(dekker): before the wake.
                if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                    sleep.wake_all();
                }
                continue;
            }
            let was = if searching { Awake::Searching } else { Awake::Unasked };
            sleep.take_over(index, Depth::Sleep, was, parker);
            // ORDERING(dekker): if it is stale, a token is there or comes.
            if work.is_empty() && left.load(Ordering::Relaxed) > 0 {
                parker.park();
            }
            searching = sleep.get_up(index) == Awake::Searching || sleep.start_searching();
        }
        if searching {
            sleep.stop_searching(|place| place == Place::Lane && !work.is_empty());
        }
    }

    fn post(&self) {
        self.work.push(());
        let _ = self.sleep.posted(Place::Lane);
    }
}

/// ORDERING(dekker): who falls asleep takes over from a sleeper that has been woken and is not
/// there yet, and may not be for long: what is posted after that wakes somebody.
#[test]
fn loom_dekker_who_falls_asleep_relieves_who_is_coming() {
    explore(Preemptions { quick: 2, full: 4 }, || {
        let (sleep, parker) = (Sleep::new(2, 2, false), Arc::new(Parker::new()));
        sleep.fall_asleep(0, Appetite::ANYTHING, Depth::Sleep, Awake::Unasked, &parker);
        let items = Arc::new(Items { sleep, work: Work::new(), left: AtomicUsize::new(2) });
        items.post();
        let coming = {
            let items = Arc::clone(&items);
            thread::spawn(move || {
                parker.park();
                let searching = items.sleep.get_up(0) == Awake::Searching;
                items.work(0, &parker, searching || items.sleep.start_searching());
            })
        };
        let awake = {
            let items = Arc::clone(&items);
            thread::spawn(move || items.work(1, &Arc::new(Parker::new()), false))
        };
        items.post();
        [coming, awake].into_iter().for_each(|worker| worker.join().unwrap());
    });
}
