//! Counts the words in a directory tree of text, in a pool and on one thread.
//!
//! `cargo run --release --example wordcount [-- [DIR] [--threads N]]`
//!
//! Without `DIR` it takes the sources that cargo has unpacked for your builds. It
//! walks the tree with `scope`; threads outside the pool read the files and hand
//! them in through the bounded entrance, which holds them back when they are too
//! fast; tasks count, splitting large files by `join`; and `map_reduce` merges.

mod args;
mod files;
mod jobs;
mod report;
mod tally;

use args::Args;
use heist::ThreadPool;
use indicatif::{ProgressBar, ProgressStyle};
use report::Report;
use std::{env, io, process::ExitCode, time::Instant};

/// Files that may wait in the entrance: enough to keep every worker busy, few
/// enough that a tree of any size needs little memory.
const WAITING_FILES: usize = 64;

fn main() -> ExitCode {
    let args = match Args::parse(env::args_os().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            print!("{}", args::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(complaint) => return refuse(&complaint),
    };
    let builder = ThreadPool::builder().injector_capacity(WAITING_FILES);
    let builder = match args.threads {
        Some(threads) => builder.num_threads(threads),
        None => builder,
    };

    let bar = bar("warming up", None);
    let total = files::warm_up(&args.dir, &bar);
    bar.finish_and_clear();

    let pool = match builder.build() {
        Ok(pool) => pool,
        Err(error) => return refuse(&error.to_string()),
    };
    let timed = |name, job: &dyn Fn(&ProgressBar) -> tally::Tally| {
        let bar = self::bar(name, Some(total));
        let start = Instant::now();
        let tally = job(&bar);
        let took = start.elapsed();
        bar.finish_and_clear();
        (tally.sorted(), took)
    };
    let (ours, ours_took) = timed("in the pool", &|bar| jobs::in_the_pool(&pool, &args.dir, bar));
    let metrics = pool.metrics();
    pool.shutdown();
    let (serial, serial_took) = timed("one thread", &|bar| jobs::on_one_thread(&args.dir, bar));

    let report = Report {
        dir: &args.dir,
        tally: &ours,
        ours_took,
        serial_took,
        equal: ours == serial,
        metrics,
    };
    match report.write(&mut io::BufWriter::new(io::stdout().lock())) {
        // Whoever reads has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => (),
        Err(error) => {
            eprintln!("wordcount: cannot write the report: {error}");
            return ExitCode::FAILURE;
        }
        Ok(()) => (),
    }
    if report.equal { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn refuse(complaint: &str) -> ExitCode {
    eprintln!("wordcount: {complaint} (--help tells the usage)");
    ExitCode::from(2)
}

/// A progress bar in bytes on stderr, shown only in a terminal.
fn bar(name: &'static str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{msg:12} {bar:40} {decimal_bytes:>9} of {decimal_total_bytes}, {elapsed}",
        ),
        None => (ProgressBar::new_spinner(), "{msg:12} {spinner} {decimal_bytes}"),
    };
    let style = ProgressStyle::with_template(template).expect("the template is well-formed");
    bar.with_style(style).with_message(name)
}
