//! Hints: wrong ones cost time, but they must not stay wrong.

use super::explore::{ANY, Preemptions, explore};
use crate::{
    parker::Parker,
    privacy::Privacy,
    sleep::{Appetite, Awake, Depth, Sleep},
    sync::{Arc, thread},
};

/// ORDERING(demand): who falls asleep while a worker goes private is seen by
/// that worker, or has its ask heard at the next fork.
#[test]
fn loom_demand_nobody_sleeps_unheard_beside_private_forks() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let shared = Arc::new((Sleep::new(2, 2, false), Privacy::new()));
        let sleeper = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let parker = Arc::new(Parker::new());
                shared.0.fall_asleep(1, Appetite::ANYTHING, Depth::Sleep, Awake::Unasked, &parker);
                shared.1.end();
            })
        };
        shared.1.begin();
        let seen = shared.0.wants_forks();
        sleeper.join().unwrap();
        assert!(seen || !shared.1.is_allowed());
    });
}

/// ORDERING(demand): an ask stays until the owner has heard of it.
#[test]
fn loom_demand_an_ask_stays_until_it_is_heard() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let privacy = Arc::new(Privacy::new());
        privacy.begin();
        let asker = {
            let privacy = Arc::clone(&privacy);
            thread::spawn(move || {
                privacy.urge();
                privacy.end();
            })
        };
        let heard = privacy.hear();
        asker.join().unwrap();
        assert!(!privacy.is_allowed());
        assert!(heard || privacy.hear());
    });
}
