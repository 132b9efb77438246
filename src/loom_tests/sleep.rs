//! No wake-up is lost.

use super::explore::{ANY, Preemptions, explore};
use crate::{
    parker::Parker,
    sleep::{Appetite, Awake, Depth, Place, Sleep},
    sync::{
        Arc,
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
        let shared = Arc::new((Sleep::new(1, 1), Work::new()));
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
        let shared = Arc::new((Sleep::new(2, 2), Work::new()));
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
