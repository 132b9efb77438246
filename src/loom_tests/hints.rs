//! Hints: wrong ones cost time, but they must not stay wrong.

use loom::thread;

use crate::{config::Config, registry::Registry, sync::Arc};

/// ORDERING(demand): an owner that has not answered since hears of the ask.
#[test]
fn loom_demand_an_ask_stays_until_it_is_answered() {
    loom::model(|| {
        let config = Config { max_guests: 0, ..Config::default() };
        let (registry, mut deques) = Registry::<()>::new(1, config);
        let thief = {
            let registry = Arc::clone(&registry);
            let own = deques.pop().unwrap();
            thread::spawn(move || {
                // Worker 0 has nothing public: the stand-in's slot asks it.
                assert!(registry.steal(0, 1, crate::registry::Share::One, &own).is_none());
            })
        };
        let asked = registry.slot(0).asked();
        if asked.is_asked() {
            asked.answer();
            assert!(!asked.is_asked());
            thief.join().unwrap();
        } else {
            thief.join().unwrap();
            assert!(asked.is_asked());
        }
    });
}
