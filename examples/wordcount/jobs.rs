//! The same job twice: walk, read, count, merge.

use crate::{
    files::{self, Found},
    tally::{Skipped, Tally},
};
use heist::{Scope, ThreadPool};
use indicatif::ProgressBar;
use std::{
    fs, mem,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

/// Threads that read files, outside the pool. Two hide each other's waits for the
/// disk; from a warm file cache one can feed several workers.
pub(crate) const READERS: usize = 2;

/// A text longer than this many bytes is split by `join`: some 0.3 milliseconds'
/// work, many times the price of a steal.
const GRAIN: usize = 64 * 1024;

/// Counts in the plain way.
pub(crate) fn on_one_thread(dir: &Path, bar: &ProgressBar) -> Tally {
    let mut tally = Tally::default();
    files::each_file(dir, |path| match path.and_then(read) {
        Ok((path, bytes)) => {
            bar.inc(bytes.len() as u64);
            if let Some(text) = tally.add_file(&path, &bytes) {
                tally.add_words(text);
            }
        }
        Err(skipped) => tally.skipped.push(skipped),
    });
    tally
}

/// Counts with all of `pool`.
pub(crate) fn in_the_pool(pool: &ThreadPool, dir: &Path, bar: &ProgressBar) -> Tally {
    let shards = Arc::new(Shards::new(pool));
    let (found, paths) = mpsc::channel();
    let paths = Mutex::new(paths);
    thread::scope(|threads| {
        for _ in 0..READERS {
            threads.spawn(|| read_and_spawn(pool, &paths, &shards, bar));
        }
        pool.scope(|scope| walk(scope, dir.to_owned(), &found, &shards));
        drop(found); // the readers end when they have read what was found
    });
    pool.map_reduce(&shards.0, |shard| mem::take(&mut *lock(shard)), Tally::default, Tally::merge)
}

/// Finds the files below `dir`, each directory in a job of its own.
fn walk<'scope>(
    scope: &Scope<'scope>,
    dir: PathBuf,
    found: &'scope Sender<PathBuf>,
    shards: &'scope Shards,
) {
    for entry in files::list(&dir) {
        match entry {
            Found::Dir(dir) => scope.spawn(move |scope| walk(scope, dir, found, shards)),
            Found::File(path) => found.send(path).expect("readers stay until the walk has ended"),
            Found::Trouble(skipped) => shards.own().skipped.push(skipped),
        }
    }
}

/// Reads what was found and hands it to the pool: `spawn` waits while as many
/// files as may wait are waiting already, so that memory stays bounded.
fn read_and_spawn(
    pool: &ThreadPool,
    paths: &Mutex<Receiver<PathBuf>>,
    shards: &Arc<Shards>,
    bar: &ProgressBar,
) {
    let mut tasks = Vec::new();
    loop {
        let path = lock(paths).recv();
        let Ok(path) = path else { break };
        match read(path) {
            Ok((path, bytes)) => {
                let (shards, bar) = (Arc::clone(shards), bar.clone());
                tasks.push(pool.spawn(move || {
                    bar.inc(bytes.len() as u64);
                    let text = shards.own().add_file(&path, &bytes);
                    if let Some(text) = text {
                        count(text, &shards);
                    }
                }));
            }
            Err(skipped) => shards.own().skipped.push(skipped),
        }
    }
    for task in tasks {
        task.join().expect("counting does not panic");
    }
}

/// Counts the words of `text`; halves of a long one may be stolen.
fn count(text: &str, shards: &Shards) {
    match halves(text) {
        Some((a, b)) => _ = heist::join(|| count(a, shards), || count(b, shards)),
        None => shards.own().add_words(text),
    }
}

/// Splits a long text between two words, near its middle.
fn halves(text: &str) -> Option<(&str, &str)> {
    if text.len() <= GRAIN {
        return None;
    }
    let middle = (text.len() / 2..).find(|&at| text.is_char_boundary(at))?;
    let end_of_word = text[middle..].find(|c: char| !c.is_alphabetic())?;
    Some(text.split_at(middle + end_of_word))
}

/// A tally for each worker, so that no two wait for each other, and one for the
/// threads that are none.
struct Shards(Vec<Mutex<Tally>>);

impl Shards {
    fn new(pool: &ThreadPool) -> Self {
        Shards((0..=pool.num_threads()).map(|_| Mutex::default()).collect())
    }

    /// The calling thread's tally. Not to be held over a `join`, which may run
    /// another task that wants it.
    fn own(&self) -> impl std::ops::DerefMut<Target = Tally> {
        let last = self.0.len() - 1;
        lock(&self.0[heist::current_thread_index().unwrap_or(last)])
    }
}

fn read(path: PathBuf) -> Result<(PathBuf, Vec<u8>), Skipped> {
    match fs::read(&path) {
        Ok(bytes) => Ok((path, bytes)),
        Err(error) => Err(Skipped::unreadable(&path, &error)),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics with the lock held")
}
