//! What follows from the counts, by numbers that are known.

use std::time::Duration;

use super::{LaneMetrics, Metrics, WorkerMetrics};

/// Of a pool of two that was at work for ten seconds: nothing divides evenly by chance.
fn metrics() -> Metrics {
    let seconds = Duration::from_secs;
    let first = WorkerMetrics {
        jobs_run: 10,
        steal_attempts: 8,
        steals: 4,
        busy: seconds(8),
        searching: seconds(1),
        lock_wait: seconds(1),
        tasks_completed: 30,
        tasks_panicked: 3,
        queue_depth: 9,
        ..WorkerMetrics::default()
    };
    let second = WorkerMetrics {
        steal_attempts: 4,
        steals: 1,
        busy: seconds(2),
        searching: seconds(2),
        tasks_completed: 20,
        tasks_panicked: 2,
        queue_depth: 3,
        ..WorkerMetrics::default()
    };
    let stand_ins = WorkerMetrics { busy: seconds(3), tasks_completed: 5, ..first.clone() };
    let others = WorkerMetrics { steal_attempts: 1, ..WorkerMetrics::default() };
    let lane = LaneMetrics { accepted: 5, rejected: 2, ..LaneMetrics::default() };
    Metrics {
        workers: vec![first, second],
        stand_ins,
        others,
        lanes: [lane.clone(), lane.clone(), lane],
        uptime: seconds(10),
        spawned_inside: 7,
        cancelled: 4,
        timed_out: 6,
    }
}

#[track_caller]
fn is(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
}

#[test]
fn counts_are_those_of_all_threads_and_lanes() {
    let metrics = metrics();
    assert_eq!((metrics.tasks_spawned(), metrics.tasks_rejected()), (22, 6));
    assert_eq!((metrics.tasks_completed(), metrics.tasks_panicked()), (55, 8));
    assert_eq!((metrics.tasks_cancelled(), metrics.tasks_timed_out()), (4, 6));
    assert_eq!((metrics.steal_attempts(), metrics.steals()), (21, 9));
}

#[test]
fn ratios_are_what_their_formulas_say() {
    let metrics = metrics();
    is(metrics.steal_success_rate().unwrap(), 9.0 / 21.0);
    is(metrics.utilization(), (8.0 + 2.0 + 3.0) / (10.0 * 2.0));
    // A mean of 5 and a standard deviation of 3.
    is(metrics.utilization_cv(), 3.0 / 5.0);
    is(metrics.coordination_overhead(), (1.0 + 1.0 + 2.0) / (8.0 + 2.0));
    is(metrics.queue_depth_ratio(), 9.0 / 6.0);
    is(metrics.throughput(), (55.0 + 8.0) / 10.0);
    is(metrics.efficiency(4.0), 6.3 / (4.0 * 2.0));
}

#[test]
fn nothing_is_divided_by_nothing() {
    let mut nothing = metrics().since(&metrics());
    nothing.workers.iter_mut().for_each(|worker| worker.queue_depth = 0);
    assert_eq!(nothing.steal_success_rate(), None);
    is(nothing.utilization(), 0.0);
    is(nothing.utilization_cv(), 0.0);
    is(nothing.coordination_overhead(), 0.0);
    is(nothing.queue_depth_ratio(), 1.0);
    is(nothing.throughput(), 0.0);
    is(nothing.efficiency(0.0), 0.0);
}

#[test]
fn a_pool_is_used_wholly_at_most() {
    let mut metrics = metrics();
    metrics.stand_ins.busy = Duration::from_secs(11);
    is(metrics.utilization(), 1.0);
}

#[test]
fn a_difference_is_of_counts_and_times_and_not_of_gauges() {
    let (earlier, mut later) = (metrics(), metrics());
    later.workers[1].steals += 2;
    later.workers[1].steal_attempts += 3;
    later.others.steals += 9;
    later.workers[1].busy += Duration::from_secs(1);
    later.stand_ins.jobs_run += 3;
    later.others.steal_attempts += 4;
    later.lanes[2].accepted += 5;
    later.lanes[0].rejected += 6;
    later.uptime += Duration::from_secs(7);
    later.spawned_inside += 8;
    later.cancelled += 9;
    later.timed_out += 10;
    let between = later.since(&earlier);
    assert_eq!((between.workers[0].steals, between.workers[1].steals), (0, 2));
    assert_eq!(between.workers[1].busy, Duration::from_secs(1));
    assert_eq!((between.stand_ins.jobs_run, between.others.steal_attempts), (3, 4));
    assert_eq!(between.others.steals, 4, "of the others' attempts the earlier one knew");
    assert_eq!((between.lanes[2].accepted, between.lanes[0].rejected), (5, 6));
    assert_eq!((between.uptime, between.spawned_inside), (Duration::from_secs(7), 8));
    assert_eq!((between.cancelled, between.timed_out), (9, 10));
    assert_eq!(between.workers[0].queue_depth, 9, "as it is now");
    assert_eq!(earlier.since(&later).uptime, Duration::ZERO, "the wrong way round");
}

#[test]
fn the_table_shows_the_numbers_and_their_units() {
    let mut metrics = metrics();
    metrics.workers[1].searching = Duration::from_micros(12);
    metrics.workers[1].parked = Duration::from_millis(34);
    let text = metrics.to_string();
    let words: Vec<&str> = text.split_whitespace().collect();
    let shows = |row: &str| {
        let row: Vec<&str> = row.split(' ').collect();
        assert!(words.windows(row.len()).any(|words| words == row), "{row:?} is not in\n{text}");
    };
    shows("2 workers, 10.0 s of wall time");
    shows("22 spawned, 55 completed, 8 panicked, 4 cancelled, 6 timed out, 6 rejected");
    shows("9 of 21 attempts: 42.9 %");
    shows("65.0 % used (unevenness 0.60), coordination 0.200 of busy, deepest queue 1.5 x mean");
    shows("0 10 8 4 0 0 0 8.0 s 1.0 s - - 9");
    shows("1 0 4 1 0 0 0 2.0 s 12.0 us 34.0 ms - 3");
    shows("low 5 2 0 0 0 0 -");
}
