//! The changes that cargo-mutants would make.

use std::{collections::BTreeMap, path::Path, process::Command};

use serde::Deserialize;

#[derive(Clone, Copy, Deserialize)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

#[derive(Deserialize)]
pub struct Span {
    pub start: Position,
}

#[derive(Deserialize)]
pub struct Change {
    /// From 1 on.
    #[serde(skip)]
    pub number: usize,
    /// Place and all.
    pub name: String,
    pub file: String,
    pub genre: String,
    pub replacement: String,
    pub span: Span,
}

/// Those of these files; of all if none is named. Not of tests, nor of what is compiled
/// for models alone.
pub fn changes(tree: &Path, files: &[String]) -> Vec<Change> {
    let list = Command::new("cargo")
        .args(["mutants", "--list", "--json"])
        .current_dir(tree)
        .output()
        .expect("cargo-mutants runs");
    let mut all: Vec<Change> = serde_json::from_slice(&list.stdout).unwrap_or_else(|error| {
        panic!("no list from cargo-mutants: {error}\n{}", String::from_utf8_lossy(&list.stderr))
    });
    all.retain(|change| {
        let tests = change.file.contains("tests") || change.name.contains(" tests::");
        let models = ["src/sync/chaos.rs", "src/sync/model.rs"].contains(&change.file.as_str());
        // Another type than the function's own cannot stand beside it.
        let opaque = change.name.contains("-> impl");
        !tests && !models && !opaque && (files.is_empty() || files.contains(&change.file))
    });
    for (at, change) in all.iter_mut().enumerate() {
        change.number = at + 1;
    }
    all
}

pub fn by_file(all: &[Change]) -> BTreeMap<&str, Vec<&Change>> {
    let mut files: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for change in all {
        files.entry(&change.file).or_default().push(change);
    }
    files
}
