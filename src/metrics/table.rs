//! Metrics as a table for a terminal.

use std::{fmt, time::Duration};

use super::{LaneMetrics, Metrics, WorkerMetrics};

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uptime = Time(self.uptime).to_string();
        writeln!(f, "{} workers, {} of wall time", self.workers.len(), uptime.trim())?;
        writeln!(
            f,
            "tasks   {} spawned, {} completed, {} panicked, {} cancelled, {} timed out, {} rejected",
            self.tasks_spawned(),
            self.tasks_completed(),
            self.tasks_panicked(),
            self.tasks_cancelled(),
            self.tasks_timed_out(),
            self.tasks_rejected(),
        )?;
        let rate = match self.steal_success_rate() {
            Some(rate) => format!("{:.1} %", rate * 100.0),
            None => "none tried".into(),
        };
        writeln!(f, "steals  {} of {} attempts: {rate}", self.steals(), self.steal_attempts())?;
        writeln!(
            f,
            "workers {:.1} % used (unevenness {:.2}), coordination {:.3} of busy, deepest queue {:.1} x mean",
            self.utilization() * 100.0,
            self.utilization_cv(),
            self.coordination_overhead(),
            self.queue_depth_ratio(),
        )?;
        writeln!(f)?;
        writeln!(
            f,
            "{:>8} {:>10} {:>9} {:>9} {:>7} {:>8} {:>8} {:>10} {:>10} {:>10} {:>10} {:>7}",
            "worker",
            "jobs",
            "attempts",
            "steals",
            "lost",
            "parks",
            "wakes",
            "busy",
            "searching",
            "parked",
            "blocked",
            "queue",
        )?;
        for (index, worker) in self.workers.iter().enumerate() {
            write_worker(f, &index.to_string(), worker)?;
        }
        write_worker(f, "standins", &self.stand_ins)?;
        write_worker(f, "others", &self.others)?;
        writeln!(f)?;
        writeln!(
            f,
            "{:>8} {:>10} {:>9} {:>9} {:>7} {:>8} {:>8} {:>10}",
            "lane", "accepted", "rejected", "depth", "most", "room", "blocked", "oldest",
        )?;
        for (name, lane) in ["high", "normal", "low"].into_iter().zip(&self.lanes) {
            write_lane(f, name, lane)?;
        }
        Ok(())
    }
}

fn write_worker(f: &mut fmt::Formatter<'_>, name: &str, worker: &WorkerMetrics) -> fmt::Result {
    writeln!(
        f,
        "{:>8} {:>10} {:>9} {:>9} {:>7} {:>8} {:>8} {} {} {} {} {:>7}",
        name,
        worker.jobs_run,
        worker.steal_attempts,
        worker.steals,
        worker.steal_races_lost,
        worker.parks,
        worker.wakes,
        Time(worker.busy),
        Time(worker.searching),
        Time(worker.parked),
        Time(worker.blocked),
        worker.queue_depth,
    )
}

fn write_lane(f: &mut fmt::Formatter<'_>, name: &str, lane: &LaneMetrics) -> fmt::Result {
    writeln!(
        f,
        "{:>8} {:>10} {:>9} {:>9} {:>7} {:>8} {:>8} {}",
        name,
        lane.accepted,
        lane.rejected,
        lane.depth,
        lane.high_water,
        lane.capacity,
        lane.blocked_submitters,
        Time(lane.oldest_wait),
    )
}

/// A time in the unit that suits it, ten columns wide.
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        let (value, unit) = match seconds {
            0.0 => return write!(f, "{:>10}", "-"),
            ..1e-3 => (seconds * 1e6, "us"),
            ..1.0 => (seconds * 1e3, "ms"),
            _ => (seconds, "s "),
        };
        write!(f, "{value:>7.1} {unit}")
    }
}
