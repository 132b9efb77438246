//! Directories and files.

use crate::tally::Skipped;
use indicatif::ProgressBar;
use std::{
    fs,
    path::{Path, PathBuf},
};

pub(crate) enum Found {
    Dir(PathBuf),
    File(PathBuf),
    Trouble(Skipped),
}

/// What `dir` holds. Symbolic links are passed over, so there are no loops, and so
/// are pipes and devices, which may never end.
pub(crate) fn list(dir: &Path) -> Vec<Found> {
    let trouble = |error| Found::Trouble(Skipped::unreadable(dir, &error));
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => return vec![trouble(error)],
    };
    let found = entries.map(|entry| {
        let entry = entry?;
        let kind = entry.file_type()?;
        Ok(if kind.is_dir() {
            Some(Found::Dir(entry.path()))
        } else {
            kind.is_file().then(|| Found::File(entry.path()))
        })
    });
    found.filter_map(|found| found.unwrap_or_else(|error| Some(trouble(error)))).collect()
}

/// Calls `each` with every file below `dir`, and with what cannot be listed.
pub(crate) fn each_file(dir: &Path, mut each: impl FnMut(Result<PathBuf, Skipped>)) {
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for found in list(&dir) {
            match found {
                Found::Dir(dir) => dirs.push(dir),
                Found::File(path) => each(Ok(path)),
                Found::Trouble(skipped) => each(Err(skipped)),
            }
        }
    }
}

/// Reads every file once, so that whoever reads them next finds them in memory;
/// says how many bytes they have.
pub(crate) fn warm_up(dir: &Path, bar: &ProgressBar) -> u64 {
    each_file(dir, |path| {
        if let Some(bytes) = path.ok().and_then(|path| fs::read(path).ok()) {
            bar.inc(bytes.len() as u64);
        }
    });
    bar.position()
}
