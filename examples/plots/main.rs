//! Draws what `ci/bench.sh` measured: an SVG a workload, a bar a contender.
//!
//! `cargo run --release --example plots [-- DATA [OUT]]`
//!
//! Reads `docs/plots/data/*.tsv` and writes to `docs/plots` unless told
//! otherwise. The machine is named as `machine.txt`, beside the data, names it.

mod chart;
mod compare;
mod data;

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

fn main() -> ExitCode {
    let plots = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join("plots");
    let mut args = env::args_os().skip(1).map(PathBuf::from);
    let from = args.next().unwrap_or_else(|| plots.join("data"));
    let to = args.next().unwrap_or(plots);
    match draw_all(&from, &to) {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            eprintln!("plots: {complaint}");
            ExitCode::FAILURE
        }
    }
}

fn draw_all(from: &Path, to: &Path) -> Result<(), String> {
    let files = tables(from)?;
    if files.is_empty() {
        return Err(format!("no data in {}; run ci/bench.sh first", from.display()));
    }
    let machine = fs::read_to_string(from.join("machine.txt")).unwrap_or_default();
    // All are read before one is written: a bad line leaves no half of a set.
    let workloads = files.iter().map(|file| data::read(file)).collect::<Result<Vec<_>, _>>()?;
    fs::create_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    for workload in &workloads {
        let file = to.join(format!("{}.svg", workload.name));
        chart::draw(&file, workload, machine.lines().next().unwrap_or_default())
            .map_err(|error| format!("{}: {error}", file.display()))?;
        println!("{}", file.display());
    }
    Ok(())
}

/// The files of results, by name; none if there is no such directory.
fn tables(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(|entries| entries.collect::<Result<Vec<_>, _>>()),
    };
    let entries = entries.map_err(|error| format!("{}: {error}", directory.display()))?;
    let paths = entries.into_iter().map(|entry| entry.path());
    let mut files: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "tsv")).collect();
    files.sort();
    Ok(files)
}
