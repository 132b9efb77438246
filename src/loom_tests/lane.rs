//! A lane: no task is out of sight while workers take them in hand.

use std::time::Instant;

use super::explore::{ANY, Preemptions, explore};
use crate::{
    injector::Injector,
    priority::Priority,
    sync::{Arc, thread},
};

/// ORDERING(hand): a lane with tasks never looks empty, and hands them out in
/// their order.
#[test]
fn loom_hand_a_lane_with_tasks_never_looks_empty() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let injector = Arc::new(Injector::<u32>::new(1, 4, Instant::now(), &Arc::default()));
        let lane = |injector: &Injector<u32>| injector.lane(Priority::Normal).take(0, &|| ());
        // Both are taken together, and the second is in hand.
        for task in 0..2 {
            let in_use = injector.lane(Priority::Normal).try_acquire().unwrap();
            injector.lane(Priority::Normal).push(task, in_use);
        }
        let looker = {
            let injector = Arc::clone(&injector);
            thread::spawn(move || assert!(injector.has_tasks()))
        };
        assert_eq!(lane(&injector), Some(0));
        looker.join().unwrap();
        assert_eq!([lane(&injector), lane(&injector)], [Some(1), None]);
        assert!(injector.lane(Priority::Normal).is_unused());
    });
}

#[test]
fn loom_lane_that_is_closed_and_unused_stays_empty() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let injector = Arc::new(Injector::<u32>::new(1, 1, Instant::now(), &Arc::default()));
        let submitter = {
            let injector = Arc::clone(&injector);
            thread::spawn(move || {
                let lane = injector.lane(Priority::Normal);
                lane.try_acquire().map(|in_use| lane.push(7, in_use)).is_ok()
            })
        };
        injector.close();
        let lane = injector.lane(Priority::Normal);
        let is_unused = lane.is_unused();
        assert!(!submitter.join().unwrap() || !is_unused, "it was on its way in");
    });
}
