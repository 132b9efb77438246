//! A pool that follows the number of CPUs as it changes.

use std::time::Duration;

use crate::{
    config::Cpus,
    registry::{Phase, Registry},
    sync::{Arc, Weak},
    worker::Worker,
};

/// From now on as many workers are on duty as there are `cpus`, looked at once a
/// `period`.
pub(super) fn follow(registry: &Arc<Registry<Worker>>, period: Duration, cpus: Cpus) {
    Follower { home: Arc::downgrade(registry), period, cpus, before: None }.look(registry);
}

struct Follower {
    /// Weak, since the timer belongs to the registry.
    home: Weak<Registry<Worker>>,
    period: Duration,
    cpus: Cpus,
    /// What was found last: what is set by hand holds until that changes.
    before: Option<usize>,
}

impl Follower {
    /// Looks once, and then again after the period.
    fn look(mut self, registry: &Registry<Worker>) {
        let now = (self.cpus)().clamp(1, registry.workers());
        if self.before.replace(now) != Some(now) {
            registry.change_active(|_| now);
        }
        let period = self.period;
        let _ = registry.timer.after(period, move || {
            let home = self.home.upgrade().filter(|home| home.phase() < Phase::Ending);
            if let Some(registry) = home {
                self.look(&registry);
            }
        });
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::{collections::HashMap, path::PathBuf};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        ThreadPool,
        config::Config,
        cpus,
        sync::{Mutex, thread as os},
    };

    type Tree = Arc<Mutex<HashMap<PathBuf, String>>>;

    const MAX: &str = "/sys/fs/cgroup/pod/cpu.max";

    fn write(tree: &Tree, file: &str, text: &str) {
        tree.lock().insert(file.into(), text.into());
    }

    /// A system with eight CPUs and a cgroup.
    fn tree() -> Tree {
        let tree = Tree::default();
        write(&tree, "/proc/self/cgroup", "0::/pod");
        let mount = "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
        write(&tree, "/proc/self/mountinfo", mount);
        tree
    }

    fn pool(tree: &Tree, threads: Option<usize>) -> ThreadPool {
        let tree = Arc::clone(tree);
        let cpus = move || {
            tree.lock().entry("looks".into()).or_default().push('.');
            cpus::allowed(|path| tree.lock().get(path).cloned(), 8)
        };
        let config = Config {
            num_threads: threads,
            follow_cpu_quota: Some(Duration::from_micros(200)),
            cpus: Some(Box::new(cpus)),
            ..Config::default()
        };
        let start =
            &mut |thread: crate::ThreadBuilder| os::Builder::new().spawn(|| thread.run()).map(Some);
        ThreadPool::start(config, |index| index.to_string(), start).unwrap()
    }

    /// Looks again and again; no spin, which under Miri is long.
    fn until(is_so: impl Fn() -> bool) {
        while !is_so() {
            os::park_timeout(Duration::from_micros(100));
        }
    }

    fn until_active(pool: &ThreadPool, active: usize) {
        until(|| pool.active_threads() == active);
    }

    /// Waits until the pool has looked since, from the beginning to the end.
    fn until_looked(tree: &Tree) {
        let looks = || tree.lock()[&PathBuf::from("looks")].len();
        let before = looks();
        until(|| looks() >= before + 2);
    }

    #[test]
    fn a_pool_follows_its_quota() {
        let tree = tree();
        write(&tree, MAX, "150000 100000");
        let pool = pool(&tree, Some(4));
        // At once, and rounded up.
        assert_eq!((pool.active_threads(), pool.num_threads()), (2, 4));
        for (text, active) in [("50000 100000", 1), ("300000 100000", 3), ("max 100000", 4)] {
            write(&tree, MAX, text);
            until_active(&pool, active);
            assert_eq!(pool.join(|| 1, || 2), (1, 2));
        }
        // What is nonsense limits nothing, as at the start.
        write(&tree, MAX, "100000 100000");
        until_active(&pool, 1);
        write(&tree, MAX, "nonsense");
        until_active(&pool, 4);
        pool.shutdown();
    }

    #[test]
    fn what_is_set_by_hand_holds_until_the_quota_changes() {
        let tree = tree();
        write(&tree, MAX, "300000 100000");
        let pool = pool(&tree, None);
        assert_eq!((pool.active_threads(), pool.num_threads()), (3, 3));
        pool.set_active_threads(2).unwrap();
        until_looked(&tree);
        assert_eq!(pool.active_threads(), 2);
        write(&tree, MAX, "100000 100000");
        until_active(&pool, 1);
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// The file says so many tenths of a CPU.
        Write(usize),
        /// It limits nothing.
        Lift,
        ByHand(usize),
        Work,
    }

    const THREADS: usize = 4;
    /// Spawned at a time beside the steps of a case.
    const TASKS: usize = if cfg!(miri) { 2 } else { 20 };

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (1..60_usize).prop_map(Step::Write),
            1 => Just(Step::Lift),
            2 => (1..=THREADS).prop_map(Step::ByHand),
            2 => Just(Step::Work),
        ];
        prop::collection::vec(step, 1..10)
    }

    /// Says that the steps are over.
    struct Over<'a>(&'a Mutex<bool>);

    impl Drop for Over<'_> {
        fn drop(&mut self) {
            *self.0.lock() = true;
        }
    }

    /// What the file says, or was set by hand since, is so after a look; and what is
    /// spawned beside all that runs.
    fn drive(steps: Vec<Step>) {
        let tree = tree();
        let pool = pool(&tree, Some(THREADS));
        let (mut found, mut active) = (THREADS, THREADS);
        let is_over = Mutex::new(false);
        let beside = || {
            while !*is_over.lock() {
                let tasks: Vec<_> = (0..TASKS).map(|n| pool.spawn(move || n)).collect();
                let numbers = tasks.into_iter().map(|task| task.join().unwrap());
                assert!(numbers.eq(0..TASKS));
            }
        };
        os::scope(|threads| {
            threads.spawn(beside);
            // Also if a check fails.
            let _over = Over(&is_over);
            for step in steps {
                let mut cpus = found;
                match step {
                    Step::Write(tenths) => {
                        write(&tree, MAX, &format!("{} 100000", tenths * 10_000));
                        cpus = tenths.div_ceil(10).min(THREADS);
                    }
                    Step::Lift => {
                        write(&tree, MAX, "max 100000");
                        cpus = THREADS;
                    }
                    Step::ByHand(by_hand) => {
                        pool.set_active_threads(by_hand).unwrap();
                        active = by_hand;
                    }
                    Step::Work => assert_eq!(pool.join(|| 1, || 2), (1, 2)),
                }
                if cpus != found {
                    (found, active) = (cpus, cpus);
                }
                until_looked(&tree);
                assert_eq!(pool.active_threads(), active, "after {step:?}");
            }
        });
        assert_eq!(pool.active_threads(), active);
        pool.shutdown();
    }

    #[test]
    fn a_pool_and_its_quota_are_where_their_model_is() {
        let cases = if cfg!(miri) { 1 } else { 500 };
        let config =
            ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
        proptest!(config, |(steps in steps())| drive(steps));
    }
}
