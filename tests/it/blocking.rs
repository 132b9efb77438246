//! `blocking`: others work while a thread waits for something outside.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use heist::{ThreadPool, blocking};

use crate::support::{
    Count, Gate, Meeting, assert_whole, builder, hold_some, message, pool, until, within_a_minute,
};

/// Takes every worker into a section that lasts until the gate is open.
pub(crate) fn block_all(pool: &ThreadPool) -> (Arc<Gate>, Vec<heist::JoinHandle<()>>) {
    let (gate, arrived) = (Gate::shared(), Count::shared());
    let met = Arc::new(Meeting::of(pool.num_threads()));
    let blocked = (0..pool.num_threads()).map(|_| {
        let (gate, arrived, met) = (gate.clone(), arrived.clone(), met.clone());
        pool.spawn(move || {
            // Before any of them has a stand-in, who might take another's task.
            met.wait();
            blocking(|| {
                arrived.add();
                gate.pass();
            });
        })
    });
    let blocked = blocked.collect();
    until(|| arrived.get() == pool.num_threads());
    (gate, blocked)
}

#[test]
fn a_task_queued_behind_workers_that_all_wait_for_it_runs() {
    within_a_minute(|| {
        for threads in [1, 2, 4] {
            let pool = pool(threads);
            let gate = Gate::shared();
            let met = Arc::new(Meeting::of(threads + 1));
            let waiting: Vec<_> = (0..threads)
                .map(|_| {
                    let (gate, met) = (gate.clone(), met.clone());
                    pool.spawn(move || {
                        met.wait();
                        blocking(|| gate.pass());
                    })
                })
                .collect();
            let opening = pool.spawn(move || gate.open());
            // Every worker has begun: the last task is queued behind them.
            met.wait();
            opening.join().unwrap();
            waiting.into_iter().for_each(|task| task.join().unwrap());
        }
    });
}

#[test]
fn a_task_that_comes_while_all_workers_are_away_runs() {
    within_a_minute(|| {
        for threads in [1, 2] {
            let pool = pool(threads);
            let (gate, blocked) = block_all(&pool);
            for _ in 0..3 {
                let index = pool.spawn(heist::current_thread_index).join().unwrap();
                assert_eq!(index, None, "a stand-in is no worker");
            }
            gate.open();
            blocked.into_iter().for_each(|task| task.join().unwrap());
            assert_whole(&pool);
        }
    });
}

#[test]
fn what_a_worker_has_queued_is_run_while_it_is_away() {
    within_a_minute(|| {
        let pool = pool(1);
        let sum = pool.spawn(|| {
            let (say, heard) = mpsc::channel();
            for n in 1..=10 {
                let say = say.clone();
                drop(heist::spawn(move || say.send(n).unwrap()));
            }
            drop(say);
            blocking(|| heard.iter().sum::<i32>())
        });
        assert_eq!(sum.join().unwrap(), 55);
    });
}

#[test]
fn a_fork_is_run_while_its_sibling_is_away() {
    within_a_minute(|| {
        // From a worker, and from a guest.
        for inside in [true, false] {
            let pool = pool(1);
            let _held = (!inside).then(|| hold_some(&pool, 1));
            let run = || {
                let (say, heard) = mpsc::channel();
                let away = move || blocking(move || heard.recv().unwrap());
                heist::join(away, move || say.send(7).unwrap()).0
            };
            assert_eq!(if inside { pool.install(run) } else { pool.join(run, || ()).0 }, 7);
        }
    });
}

#[test]
fn a_fork_made_inside_a_section_is_run_by_another() {
    within_a_minute(|| {
        let pool = pool(1);
        let got = pool.install(|| {
            blocking(|| {
                // Deep enough that forks would be private elsewhere.
                fn down(depth: usize) -> usize {
                    if depth == 0 {
                        let (say, heard) = mpsc::channel();
                        let wait = move || heard.recv().unwrap();
                        return heist::join(wait, move || say.send(1).unwrap()).0;
                    }
                    heist::join(|| down(depth - 1), || 1).0
                }
                down(100)
            })
        });
        assert_eq!(got, 1);
    });
}

#[test]
fn a_fork_that_was_private_is_run_while_its_sibling_is_away() {
    within_a_minute(|| {
        fn down(depth: usize) -> usize {
            if depth == 0 {
                let (say, heard) = mpsc::channel();
                let away = move || blocking(move || heard.recv().unwrap());
                return heist::join(away, move || say.send(1).unwrap()).0;
            }
            heist::join(|| down(depth - 1), || 1).0
        }
        for threads in [1, 2] {
            let pool = pool(threads);
            for _ in 0..10 {
                assert_eq!(pool.install(|| down(100)), 1);
            }
        }
    });
}

#[test]
fn fork_join_and_scopes_work_inside_a_section() {
    within_a_minute(|| {
        for threads in [1, 2] {
            let pool = pool(threads);
            pool.install(|| {
                blocking(|| {
                    assert_eq!(heist::join(|| 1, || 2), (1, 2));
                    let ran = Count::default();
                    heist::scope(|s| (0..100).for_each(|_| s.spawn(|_| ran.add())));
                    assert_eq!(ran.get(), 100);
                    assert_eq!(heist::spawn(|| 3).join().unwrap(), 3);
                    assert_eq!(heist::current_num_threads(), threads);
                });
            });
            assert_whole(&pool);
        }
    });
}

#[test]
fn sections_nest() {
    within_a_minute(|| {
        let pool = pool(1);
        let nested = pool.spawn(|| blocking(|| blocking(|| heist::spawn(|| 7).join().unwrap())));
        assert_eq!(nested.join().unwrap(), 7);
        // In a section, while this waits, another begins on the same thread.
        let waits = pool.spawn(|| blocking(|| heist::spawn(|| blocking(|| 8)).join().unwrap()));
        assert_eq!(waits.join().unwrap(), 8);
        assert_whole(&pool);
        let (gate, blocked) = block_all(&pool);
        pool.spawn(move || gate.open()).join().unwrap();
        blocked.into_iter().for_each(|task| task.join().unwrap());
    });
}

#[test]
fn a_stand_in_that_blocks_has_a_stand_in_of_its_own() {
    within_a_minute(|| {
        let pool = pool(1);
        let gates: Vec<_> = (0..20).map(|_| Gate::shared()).collect();
        // Each waits for the next: it takes as many threads as there are tasks.
        let chain: Vec<_> = (0..19)
            .map(|n| {
                let (own, next) = (gates[n].clone(), gates[n + 1].clone());
                pool.spawn(move || {
                    blocking(|| next.pass());
                    own.open();
                })
            })
            .collect();
        let last = gates[19].clone();
        pool.spawn(move || last.open()).join().unwrap();
        chain.into_iter().for_each(|task| task.join().unwrap());
    });
}

#[test]
fn no_more_stand_ins_come_than_were_allowed() {
    within_a_minute(|| {
        for most in [0, 1, 3] {
            let pool = builder(1).max_stand_ins(most).build().unwrap();
            let (gate, arrived) = (Gate::shared(), Count::shared());
            let blocked: Vec<_> = (0..10)
                .map(|_| {
                    let (gate, arrived) = (gate.clone(), arrived.clone());
                    pool.spawn(move || {
                        arrived.add();
                        blocking(|| gate.pass());
                    })
                })
                .collect();
            until(|| arrived.get() > most);
            // The worker and its stand-ins are away: nobody takes another.
            assert_eq!(pool.metrics().lanes[1].depth, 9 - most);
            gate.open();
            blocked.into_iter().for_each(|task| task.join().unwrap());
            assert_eq!(arrived.get(), 10);
            assert_whole(&pool);
        }
    });
}

#[test]
fn a_panic_passes_through_and_the_worker_has_come_back() {
    within_a_minute(|| {
        let pool = pool(1);
        let said = message(|| pool.install(|| blocking(|| panic!("in a section"))));
        assert_eq!(said, "in a section");
        let index = pool.install(|| {
            let said = message(|| blocking(|| blocking(|| panic!("again"))));
            assert_eq!(said, "again");
            // No stand-in: the only worker is here, so its child runs after it.
            let child = heist::spawn(heist::current_thread_index);
            assert!(!child.is_finished());
            child
        });
        assert_eq!(index.join().unwrap(), Some(0));
    });
}

#[test]
fn outside_of_a_pool_it_just_runs() {
    let here = thread::current().id();
    assert_eq!(blocking(|| thread::current().id()), here);
    assert_eq!(message(|| blocking(|| panic!("outside"))), "outside");
}

#[test]
fn a_guest_that_blocks_leaves_its_jobs_to_others() {
    within_a_minute(|| {
        let pool = pool(1);
        let held = hold_some(&pool, 1);
        // The only worker is busy: a stand-in has to come for what the guest spawned.
        let got = pool.scope(|_| {
            let (say, heard) = mpsc::channel();
            drop(heist::spawn(move || say.send(7).unwrap()));
            blocking(|| heard.recv().unwrap())
        });
        assert_eq!(got, 7);
        held.release();
    });
}

#[test]
fn a_thread_steps_aside_in_every_pool_it_works_for() {
    within_a_minute(|| {
        let (one, two) = (Arc::new(pool(1)), Arc::new(pool(1)));
        let held = hold_some(&two, 1);
        let (say, heard) = mpsc::channel();
        let abroad = two.clone();
        let task = one.spawn(move || {
            // A worker of one pool and a guest of the other.
            abroad.join(move || blocking(|| [heard.recv().unwrap(), heard.recv().unwrap()]), || ())
        });
        let again = say.clone();
        one.spawn(move || say.send(1).unwrap()).join().unwrap();
        two.spawn(move || again.send(1).unwrap()).join().unwrap();
        assert_eq!(task.join().unwrap().0, [1, 1]);
        held.release();
    });
}

#[test]
fn a_worker_that_has_come_back_gets_its_place_back() {
    within_a_minute(|| {
        let pool = pool(1);
        let (gate, blocked) = block_all(&pool);
        // The stand-in is in the middle of a long job when the worker comes back.
        let (long, begun) = (Gate::shared(), Gate::shared());
        let (stay, begin) = (long.clone(), begun.clone());
        let long_job = pool.spawn(move || {
            begin.open();
            stay.pass();
        });
        begun.pass();
        gate.open();
        blocked.into_iter().for_each(|task| task.join().unwrap());
        // For a while there are two.
        assert_eq!(pool.install(heist::current_thread_index), Some(0));
        long.open();
        long_job.join().unwrap();
        // Now there is one: nobody takes the second while the worker is at the first.
        for _ in 0..100 {
            let held = hold_some(&pool, 1);
            let queued = pool.spawn(heist::current_thread_index);
            held.release();
            assert_eq!(queued.join().unwrap(), Some(0));
        }
    });
}

#[test]
fn what_a_stand_in_forks_is_stolen_by_who_comes_back() {
    within_a_minute(|| {
        let pool = pool(1);
        let (gate, blocked) = block_all(&pool);
        let other_half = Gate::shared();
        let begin = other_half.clone();
        let forks = pool.spawn(move || {
            assert_eq!(heist::current_thread_index(), None, "on the stand-in");
            let meet = || {
                gate.open();
                other_half.pass();
            };
            heist::join(meet, || begin.open());
        });
        forks.join().unwrap();
        blocked.into_iter().for_each(|task| task.join().unwrap());
    });
}

#[test]
fn a_hundred_tasks_that_sleep_leave_the_workers_to_others() {
    within_a_minute(|| {
        let pool = pool(2);
        let met = Arc::new(Meeting::of(101));
        let sleepers: Vec<_> = (0..100)
            .map(|_| {
                let met = met.clone();
                pool.spawn(move || {
                    blocking(|| {
                        thread::sleep(Duration::from_millis(10));
                        // Only if all are in it at the same time.
                        met.wait();
                    });
                })
            })
            .collect();
        let numbers: Vec<u64> = (0..100_000).collect();
        let sum = pool.map_reduce(&numbers, |n| n % 7, || 0, |a, b| a + b);
        assert_eq!(sum, numbers.iter().map(|n| n % 7).sum());
        met.wait();
        sleepers.into_iter().for_each(|task| task.join().unwrap());
        let now = pool.metrics();
        assert!(now.utilization() <= 1.0, "{now}");
        assert!(now.stand_ins.tasks_completed >= 98, "{now}");
        assert!(now.stand_ins.blocked > now.stand_ins.busy, "{now}");
    });
}

#[test]
fn a_section_is_not_booked_as_busy() {
    within_a_minute(|| {
        let pool = pool(1);
        pool.install(|| blocking(|| thread::sleep(Duration::from_millis(20))));
        let worker = &pool.metrics().workers[0];
        assert!(worker.blocked >= Duration::from_millis(20), "{worker:?}");
        assert!(worker.busy < worker.blocked, "{worker:?}");
    });
}

#[test]
fn a_broadcast_waits_for_workers_and_asks_no_stand_in() {
    within_a_minute(|| {
        let pool = Arc::new(pool(2));
        let (gate, blocked) = block_all(&pool);
        let inner = pool.clone();
        let all = thread::spawn(move || {
            inner.broadcast(|at| (at.index(), heist::current_thread_index()))
        });
        assert_eq!(pool.spawn(|| 1).join().unwrap(), 1);
        assert!(!all.is_finished());
        gate.open();
        assert_eq!(all.join().unwrap(), [(0, Some(0)), (1, Some(1))]);
        blocked.into_iter().for_each(|task| task.join().unwrap());
    });
}
