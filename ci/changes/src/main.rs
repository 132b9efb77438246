//! Tries the changes that cargo-mutants would make to a library, all on one build: each
//! is behind a switch that the environment throws, so it costs a run of the tests that
//! come by its place and not a build.
//!
//! `changes TREE RESULTS [FILE..]`: TREE is a copy that is changed, RESULTS a file where
//! each change and what came of it is written; those that are there already are not tried
//! again. See `ci/changes.sh`, which makes the copy.

mod compile;
mod list;
mod suite;
mod switch;

use std::{
    collections::BTreeSet,
    env, fs,
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use list::Change;
use suite::{Outcome, Test};

/// A setting of the environment.
fn setting(name: &str, default: &str) -> String {
    env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}

fn main() {
    let mut arguments = env::args().skip(1);
    let mut next = || arguments.next().expect("changes TREE RESULTS [FILE..]");
    let (tree, results) = (PathBuf::from(next()), PathBuf::from(next()));
    let files: Vec<String> = arguments.collect();
    let parts = setting("CHANGES_TESTS", "--lib --test it --test alloc --test faults");
    let seconds = setting("CHANGES_SECONDS", "10").parse().expect("CHANGES_SECONDS: a number");

    let all = list::changes(&tree, &files);
    let viable = compile::switch_all(&tree, &all);
    let tests = suite::tests(&tree, &parts);
    let known = fs::read_to_string(&results).unwrap_or_default();
    let known: BTreeSet<&str> = known.lines().filter_map(|line| line.split('\t').nth(1)).collect();
    let to_try: Vec<&Change> = all
        .iter()
        .filter(|change| !viable.unviable.contains(&change.number))
        .filter(|change| !viable.left.contains(&change.number))
        .filter(|change| !known.contains(change.name.as_str()))
        .collect();
    println!(
        "{} changes: {} do not compile, {} cannot be switched, {} are to be tried by {} tests",
        all.len(),
        viable.unviable.len(),
        viable.left.len(),
        to_try.len(),
        tests.len(),
    );

    let out = OpenOptions::new().create(true).append(true).open(&results).expect("RESULTS");
    let (out, turn) = (Mutex::new(out), AtomicUsize::new(0));
    let missed = AtomicUsize::new(0);
    thread::scope(|threads| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            threads.spawn(|| {
                while let Some(change) = to_try.get(turn.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = try_one(&tree, change, &tests, Duration::from_secs(seconds));
                    if !verdict.starts_with("caught") {
                        missed.fetch_add(1, Ordering::Relaxed);
                        println!("{verdict}: {}", change.name);
                    }
                    let mut out = out.lock().expect("nobody panics with it");
                    writeln!(out, "{verdict}\t{}", change.name).expect("room");
                }
            });
        }
    });
    let missed = missed.into_inner();
    println!("{} of {} caught", to_try.len() - missed, to_try.len());
}

/// What came of it. The tests of its own module go first, then those that come by the
/// fewest places, for so much time.
fn try_one(tree: &Path, change: &Change, tests: &[Test], budget: Duration) -> String {
    let mut covering: Vec<&Test> =
        tests.iter().filter(|test| test.seen.binary_search(&change.number).is_ok()).collect();
    if covering.is_empty() {
        return "no test comes by".to_owned();
    }
    let path = change.file.trim_start_matches("src/").trim_end_matches(".rs");
    let module = format!("{}::", path.trim_end_matches("/mod").replace('/', "::"));
    covering.sort_by_key(|test| {
        let cost = test.takes.as_micros() * (50 + test.seen.len() as u128);
        (!test.name.starts_with(&module), cost)
    });
    let start = Instant::now();
    for test in &covering {
        if start.elapsed() > budget {
            return "missed in its time".to_owned();
        }
        // Twice, since a test may fail by chance where much else goes on.
        let fails = || test.tries(tree, change.number) != Outcome::Passed;
        if fails() && fails() {
            return format!("caught by {}", test.name);
        }
    }
    format!("missed by all {} tests", covering.len())
}
