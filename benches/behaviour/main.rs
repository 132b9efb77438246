//! Who deadlocks, who overflows, who grows?
//!
//! Nothing is timed. Each case runs in a process of its own, for each pool, and what
//! becomes of it is a cell of a table: fine, a deadlock (no end in time), a panic, an
//! overflow of the stack; and how much memory it took at most where that is the
//! question. A case goes after the worst order of events by itself, so it does not
//! have to be met by luck.
//!
//! - `heist` waits as it does by default, `heist isolated` inside `heist::isolated`.
//! - `rayon` is its `join`, its loops and its `spawn`.
//! - `tokio` has neither: its `join` is a second `spawn_blocking` (as many threads as the
//!   others have workers) or, in place, a second `spawn`, awaited by `block_on`. `tokio 512`
//!   is the first of these with as many threads as tokio has by default.
//! - `std` is threads behind a bounded channel, as written by hand.
//!
//! In a test only heist runs, without what it is known not to save.

mod cases;
#[path = "../harness/mod.rs"]
#[allow(dead_code, unused_imports, reason = "nothing is measured here")]
mod harness;
mod ours;
mod process;
mod rayon;
#[path = "std.rs"]
mod threads;
mod tokio;

use std::{env, sync::Arc, time::Duration};

use cases::CASES;

pub(crate) type Job = Box<dyn FnOnce() + Send>;
type Shared = &'static dyn Pool;

/// What a case needs of a pool. All but `spawn` are called on its threads.
trait Pool: Send + Sync {
    fn spawn(&self, job: Job);
    /// Both, perhaps at once.
    fn join(&self, a: Job, b: Job);
    /// A loop over two items, perhaps at once.
    fn both(&self, item: Arc<dyn Fn(usize) + Send + Sync>) {
        let same = item.clone();
        self.join(Box::new(move || item(0)), Box::new(move || same(1)));
    }
    /// Spawns a job and waits for its handle, if there are handles.
    fn spawn_and_wait(&self, job: Job) -> Option<()>;
}

/// What a case asks a pool to be like.
#[derive(Clone, Copy)]
struct Size {
    workers: usize,
    stack: usize,
    /// Tasks that may wait, where that is bounded.
    capacity: usize,
}

type Make = fn(Size) -> Box<dyn Pool>;

const POOLS: [(&str, Make); 7] = [
    ("heist", |size| ours::new(size, false)),
    ("heist isolated", |size| ours::new(size, true)),
    ("rayon", rayon::new),
    ("tokio spawn_blocking", |size| tokio::blocking(size, size.workers)),
    ("tokio 512", |size| tokio::blocking(size, 512)),
    ("tokio block_in_place", tokio::in_place),
    ("std", threads::new),
];

/// No end after this is no end; but a flood takes its time.
const PATIENCE: Duration = Duration::from_secs(10);
const FLOOD_PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    if let Some((case, pool)) = process::asked() {
        let case = CASES.iter().find(|known| known.id == case).expect("a case");
        let (_, make) = POOLS.iter().find(|(name, _)| *name == pool).expect("a pool");
        let pool: Shared = Box::leak(make(case.size));
        match (case.run)(pool) {
            Some(()) => process::ends_well(),
            None => process::has_none(),
        }
    }
    let filter = env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let chosen = CASES.iter().filter(|case| {
        let id = format!("behaviour/{}", case.id);
        filter.as_ref().is_none_or(|filter| id.contains(filter.as_str()))
    });
    if harness::is_test() {
        chosen.for_each(test);
        return;
    }
    // `ci/bench.sh` measures times, unless it is asked for this.
    if harness::ratios_directory().is_some() && filter.is_none() {
        return;
    }
    let names: Vec<_> = POOLS.iter().map(|(name, _)| *name).collect();
    println!("| | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
    for case in chosen {
        let cell = |name| process::run(case.id, name, patience(case), case.tells_memory, false);
        let cells: Vec<_> = names.iter().map(|name| cell(name)).collect();
        println!("| {} | {} |", case.name, cells.join(" | "));
    }
}

fn patience(case: &cases::Case) -> Duration {
    if case.tells_memory { FLOOD_PATIENCE } else { PATIENCE }
}

/// heist passes, in the way that its documentation says.
fn test(case: &cases::Case) {
    let name = if case.needs_isolation { "heist isolated" } else { "heist" };
    let cell = process::run(case.id, name, FLOOD_PATIENCE, false, true);
    assert_eq!(cell, "fine", "behaviour/{}/{name}", case.id);
    println!("Testing behaviour/{}/{name}\nSuccess", case.id);
}
