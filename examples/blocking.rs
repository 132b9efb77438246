//! Checksums files: to read them is to wait, to hash them is to compute. With
//! `heist::blocking` around the reads a pool as wide as the machine does both at once.
//!
//! `cargo run --release --example blocking [-- DIR]`; without DIR, the crate sources
//! that cargo has unpacked. A file that is in memory already does not make anybody
//! wait, so each read also waits for 2 ms, as a disk or a network would make it.

use heist::ThreadPool;
use std::{
    env,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

const DELAY: Duration = Duration::from_millis(2);
const MOST_FILES: usize = 1500;

fn main() -> Result<(), Box<dyn Error>> {
    let sources = || {
        let cargo = env::var_os("CARGO_HOME").map(PathBuf::from);
        let cargo = cargo.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
        cargo.map(|cargo| cargo.join("registry/src"))
    };
    let given = env::args_os().nth(1).map(PathBuf::from);
    let root = given.or_else(sources).ok_or("no directory given, and no home")?;
    let mut files = Vec::new();
    list(&root, &mut files).map_err(|error| format!("{}: {error}", root.display()))?;
    let told = checksum("with blocking   ", &files, |path| heist::blocking(|| read(path)))?;
    let not_told = checksum("without blocking", &files, read)?;
    assert_eq!(told, not_told, "the same files");
    println!("checksum of all: {told:016x}");
    Ok(())
}

/// The files below `path`, `MOST_FILES` at most.
fn list(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => list(&entry.path(), files)?,
            kind if kind.is_file() && files.len() < MOST_FILES => files.push(entry.path()),
            _ => (),
        }
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    thread::sleep(DELAY);
    fs::read(path)
}

/// Reads and hashes every file, and shows how that went.
fn checksum(
    name: &str,
    files: &[PathBuf],
    read: impl Fn(&Path) -> io::Result<Vec<u8>> + Copy + Send + 'static,
) -> Result<u64, Box<dyn Error>> {
    let pool = ThreadPool::new()?;
    let start = Instant::now();
    let spawn = |path: &PathBuf| {
        let path = path.clone();
        pool.spawn(move || read(&path).map(|text| (text.len(), hash(&text))))
    };
    let tasks: Vec<_> = files.iter().map(spawn).collect();
    let (mut bytes, mut all) = (0, 0);
    for task in tasks {
        let (len, sum) = task.join()??;
        (bytes, all) = (bytes + len, all ^ sum.rotate_left(len as u32 % 64));
    }
    let time = start.elapsed().as_secs_f64();
    let (count, mib) = (files.len(), bytes as f64 / f64::from(1 << 20));
    println!("{name}: {count} files, {mib:.1} MiB in {time:.2} s, {:.1} MiB/s", mib / time);
    println!("{}", pool.metrics());
    Ok(all)
}

/// Fowler, Noll and Vo's hash (FNV-1a).
fn hash(text: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    text.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
