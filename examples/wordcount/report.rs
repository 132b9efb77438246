//! What the user gets to read.

use crate::{
    jobs::READERS,
    tally::{Skipped, Tally},
};
use heist::Metrics;
use indicatif::HumanCount;
use std::{
    io::{self, Write},
    path::Path,
    time::Duration,
};

const TOP: usize = 20;
/// Skipped files that are named; of more, only the number is told.
const NAMED: usize = 20;

pub(crate) struct Report<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) tally: &'a Tally,
    pub(crate) ours_took: Duration,
    pub(crate) serial_took: Duration,
    /// Whether the two jobs counted the same.
    pub(crate) equal: bool,
    /// Of the pool, when its job was done.
    pub(crate) metrics: Metrics,
}

impl Report<'_> {
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.words(out)?;
        self.times(out)?;
        self.pool(out)?;
        self.skipped(out)?;
        out.flush()
    }

    fn megabytes(&self) -> f64 {
        self.tally.bytes as f64 / 1e6
    }

    fn words(&self, out: &mut impl Write) -> io::Result<()> {
        let all: u64 = self.tally.words.values().sum();
        writeln!(
            out,
            "{}: {} files, {:.1} MB\n{} words, {} of them different; the most frequent:\n",
            self.dir.display(),
            HumanCount(self.tally.files),
            self.megabytes(),
            HumanCount(all),
            HumanCount(self.tally.words.len() as u64),
        )?;
        for (i, (word, times)) in self.tally.top(TOP).into_iter().enumerate() {
            let (rank, share) = (i + 1, 100.0 * times as f64 / all as f64);
            let times = HumanCount(times).to_string();
            writeln!(out, "{rank:4}  {word:16} {times:>12} {share:7.2} %")?;
        }
        writeln!(out)
    }

    fn times(&self, out: &mut impl Write) -> io::Result<()> {
        let (ours, serial) = (self.ours_took.as_secs_f64(), self.serial_took.as_secs_f64());
        let workers = self.metrics.workers.len();
        let plural = if workers == 1 { "" } else { "s" };
        let name = format!("{workers} worker{plural}, {READERS} readers");
        writeln!(out, "To walk, read, count and merge, with a warm file cache:\n")?;
        writeln!(out, "{:26} seconds        MB/s", "")?;
        writeln!(out, "  {name:24} {ours:7.3} {:11.1}", self.megabytes() / ours)?;
        writeln!(out, "  {:24} {serial:7.3} {:11.1}", "one thread", self.megabytes() / serial)?;
        writeln!(out, "  {:24} {:7.2}\n", "speed-up", serial / ours)?;
        let verdict = if self.equal { "are equal" } else { "DIFFER" };
        writeln!(out, "The two results {verdict}.\n")
    }

    fn pool(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", self.metrics.to_string().trim_end())?;
        match self.metrics.steal_success_rate() {
            Some(rate) => writeln!(out, "\nSteal success rate: {:.1} %", 100.0 * rate),
            None => writeln!(out, "\nNo steal was attempted."),
        }
    }

    fn skipped(&self, out: &mut impl Write) -> io::Result<()> {
        let skipped = &self.tally.skipped;
        if skipped.is_empty() {
            return Ok(());
        }
        let unreadable = skipped.iter().filter(|skipped| skipped.error.is_some()).count();
        let not_utf8 = skipped.len() - unreadable;
        writeln!(out, "\nNot counted: {unreadable} unreadable, {not_utf8} not UTF-8")?;
        for Skipped { path, error } in skipped.iter().take(NAMED) {
            let why = error.as_deref().unwrap_or("not UTF-8");
            writeln!(out, "  {}: {why}", path.display())?;
        }
        if skipped.len() > NAMED {
            writeln!(out, "  and {} more", HumanCount((skipped.len() - NAMED) as u64))?;
        }
        Ok(())
    }
}
