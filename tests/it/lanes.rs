//! Priorities: three lanes, each first in first out, served 4 : 2 : 1.

use std::sync::Arc;
use std::thread;

use heist::{Priority, ThreadPool};

use crate::support::{Count, HIGH, LOW, Log, NORMAL, builder, hold, pool, until, within_a_minute};

const PRIORITIES: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];

/// How far a count may be from its share: rounds are cut off at the ends.
const SLACK: usize = 20;

#[test]
fn a_lane_is_first_in_first_out() {
    within_a_minute(|| {
        for priority in PRIORITIES {
            let pool = pool(1);
            let log = Log::new();
            let held = hold(&pool);
            for number in 0..1000_usize {
                let log = log.clone();
                let task = pool.task().priority(priority);
                if number % 2 == 0 {
                    drop(task.spawn(move || log.write(number)));
                } else {
                    drop(task.try_spawn(move || log.write(number)).expect("room"));
                }
            }
            held.release();
            pool.shutdown();
            let order = log.read();
            let early = order.windows(2).find(|pair| pair[0] > pair[1]);
            assert_eq!((order.len(), early), (1000, None));
        }
    });
}

/// Fills each lane with `tasks` and runs them all on the only worker: the index
/// of the lane of each, in the order they ran.
fn order_of_service(tasks: [usize; 3]) -> Vec<usize> {
    let capacity = tasks.into_iter().max().expect("three lanes");
    let pool = builder(1).injector_capacity(capacity).build().unwrap();
    let log = Log::new();
    let held = hold(&pool);
    for lane in [LOW, NORMAL, HIGH] {
        for _ in 0..tasks[lane] {
            let log = log.clone();
            let task = pool.task().priority(PRIORITIES[lane]);
            drop(task.try_spawn(move || log.write(lane)).expect("room"));
        }
    }
    held.release();
    pool.shutdown();
    let order = log.read();
    assert_eq!(order.len(), tasks.iter().sum());
    order
}

fn count(order: &[usize], lane: usize) -> usize {
    order.iter().filter(|served| **served == lane).count()
}

#[track_caller]
fn assert_shares(order: &[usize], shares: [usize; 3]) {
    for lane in [HIGH, NORMAL, LOW] {
        let served = count(order, lane);
        let near = served.abs_diff(shares[lane]) <= SLACK;
        assert!(near, "lane {lane} was served {served} times, not {}", shares[lane]);
    }
}

#[test]
fn full_lanes_are_served_four_to_two_to_one() {
    within_a_minute(|| {
        let order = order_of_service([1600; 3]);
        assert_shares(&order[..700], [400, 200, 100]);
        assert_shares(&order[700..1400], [400, 200, 100]);
        assert_shares(&order[1400..2100], [400, 200, 100]);
    });
}

#[test]
fn an_empty_lane_passes_its_turn_on() {
    within_a_minute(|| {
        assert_shares(&order_of_service([0, 1000, 1000])[..900], [0, 600, 300]);
        assert_shares(&order_of_service([1000, 0, 1000])[..1000], [800, 0, 200]);
        assert_shares(&order_of_service([1000, 1000, 0])[..900], [600, 300, 0]);
        assert_shares(&order_of_service([0, 0, 500]), [0, 0, 500]);
    });
}

#[test]
fn low_tasks_run_while_high_ones_flood() {
    within_a_minute(|| {
        for workers in [1, 2] {
            let pool = builder(workers).injector_capacity(64).build().unwrap();
            let stop = Count::default();
            thread::scope(|threads| {
                for _ in 0..2 {
                    threads.spawn(|| flood(&pool, &stop));
                }
                until(|| pool.metrics().lanes[HIGH].blocked_submitters > 0);
                for number in 0..100 {
                    let low = pool.task().priority(Priority::Low).spawn(move || number);
                    assert_eq!(low.join().unwrap(), number);
                }
                stop.add();
            });
        }
    });
}

#[test]
fn jobs_of_a_scope_that_has_no_seat_do_not_starve_a_lane() {
    within_a_minute(|| {
        let pool = builder(1).max_guests(0).build().unwrap();
        let (held, ran) = (hold(&pool), Count::shared());
        let task = pool.in_place_scope(|scope| {
            for _ in 0..1000 {
                scope.spawn(|_| ran.add());
            }
            let seen = ran.clone();
            let task = pool.spawn(move || seen.get());
            held.release();
            task
        });
        let before = task.join().unwrap();
        assert!(before < 500, "{before} jobs came first");
    });
}

fn flood(pool: &ThreadPool, stop: &Count) {
    while stop.get() == 0 {
        drop(pool.task().priority(Priority::High).spawn(|| ()));
    }
}

#[test]
fn high_tasks_that_fork_do_not_starve_low_ones() {
    fn tree(depth: usize) {
        if depth > 0 {
            heist::join(|| tree(depth - 1), || tree(depth - 1));
        }
    }
    within_a_minute(|| {
        let pool = Arc::new(builder(2).injector_capacity(16).build().unwrap());
        let stop = Count::default();
        thread::scope(|threads| {
            threads.spawn(|| {
                while stop.get() == 0 {
                    drop(pool.task().priority(Priority::High).spawn(|| tree(6)));
                }
            });
            for _ in 0..50 {
                pool.task().priority(Priority::Low).spawn(|| ()).join().unwrap();
            }
            stop.add();
        });
    });
}
