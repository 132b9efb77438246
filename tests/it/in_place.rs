//! `in_place_scope`: a scope whose body stays where it is called.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;

use heist::{Scope, ThreadPool, in_place_scope};

use crate::support::{
    Count, Gate, Meeting, assert_whole, builder, everywhere, hold, message, pool, until,
    within_a_minute,
};

/// Does the first worker of `pool` sleep?
fn sleeps(pool: &ThreadPool) -> bool {
    let worker = &pool.metrics().workers[0];
    worker.parks > worker.wakes
}

/// A pool that has no seats for guests.
fn seatless(threads: usize) -> ThreadPool {
    builder(threads).max_guests(0).build().expect("a pool")
}

#[test]
fn body_and_result_need_not_be_send_and_stay_on_the_thread() {
    within_a_minute(|| {
        everywhere(|pool| {
            let (here, cell) = (thread::current().id(), Rc::new(Cell::new(0)));
            let mut squares = [0; 10];
            let got = pool.in_place_scope(|s| {
                assert_eq!(thread::current().id(), here);
                for (n, square) in squares.iter_mut().enumerate() {
                    s.spawn(move |_| *square = n * n);
                    cell.set(cell.get() + 1);
                }
                Rc::clone(&cell)
            });
            assert_eq!((got.get(), squares[9]), (10, 81));
        });
    });
}

#[test]
fn without_a_seat_every_job_runs_on_a_worker() {
    within_a_minute(|| {
        for threads in [1, 2] {
            let pool = seatless(threads);
            let ran = Count::default();
            pool.in_place_scope(|s| {
                assert_eq!(heist::yield_now(), None);
                for _ in 0..100 {
                    s.spawn(|s| {
                        assert!(heist::current_thread_index().is_some());
                        ran.add();
                        s.spawn(|_| ran.add());
                    });
                }
            });
            assert_eq!(ran.get(), 200);
        }
    });
}

#[test]
fn who_finds_all_seats_taken_has_its_body_in_place_nevertheless() {
    within_a_minute(|| {
        let pool = builder(1).max_guests(1).build().unwrap();
        let (inside, gate) = (Gate::default(), Gate::default());
        thread::scope(|threads| {
            threads.spawn(|| {
                pool.scope(|_| {
                    inside.open();
                    gate.pass();
                });
            });
            inside.pass();
            let here = thread::current().id();
            let there = pool.in_place_scope(|s| {
                assert_eq!(thread::current().id(), here);
                s.spawn_handle(|_| heist::current_thread_index()).join().unwrap()
            });
            assert_eq!(there, Some(0));
            gate.open();
        });
        assert!(pool.in_place_scope(|_| heist::yield_now().is_some()));
    });
}

#[test]
fn a_body_begins_while_every_worker_is_busy() {
    within_a_minute(|| {
        let pool = seatless(2);
        let ran = Count::default();
        let held = hold(&pool);
        pool.in_place_scope(|s| {
            s.spawn(|_| ran.add());
            assert_eq!(ran.get(), 0);
            held.release();
        });
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn other_threads_spawn_into_a_scope_without_a_seat() {
    within_a_minute(|| {
        let (home, other) = (seatless(1), pool(1));
        let ran = Count::default();
        home.in_place_scope(|s| {
            let ran = &ran;
            other.join(
                || s.spawn(move |_| ran.add()),
                || s.spawn(move |s| s.spawn(move |_| ran.add())),
            );
            thread::scope(|threads| {
                threads.spawn(move || s.spawn(move |_| ran.add()));
            });
            heist::isolated(|| s.spawn(move |_| ran.add()));
        });
        assert_eq!(ran.get(), 4);
    });
}

#[test]
fn handles_are_joined_without_a_seat() {
    within_a_minute(|| {
        let pool = seatless(2);
        let words = ["a", "bc"].map(str::to_owned);
        let lengths = pool.in_place_scope(|s| {
            let handles: Vec<_> = words.iter().map(|word| s.spawn_handle(|_| word.len())).collect();
            Rc::new(handles.into_iter().map(|handle| handle.join().unwrap()).collect::<Vec<_>>())
        });
        assert_eq!(*lengths, [1, 2]);
    });
}

#[test]
fn a_worker_of_another_pool_serves_its_own_while_it_waits() {
    within_a_minute(|| {
        let home = pool(1);
        for abroad in [seatless(1), pool(1)] {
            let index = home.install(|| {
                let cell = Cell::new(None);
                let there = abroad.in_place_scope(|s| {
                    cell.set(heist::current_thread_index());
                    s.spawn_handle(|_| home.install(heist::current_thread_index))
                });
                assert_eq!(there.join().unwrap(), Some(0));
                cell.get()
            });
            assert_eq!(index.is_some(), abroad.in_place_scope(|_| heist::yield_now().is_none()));
        }
    });
}

#[test]
fn a_closed_pool_has_scopes_in_place() {
    within_a_minute(|| {
        for pool in [pool(1), seatless(1)] {
            pool.close();
            let sum = pool.in_place_scope(|s| {
                let one = Rc::new(1);
                *one + s.spawn_handle(|_| 2).join().unwrap()
            });
            assert_eq!(sum, 3);
        }
    });
}

#[test]
fn panics_are_raised_when_all_is_done() {
    within_a_minute(|| {
        everywhere(|pool| {
            let ran = Count::default();
            let said = message(|| {
                pool.in_place_scope(|s| {
                    (0..50).for_each(|_| s.spawn(|_| ran.add()));
                    panic!("from the body");
                })
            });
            assert_eq!((said.as_str(), ran.get()), ("from the body", 50));
            let said = message(|| {
                pool.in_place_scope(|s| {
                    (0..50).for_each(|_| s.spawn(|_| ran.add()));
                    s.spawn(|_| panic!("from a job"));
                })
            });
            assert_eq!((said.as_str(), ran.get()), ("from a job", 100));
            assert_whole(pool);
        });
    });
}

#[test]
fn jobs_of_a_section_without_a_seat_run_no_stranger_while_they_wait() {
    within_a_minute(|| {
        let (home, abroad) = (seatless(1), pool(1));
        let (strangers, before) = (Count::shared(), Cell::new(0));
        let held = hold(&home);
        let there = strangers.clone();
        let stranger = home.spawn(move || there.add());
        heist::isolated(|| {
            home.in_place_scope(|s| {
                let (home, abroad, strangers) = (&home, &abroad, &strangers);
                let (say, said) = mpsc::channel();
                let wait = move |_: &Scope<'_>| {
                    // What it does while it waits it has done before it sleeps.
                    abroad.install(|| until(|| sleeps(home)));
                    say.send(strangers.get()).unwrap();
                };
                s.spawn(|s| s.spawn(wait));
                held.release();
                before.set(said.recv().unwrap());
            });
        });
        stranger.join().unwrap();
        assert_eq!((before.get(), strangers.get()), (0, 1));
    });
}

#[test]
fn without_a_pool_it_is_the_threads_own_or_the_global_one() {
    within_a_minute(|| {
        let pool = pool(1);
        pool.install(|| {
            let index =
                in_place_scope(|s| s.spawn_handle(|_| heist::current_thread_index()).join());
            assert_eq!(index.unwrap(), Some(0));
        });
        let sum = in_place_scope(|s| Rc::new(s.spawn_handle(|_| 1).join().unwrap()));
        assert_eq!(*sum, 1);
    });
}

#[test]
fn many_threads_without_seats_lose_no_end() {
    within_a_minute(|| {
        let pool = seatless(2);
        let start = Meeting::of(8);
        thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| {
                    start.wait();
                    for round in 0..300 {
                        let ran = Count::default();
                        pool.in_place_scope(|s| {
                            (0..round % 3).for_each(|_| s.spawn(|_| ran.add()))
                        });
                        assert_eq!(ran.get(), round % 3);
                    }
                });
            }
        });
    });
}

#[test]
fn without_a_thread_or_a_seat_a_spawn_panics_and_the_scope_ends() {
    within_a_minute(|| {
        let (keep, kept) = mpsc::channel();
        let pool = builder(1)
            .max_guests(0)
            .spawn_handler(move |thread| {
                keep.send(thread).unwrap();
                Ok(())
            })
            .build()
            .unwrap();
        let ran = Count::default();
        let said = message(|| {
            pool.in_place_scope(|s| {
                // Run by the worker that goes.
                s.spawn(|_| ran.add());
                drop(kept.recv().unwrap());
                s.spawn(|_| ran.add());
            })
        });
        assert_eq!((said.contains("nor will be"), ran.get()), (true, 1));
    });
}

#[test]
fn a_member_deep_in_waits_is_woken_for_a_job_without_an_owner_inside() {
    within_a_minute(|| {
        let pool = seatless(2);
        let (go, wait) = mpsc::channel::<()>();
        let (start, started) = mpsc::channel();
        let blocks = pool.spawn(move || {
            start.send(()).unwrap();
            wait.recv().unwrap();
        });
        started.recv().unwrap();
        let (say, said) = mpsc::channel();
        let waits = pool.spawn(move || {
            let next = heist::spawn(move || {
                let last = heist::spawn(move || {
                    say.send(heist::current_thread_index().unwrap()).unwrap();
                    blocks.join().unwrap();
                });
                heist::yield_now();
                last.join().unwrap();
            });
            heist::yield_now();
            next.join().unwrap();
        });
        let deep = said.recv().unwrap();
        until(|| {
            let worker = &pool.metrics().workers[deep];
            worker.parks > worker.wakes
        });
        pool.in_place_scope(|s| s.spawn(|_| go.send(()).unwrap()));
        waits.join().unwrap();
    });
}
