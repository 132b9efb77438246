//! Several pools that call into each other.

use std::sync::{Arc, mpsc};
use std::thread;

use heist::ThreadPool;

use crate::support::{
    Count, Meeting, NORMAL, assert_whole, builder, hold, message, pool, until, within_a_minute,
};

#[test]
fn two_pools_of_one_install_in_each_other_back_and_forth() {
    fn ping(here: &ThreadPool, there: &ThreadPool, left: usize) -> usize {
        if left == 0 { 0 } else { 1 + here.install(|| ping(there, here, left - 1)) }
    }
    within_a_minute(|| {
        let (a, b) = (pool(1), pool(1));
        for depth in [1, 2, 3, 4, 10, 50] {
            assert_eq!(ping(&a, &b, depth), depth);
        }
    });
}

#[test]
fn two_pools_of_one_join_in_each_other_back_and_forth() {
    fn ping(here: &ThreadPool, there: &ThreadPool, left: usize) -> usize {
        if left == 0 {
            return 1;
        }
        let (below, beside) =
            here.join(|| ping(there, here, left - 1), || there.join(|| 1, || 1).0);
        below + beside
    }
    within_a_minute(|| {
        let (a, b) = (pool(1), pool(1));
        for depth in [1, 2, 3, 10, 50] {
            assert_eq!(ping(&a, &b, depth), depth + 1);
            assert_eq!(a.install(|| ping(&b, &a, depth)), depth + 1);
        }
    });
}

#[test]
fn two_pools_of_one_spawn_into_each_other_and_join() {
    fn ping(here: Arc<ThreadPool>, there: Arc<ThreadPool>, left: usize) -> usize {
        if left == 0 {
            return 0;
        }
        let next = here.clone();
        1 + here.spawn(move || ping(there, next, left - 1)).join().unwrap()
    }
    within_a_minute(|| {
        let (a, b) = (Arc::new(pool(1)), Arc::new(pool(1)));
        for depth in [1, 2, 3, 10, 20, 50] {
            assert_eq!(ping(a.clone(), b.clone(), depth), depth);
        }
    });
}

#[test]
fn two_workers_call_into_each_others_pool_at_the_same_time() {
    within_a_minute(|| {
        let (a, b) = (pool(1), pool(1));
        let meeting = Meeting::of(2);
        let cross = |here: &ThreadPool, there: &ThreadPool, turn: usize| {
            here.install(|| {
                // Both workers are busy here, and each needs the other.
                meeting.wait();
                match turn % 5 {
                    0 => there.install(|| 2),
                    1 => there.broadcast(|_| 2)[0],
                    2 => there.spawn(|| 2).join().unwrap(),
                    3 => there.scope(|_| there.install(|| 2)),
                    _ => there.join(|| 2, || there.install(|| 2)).1,
                }
            })
        };
        for turn in 0..500 {
            thread::scope(|threads| {
                let (cross, a, b) = (&cross, &a, &b);
                let other = threads.spawn(move || cross(b, a, turn));
                assert_eq!(cross(a, b, turn), 2);
                assert_eq!(other.join().unwrap(), 2);
            });
        }
    });
}

#[test]
fn three_pools_of_one_call_around_in_a_ring() {
    fn round(ring: &[ThreadPool; 3], at: usize, left: usize) -> usize {
        if left == 0 {
            return 0;
        }
        1 + ring[at % 3].install(|| round(ring, at + 1, left - 1))
    }
    within_a_minute(|| {
        let ring = [pool(1), pool(1), pool(1)];
        thread::scope(|threads| {
            for start in 0..3 {
                let ring = &ring;
                threads.spawn(move || {
                    for _ in 0..20 {
                        assert_eq!(round(ring, start, 12), 12);
                    }
                });
            }
        });
    });
}

#[test]
fn a_worker_that_waits_on_another_pool_serves_its_own() {
    within_a_minute(|| {
        let (a, b) = (Arc::new(pool(1)), Arc::new(pool(1)));
        for _ in 0..200 {
            let (here, there) = (a.clone(), b.clone());
            let first = a.spawn(move || {
                let inner = there.clone();
                // The only worker of `here` waits for this task of `there`,
                // which needs that worker.
                inner.spawn(move || here.spawn(|| 5).join().unwrap()).join().unwrap()
            });
            assert_eq!(first.join().unwrap(), 5);
        }
    });
}

#[test]
fn a_guest_of_two_pools_is_at_home_in_the_inner_one() {
    within_a_minute(|| {
        let (a, b) = (pool(2), pool(3));
        a.scope(|_| {
            assert_eq!(heist::current_num_threads(), 2);
            b.scope(|_| assert_eq!(heist::current_num_threads(), 3));
            assert_eq!(heist::current_num_threads(), 2);
            assert_eq!(b.install(heist::current_num_threads), 3);
            assert_eq!(heist::current_num_threads(), 2);
        });
        a.install(|| {
            assert!(heist::current_thread_index().is_some());
            b.scope(|_| assert_eq!(heist::current_num_threads(), 3));
            assert_eq!(heist::current_num_threads(), 2);
            assert!(heist::current_thread_index().is_some());
        });
    });
}

#[test]
fn a_panic_crosses_from_pool_to_pool() {
    within_a_minute(|| {
        let (a, b) = (pool(1), pool(1));
        for _ in 0..50 {
            let said = message(|| a.install(|| b.install(|| a.install(|| panic!("far away")))));
            assert_eq!(said, "far away");
            let said = message(|| a.join(|| b.scope(|_| panic!("far away")), || ()));
            assert_eq!(said, "far away");
        }
        assert_whole(&a);
        assert_whole(&b);
    });
}

#[test]
fn a_pool_built_and_dropped_on_a_worker_of_another_leaves_no_trace() {
    within_a_minute(|| {
        let outer = pool(2);
        let ran = Count::shared();
        outer.for_each(0..50, |_| {
            let inner = pool(1);
            let task = ran.clone();
            drop(inner.spawn(move || task.add()));
            assert_eq!(inner.join(|| 1, || 2), (1, 2));
        });
        assert_eq!(ran.get(), 50);
        assert_whole(&outer);
    });
}

#[test]
fn tasks_of_one_pool_shut_the_other_down() {
    within_a_minute(|| {
        let outer = pool(1);
        for _ in 0..50 {
            let inner = pool(2);
            let ran = Count::shared();
            for _ in 0..100 {
                let ran = ran.clone();
                drop(inner.spawn(move || ran.add()));
            }
            outer.spawn(move || inner.shutdown()).join().unwrap();
            assert_eq!(ran.get(), 100);
        }
    });
}

#[test]
fn a_scope_of_one_pool_may_spawn_from_a_worker_of_another() {
    within_a_minute(|| {
        let (a, b) = (pool(1), pool(1));
        let ran = Count::default();
        for _ in 0..200 {
            a.scope(|s| {
                let ran = &ran;
                b.install(|| s.spawn(move |_| ran.add()));
                b.scope(|t| t.spawn(move |_| s.spawn(move |_| ran.add())));
            });
        }
        assert_eq!(ran.get(), 400);
    });
}

/// A worker that waits for room elsewhere runs its own pool's tasks meanwhile. If
/// those wait in the same line behind it, it cannot come for its place in it.
#[test]
fn tasks_on_one_stack_that_wait_for_room_in_the_same_pool_all_get_in() {
    within_a_minute(|| {
        let here = pool(1);
        let there = Arc::new(builder(1).injector_capacity(1).build().unwrap());
        let held = hold(&there);
        drop(there.try_spawn(|| ()).expect("room"));
        let waiting = |line: usize| {
            let task = {
                let there = there.clone();
                here.spawn(move || there.spawn(move || line).join().unwrap())
            };
            until(|| there.metrics().lanes[NORMAL].blocked_submitters == line);
            task
        };
        let tasks = [1, 2, 3].map(waiting);
        held.release();
        assert_eq!(tasks.map(|task| task.join().unwrap()), [1, 2, 3]);
    });
}

#[test]
fn a_stand_in_that_waits_on_another_pool_serves_its_own() {
    within_a_minute(|| {
        let (a, b) = (pool(1), Arc::new(pool(1)));
        let (tell, told) = mpsc::channel();
        let (say, heard) = mpsc::channel();
        let abroad = b.clone();
        let blocks = a.spawn(move || {
            // The first is for the stand-in, which waits there for what the second sends.
            let first = heist::spawn(move || abroad.install(move || told.recv().unwrap()));
            let second = heist::spawn(move || {
                tell.send(5).unwrap();
                say.send(()).unwrap();
            });
            heist::blocking(|| heard.recv().unwrap());
            second.join().unwrap();
            first.join().unwrap()
        });
        assert_eq!(blocks.join().unwrap(), 5);
        drop(b);
    });
}
