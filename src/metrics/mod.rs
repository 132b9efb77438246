//! What is going on inside: a snapshot of every count, and what follows from
//! them.

mod slots;
mod table;
#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;

use std::time::Duration;

use crate::pool::ThreadPool;

/// A snapshot of a pool's counts, made by [`ThreadPool::metrics`].
///
/// Counts only grow, gauges (depths) go up and down; [`since`](Self::since)
/// gives the counts of a stretch of time. [`Display`](std::fmt::Display) is a
/// table.
///
/// When the pool is quiet, `tasks_spawned` = `tasks_completed` +
/// `tasks_panicked` + `tasks_cancelled` + what is queued. While it is at work,
/// a snapshot is not one instant, and the sum may be off by what happens
/// meanwhile.
///
/// ```
/// let pool = heist::ThreadPool::new()?;
/// let before = pool.metrics();
/// pool.spawn(|| ()).join().unwrap();
/// let metrics = pool.metrics().since(&before);
/// assert_eq!((metrics.tasks_spawned(), metrics.tasks_completed()), (1, 1));
/// println!("{metrics}");
/// # Ok::<(), heist::BuildError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Metrics {
    /// The workers, by number.
    pub workers: Vec<WorkerMetrics>,
    /// What stand-ins did, together: in the place of workers that block, and at
    /// the entrance while every worker is busy. While they have nothing to do,
    /// their time is not taken.
    pub stand_ins: WorkerMetrics,
    /// What guests did inside the pool, together. Their times are not taken, but for
    /// [`lock_wait`](WorkerMetrics::lock_wait).
    pub others: WorkerMetrics,
    /// The lanes of the entrance: high, normal, low.
    pub lanes: [LaneMetrics; 3],
    /// Time since the pool was built; of a difference, the time between.
    pub uptime: Duration,
    spawned_inside: u64,
    cancelled: u64,
    timed_out: u64,
}

/// One worker's counts.
///
/// ```
/// let metrics = heist::global().metrics();
/// assert!(metrics.workers.iter().all(|worker| worker.steals <= worker.steal_attempts));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerMetrics {
    /// Jobs run that came from a queue. A fork that nobody stole is not one:
    /// it is a call. A scope's job that was joined counts when its place in the queue is cleared.
    pub jobs_run: u64,
    /// Times it tried to steal from another thread's deque that was not empty.
    pub steal_attempts: u64,
    /// Attempts that got something.
    pub steals: u64,
    /// Attempts that lost a race for the job against another thread.
    pub steal_races_lost: u64,
    /// Times it went to sleep.
    pub parks: u64,
    /// Times it got up again: it was woken, or the time was over that it meant to sleep.
    pub wakes: u64,
    /// Time spent running jobs.
    pub busy: Duration,
    /// Time spent looking for jobs.
    pub searching: Duration,
    /// Time spent asleep, or at rest.
    pub parked: Duration,
    /// Time spent in [`blocking`](crate::blocking) sections.
    pub blocked: Duration,
    /// Waiting for locks of heist's. A thread books what it has waited where it next begins or
    /// ends a search or a wait, also if the lock was another pool's, or its visit as a guest has
    /// only begun since. A worker's is part of the four times above.
    pub lock_wait: Duration,
    /// Tasks that ran to their end on this thread.
    pub tasks_completed: u64,
    /// Tasks that panicked on this thread.
    pub tasks_panicked: u64,
    /// Jobs in its public deque now, and tasks that it has taken from the entrance
    /// but not begun; up to 16 too many while it takes some. Forks that nobody has asked for are
    /// private and not counted.
    pub queue_depth: usize,
}

/// One lane of the entrance.
///
/// ```
/// assert_eq!(heist::global().metrics().lanes[0].capacity, 4096);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneMetrics {
    /// Tasks that wait now. Once some were cancelled that still have their place, up to as many
    /// too many as workers have taken but not begun.
    pub depth: usize,
    /// Tasks that may wait.
    pub capacity: usize,
    /// The most that ever waited.
    pub high_water: usize,
    /// Tasks that came in.
    pub accepted: u64,
    /// Tasks that were sent away: no room, not in time, or closed.
    pub rejected: u64,
    /// Threads and futures that wait for room now.
    pub blocked_submitters: usize,
    /// About how long the oldest task has waited; zero if none waits. Mostly it is no less, and
    /// may be counted from the arrival of an earlier task, the one before it, or of more than
    /// sixteen one of the sixteen before it; or of one that a worker has taken but not begun, or
    /// that was cancelled and still has its place. If two come at once into an empty lane, it may
    /// be counted from the later one.
    /// Keyed tasks, which wait for their key, do not count.
    pub oldest_wait: Duration,
}

impl ThreadPool {
    /// A snapshot of all counts. It takes no lock that a worker takes and
    /// writes nothing that a worker reads, so it slows nobody down.
    ///
    /// ```
    /// assert!(!heist::global().metrics().workers.is_empty());
    /// ```
    pub fn metrics(&self) -> Metrics {
        let registry = self.registry();
        // Before what is accepted: what has finished was accepted earlier.
        let count = registry.workers();
        let workers = (0..count).map(|index| WorkerMetrics::of_worker(index, registry)).collect();
        let others = &registry.slots()[count..];
        let (guests, stand_ins) = others.split_at(others.len() - registry.staff.seats());
        let others = WorkerMetrics {
            busy: Duration::ZERO,
            searching: Duration::ZERO,
            blocked: Duration::ZERO,
            ..WorkerMetrics::together(guests)
        };
        let stand_ins = WorkerMetrics::together(stand_ins);
        let lanes = registry.injector.lanes().each_ref();
        let (cancelled, timed_out) = (registry.cancelled(), registry.timed_out());
        Metrics {
            workers,
            stand_ins,
            others,
            cancelled,
            timed_out,
            lanes: lanes.map(LaneMetrics::of),
            uptime: registry.epoch.elapsed(),
            spawned_inside: registry.spawned_by_no_lane(),
        }
    }
}

impl Metrics {
    /// Tasks accepted, through the entrance and inside.
    ///
    /// ```
    /// heist::spawn(|| ()).join().unwrap();
    /// assert_eq!(heist::global().metrics().tasks_spawned(), 1);
    /// ```
    pub fn tasks_spawned(&self) -> u64 {
        self.spawned_inside + self.lanes.iter().map(|lane| lane.accepted).sum::<u64>()
    }

    /// Tasks that ran to their end.
    ///
    /// ```
    /// heist::spawn(|| ()).join().unwrap();
    /// assert_eq!(heist::global().metrics().tasks_completed(), 1);
    /// ```
    pub fn tasks_completed(&self) -> u64 {
        self.sum(|worker| worker.tasks_completed)
    }

    /// Tasks that panicked.
    ///
    /// ```
    /// heist::spawn(|| panic!("line 3")).join().unwrap_err();
    /// assert_eq!(heist::global().metrics().tasks_panicked(), 1);
    /// ```
    pub fn tasks_panicked(&self) -> u64 {
        self.sum(|worker| worker.tasks_panicked)
    }

    /// Tasks accepted that never ran: cancelled, not started by their deadline, or
    /// dropped by `shutdown_now`; and futures cancelled before their output was there.
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build().unwrap();
    /// assert!(pool.install(|| heist::spawn(|| ()).cancel()));
    /// assert_eq!(pool.metrics().tasks_cancelled(), 1);
    /// ```
    pub fn tasks_cancelled(&self) -> u64 {
        self.cancelled
    }

    /// Tasks that still ran when their time was over. When they end, they are counted
    /// as completed or panicked, too.
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build().unwrap();
    /// let task = pool.task().timeout(std::time::Duration::from_millis(1));
    /// assert!(task.spawn(|| while !heist::is_cancelled() {}).join().is_err());
    /// assert_eq!(pool.metrics().tasks_timed_out(), 1);
    /// ```
    pub fn tasks_timed_out(&self) -> u64 {
        self.timed_out
    }

    /// Tasks sent away at the entrance. Bulkheads have
    /// [their own count](crate::BulkheadMetrics::rejected).
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build().unwrap();
    /// pool.close();
    /// assert!(pool.try_spawn(|| ()).is_err());
    /// assert_eq!(pool.metrics().tasks_rejected(), 1);
    /// ```
    pub fn tasks_rejected(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.rejected).sum()
    }

    /// Times a thread tried to steal from another's deque that was not empty.
    ///
    /// ```
    /// assert_eq!(heist::global().metrics().steal_attempts(), 0);
    /// ```
    pub fn steal_attempts(&self) -> u64 {
        self.sum(|worker| worker.steal_attempts)
    }

    /// Attempts that got something.
    ///
    /// ```
    /// assert_eq!(heist::global().metrics().steals(), 0);
    /// ```
    pub fn steals(&self) -> u64 {
        self.sum(|worker| worker.steals)
    }

    /// Steals / attempts, from 0 to 1; none before the first attempt.
    ///
    /// ```
    /// assert_eq!(heist::global().metrics().steal_success_rate(), None);
    /// ```
    pub fn steal_success_rate(&self) -> Option<f64> {
        let attempts = self.steal_attempts();
        (attempts > 0).then(|| self.steals() as f64 / attempts as f64)
    }

    /// The share of the workers' time spent running jobs, from 0 to 1:
    /// busy / (workers x wall time), both in seconds. The textbook utilization.
    ///
    /// The time of a blocking section is not busy; that of a stand-in is, since it
    /// works in a worker's place. While a worker that has come back works beside its
    /// stand-in, the sum may be more than the workers alone could work: then it is 1.
    ///
    /// ```
    /// let mut metrics = heist::global().metrics();
    /// metrics.workers.iter_mut().for_each(|worker| worker.busy = metrics.uptime / 2);
    /// assert!((metrics.utilization() - 0.5).abs() < 0.01);
    /// ```
    pub fn utilization(&self) -> f64 {
        let busy = self.busy() + self.stand_ins.busy.as_secs_f64();
        ratio(busy, self.uptime.as_secs_f64() * self.workers.len() as f64).min(1.0)
    }

    /// How unevenly the workers are used: standard deviation / mean of their
    /// busy times, the textbook coefficient of variation. It has no unit; below
    /// 0.1 is good, above 0.3 bad.
    ///
    /// ```
    /// let pool = heist::ThreadPool::builder().num_threads(1).build().unwrap();
    /// assert_eq!(pool.metrics().utilization_cv(), 0.0);
    /// ```
    pub fn utilization_cv(&self) -> f64 {
        let mean = ratio(self.busy(), self.workers.len() as f64);
        let square = |worker: &WorkerMetrics| (worker.busy.as_secs_f64() - mean).powi(2);
        let variance = ratio(self.workers.iter().map(square).sum(), self.workers.len() as f64);
        ratio(variance.sqrt(), mean)
    }

    /// The price of coordination: (searching + waiting for locks) / busy, in
    /// seconds; heist's own definition. Below 0.05 is good, above 0.2 bad.
    ///
    /// ```
    /// assert!(heist::global().metrics().coordination_overhead() >= 0.0);
    /// ```
    pub fn coordination_overhead(&self) -> f64 {
        let spent = |worker: &WorkerMetrics| worker.searching + worker.lock_wait;
        ratio(self.workers.iter().map(spent).sum::<Duration>().as_secs_f64(), self.busy())
    }

    /// How unevenly the work lies: deepest / mean depth of the workers' deques,
    /// both in jobs; 1 if all are empty. Below 2 is good, above 10 bad.
    ///
    /// ```
    /// assert_eq!(heist::global().metrics().queue_depth_ratio(), 1.0);
    /// ```
    pub fn queue_depth_ratio(&self) -> f64 {
        let depths = self.workers.iter().map(|worker| worker.queue_depth);
        let deepest = depths.clone().max().unwrap_or(0) as f64;
        let mean = ratio(depths.sum::<usize>() as f64, self.workers.len() as f64);
        if mean == 0.0 { 1.0 } else { deepest / mean }
    }

    /// Tasks finished a second: (completed + panicked) / wall time in seconds.
    ///
    /// ```
    /// assert_eq!(heist::global().metrics().throughput(), 0.0);
    /// ```
    pub fn throughput(&self) -> f64 {
        let finished = self.tasks_completed() + self.tasks_panicked();
        ratio(finished as f64, self.uptime.as_secs_f64())
    }

    /// How well the workers add up: throughput / (one worker's throughput x
    /// workers), in tasks a second. It is speed-up / workers, with the speed-up
    /// of Amdahl's and Gustafson's laws. Above 0.8 is good, below 0.5 bad.
    ///
    /// ```
    /// assert_eq!(heist::global().metrics().efficiency(1000.0), 0.0);
    /// ```
    pub fn efficiency(&self, one_worker_throughput: f64) -> f64 {
        ratio(self.throughput(), one_worker_throughput * self.workers.len() as f64)
    }

    /// What has happened between `earlier` and this snapshot: counts and times
    /// are differences, gauges and high-water marks stay as they are here.
    ///
    /// Both have to be of the same pool.
    ///
    /// ```
    /// let metrics = heist::global().metrics();
    /// assert_eq!(metrics.since(&metrics).uptime.as_nanos(), 0);
    /// ```
    pub fn since(&self, earlier: &Metrics) -> Metrics {
        let mut difference = self.clone();
        let workers = difference.workers.iter_mut().zip(&earlier.workers);
        for (worker, before) in workers.chain([
            (&mut difference.stand_ins, &earlier.stand_ins),
            (&mut difference.others, &earlier.others),
        ]) {
            worker.each_count(before, |now, before| *now = now.saturating_sub(before));
            worker.each_time(before, |now, before| *now = now.saturating_sub(before));
            // An attempt may be counted in the earlier one, and what came of it not.
            worker.steals = worker.steals.min(worker.steal_attempts);
        }
        for (lane, before) in difference.lanes.iter_mut().zip(&earlier.lanes) {
            lane.accepted = lane.accepted.saturating_sub(before.accepted);
            lane.rejected = lane.rejected.saturating_sub(before.rejected);
        }
        difference.uptime = self.uptime.saturating_sub(earlier.uptime);
        difference.spawned_inside = self.spawned_inside.saturating_sub(earlier.spawned_inside);
        difference.cancelled = self.cancelled.saturating_sub(earlier.cancelled);
        difference.timed_out = self.timed_out.saturating_sub(earlier.timed_out);
        difference
    }

    /// Seconds that workers spent running jobs.
    fn busy(&self) -> f64 {
        self.workers.iter().map(|worker| worker.busy).sum::<Duration>().as_secs_f64()
    }

    fn sum(&self, count: impl Fn(&WorkerMetrics) -> u64) -> u64 {
        self.workers.iter().chain([&self.stand_ins, &self.others]).map(count).sum()
    }
}

/// Zero where there is nothing to divide by.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
