//! Loops over ranges and slices.

use std::panic;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::{
    Count, Log, Meeting, Token, assert_whole, builder, everywhere, hold_some, message, payload,
    pool, within_a_minute,
};

#[test]
fn for_each_visits_every_index_once() {
    within_a_minute(|| {
        everywhere(|pool| {
            for range in [0..0, 5..5, 0..1, 3..10, 0..1000] {
                let visits: Vec<Count> = (0..1000).map(|_| Count::default()).collect();
                pool.for_each(range.clone(), |index| visits[index].add());
                for (index, visited) in visits.iter().enumerate() {
                    assert_eq!(visited.get(), usize::from(range.contains(&index)));
                }
            }
        });
    });
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "that is what is tested")]
fn for_each_of_a_range_that_goes_backwards_does_nothing() {
    within_a_minute(|| everywhere(|pool| pool.for_each(7..3, |_| panic!("never"))));
}

#[test]
fn for_each_at_the_end_of_the_numbers_does_not_overflow() {
    within_a_minute(|| {
        let ran = Count::default();
        pool(2).for_each(usize::MAX - 100..usize::MAX, |index| {
            assert!(index > 100);
            ran.add();
        });
        assert_eq!(ran.get(), 100);
    });
}

#[test]
fn for_each_mut_gives_every_item_with_its_index() {
    within_a_minute(|| {
        everywhere(|pool| {
            let mut numbers = vec![1_usize; 1000];
            pool.for_each_mut(&mut numbers, |index, number| *number += index);
            assert!(numbers.iter().enumerate().all(|(index, number)| *number == index + 1));
            pool.for_each_mut(&mut [(); 0], |_, ()| panic!("never"));
            pool.for_each_mut(&mut [(); 10], |index, ()| assert!(index < 10));
        });
    });
}

#[test]
fn for_each_chunk_mut_cuts_as_std_does() {
    within_a_minute(|| {
        everywhere(|pool| {
            for (length, chunk) in [(0, 3), (1, 3), (3, 3), (10, 3), (10, 1), (10, usize::MAX)] {
                let mut ours = vec![0_usize; length];
                pool.for_each_chunk_mut(&mut ours, chunk, |index, items| {
                    let length = items.len();
                    items.iter_mut().for_each(|item| *item = 100 * index + length);
                });
                let mut theirs = vec![0_usize; length];
                for (index, items) in theirs.chunks_mut(chunk).enumerate() {
                    let length = items.len();
                    items.iter_mut().for_each(|item| *item = 100 * index + length);
                }
                assert_eq!(ours, theirs);
            }
        });
    });
}

#[test]
fn for_each_chunk_mut_panics_when_a_chunk_has_no_items() {
    within_a_minute(|| {
        everywhere(|pool| {
            for mut items in [vec![], vec![1, 2, 3]] {
                payload(|| pool.for_each_chunk_mut(&mut items, 0, |_, _| ()));
            }
            assert_whole(pool);
        });
    });
}

#[test]
fn map_keeps_the_order() {
    within_a_minute(|| {
        everywhere(|pool| {
            for length in [0, 1, 2, 3, 1000] {
                let numbers: Vec<usize> = (0..length).collect();
                let words: Vec<String> = numbers.iter().map(usize::to_string).collect();
                assert_eq!(pool.map(&numbers, usize::to_string), words);
            }
        });
    });
}

#[test]
fn results_of_map_may_borrow_from_the_slice() {
    within_a_minute(|| {
        everywhere(|pool| {
            let lines: Vec<String> = (0..100).map(|n| format!("word-{n} rest")).collect();
            let words: Vec<&str> = pool.map(&lines, |line| &line[..line.len() - 5]);
            assert_eq!(words[42], "word-42");
        });
    });
}

#[test]
fn map_of_things_without_size_works() {
    within_a_minute(|| {
        everywhere(|pool| {
            assert_eq!(pool.map(&[(); 100], |()| ()).len(), 100);
            assert_eq!(pool.map(&[(); 100], |()| 1).iter().sum::<i32>(), 100);
        });
    });
}

#[test]
fn a_map_that_panics_drops_every_result_made_once() {
    within_a_minute(|| {
        everywhere(|pool| {
            for culprit in [0, 1, 499, 998, 999] {
                let (made, dropped) = (Count::default(), Count::shared());
                let numbers: Vec<usize> = (0..1000).collect();
                let said = message(|| {
                    pool.map(&numbers, |number| {
                        assert!(*number != culprit, "from an item");
                        made.add();
                        Token(dropped.clone())
                    })
                });
                assert_eq!(said, "from an item");
                assert_eq!(made.get(), dropped.get());
            }
            assert_whole(pool);
        });
    });
}

#[test]
fn results_of_a_map_are_the_callers_to_drop() {
    within_a_minute(|| {
        everywhere(|pool| {
            let dropped = Count::shared();
            let tokens = pool.map(&[0; 100], |_| Token(dropped.clone()));
            assert_eq!(dropped.get(), 0);
            drop(tokens);
            assert_eq!(dropped.get(), 100);
        });
    });
}

#[test]
fn map_reduce_keeps_the_order() {
    within_a_minute(|| {
        everywhere(|pool| {
            for length in [1, 2, 3, 26, 500] {
                let numbers: Vec<usize> = (0..length).collect();
                let joined = pool.map_reduce(
                    &numbers,
                    |number| format!("{number},"),
                    String::new,
                    |left, right| left + &right,
                );
                let expected: String = numbers.iter().map(|number| format!("{number},")).collect();
                assert_eq!(joined, expected);
            }
        });
    });
}

#[test]
fn map_reduce_of_nothing_is_the_identity() {
    within_a_minute(|| {
        everywhere(|pool| {
            let nothing: [u32; 0] = [];
            assert_eq!(pool.map_reduce(&nothing, |n| *n, || 7, |a, b| a + b), 7);
        });
    });
}

#[test]
fn a_panic_in_any_part_of_map_reduce_is_raised_in_the_caller() {
    within_a_minute(|| {
        everywhere(|pool| {
            let numbers: Vec<u64> = (0..500).collect();
            let dropped = Count::shared();
            let said = message(|| {
                let map = |number: &u64| {
                    assert!(*number != 300, "from map");
                    *number
                };
                pool.map_reduce(&numbers, map, || 0, |a, b| a + b)
            });
            assert_eq!(said, "from map");
            let (made, reduced) = (Count::default(), Count::default());
            let said = message(|| {
                let make = || {
                    made.add();
                    Token(dropped.clone())
                };
                pool.map_reduce(
                    &numbers,
                    |_| make(),
                    make,
                    |left, _| {
                        reduced.add();
                        assert!(reduced.get() < 200, "from reduce");
                        left
                    },
                )
            });
            assert_eq!((said.as_str(), made.get()), ("from reduce", dropped.get()));
            assert_whole(pool);
        });
    });
}

#[test]
fn the_first_panic_of_a_loop_in_time_is_the_one_that_is_raised() {
    within_a_minute(|| {
        // One worker alone, so that the order in time is the order in the log.
        let pool = pool(1);
        let log = Log::new();
        let got = payload(|| {
            pool.install(|| {
                pool.for_each(0..100, |index| {
                    log.write(index);
                    panic::resume_unwind(Box::new(index));
                });
            });
        });
        assert_eq!(got.downcast_ref(), log.read().first());
    });
}

#[test]
fn a_panic_in_a_loop_is_raised_after_what_runs_has_finished() {
    within_a_minute(|| {
        everywhere(|pool| {
            let inside = Mutex::new(0_i32);
            let said = message(|| {
                pool.for_each(0..1000, |index| {
                    *inside.lock().unwrap() += 1;
                    if index == 500 {
                        *inside.lock().unwrap() -= 1;
                        panic!("half way");
                    }
                    *inside.lock().unwrap() -= 1;
                });
            });
            assert_eq!((said.as_str(), *inside.lock().unwrap()), ("half way", 0));
            let mut items = vec![0_u8; 1000];
            let said = message(|| {
                pool.for_each_mut(&mut items, |index, _| assert!(index != 500, "half way"));
            });
            assert_eq!(said, "half way");
            assert_whole(pool);
        });
    });
}

#[test]
fn loops_nest_in_each_other() {
    within_a_minute(|| {
        everywhere(|pool| {
            let ran = Count::default();
            pool.for_each(0..20, |_| {
                pool.for_each(0..20, |_| {
                    assert_eq!(pool.map(&[1, 2], |n| n + 1), [2, 3]);
                    ran.add();
                });
            });
            assert_eq!(ran.get(), 400);
        });
    });
}

#[test]
fn a_few_coarse_items_run_at_the_same_time() {
    within_a_minute(|| {
        let pool = pool(2);
        for _ in 0..200 {
            // Each of the two waits for the other without helping.
            let meeting = Meeting::of(2);
            pool.for_each(0..2, |_| meeting.wait());
            pool.install(|| pool.map(&[1, 2], |_| meeting.wait()));
        }
    });
}

#[test]
fn as_many_coarse_items_as_workers_run_at_the_same_time() {
    within_a_minute(|| {
        for threads in 2..=5 {
            for spin in [Duration::ZERO, Duration::from_millis(1)] {
                let pool = builder(threads).idle_spin(spin).build().unwrap();
                for _ in 0..20 {
                    // Asleep by now, if they do not spin.
                    thread::sleep(Duration::from_micros(200));
                    let meeting = Meeting::of(threads);
                    pool.for_each(0..threads, |_| meeting.wait());
                    pool.install(|| {
                        pool.for_each_mut(&mut vec![(); threads], |_, ()| meeting.wait())
                    });
                }
            }
        }
    });
}

#[test]
fn a_worker_that_becomes_idle_late_gets_a_part_of_a_loop() {
    within_a_minute(|| {
        for spin in [Duration::ZERO, Duration::from_millis(1)] {
            let pool = builder(2).idle_spin(spin).build().unwrap();
            let held = hold_some(&pool, 1);
            let held = Mutex::new(Some(held));
            let shared = AtomicBool::new(false);
            pool.install(|| {
                let owner = thread::current().id();
                // Cheap at first, and nobody there to help.
                pool.for_each(0..10_000, |index| {
                    if index >= 1000 {
                        if let Some(held) = held.lock().unwrap().take() {
                            held.release();
                        }
                        if thread::current().id() != owner {
                            shared.store(true, Ordering::Relaxed);
                        } else if !shared.load(Ordering::Relaxed) {
                            thread::sleep(Duration::from_millis(1));
                        }
                    }
                });
            });
            assert!(shared.into_inner());
        }
    });
}

#[test]
fn a_loop_that_nobody_helps_with_is_divided_once() {
    within_a_minute(|| {
        let begun = Count::default();
        let pool = pool(1);
        let sum = pool.install(|| {
            let numbers: Vec<usize> = (0..1000).collect();
            let start = || {
                begun.add();
                0
            };
            pool.map_reduce(&numbers, |number| *number, start, |a, b| a + b)
        });
        assert_eq!((sum, begun.get()), (499_500, 2));
    });
}

#[test]
fn items_after_one_that_was_slow_are_shared() {
    within_a_minute(|| {
        let pool = pool(2);
        for _ in 0..50 {
            // The last two wait for each other; those before are nothing.
            let meeting = Meeting::of(2);
            pool.for_each(0..16, |index| {
                if index % 8 == 7 {
                    meeting.wait();
                }
            });
        }
    });
}

#[test]
fn chunks_are_done_side_by_side() {
    within_a_minute(|| {
        let (pool, meeting) = (pool(2), Meeting::of(2));
        pool.for_each_chunk_mut(&mut [(); 4], 2, |_, _| meeting.wait());
    });
}
