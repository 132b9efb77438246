//! Which changes compile.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    list::{self, Change},
    switch,
};

/// What may be done with the changes that are in a tree now.
#[derive(Default)]
pub struct Viable {
    pub unviable: BTreeSet<usize>,
    /// No switch can be there: in constants, or where a field is left out.
    pub left: BTreeSet<usize>,
}

/// Puts every change into the tree that compiles, each behind its switch.
pub fn switch_all(tree: &Path, all: &[Change]) -> Viable {
    let read = |file: &str| fs::read_to_string(tree.join(file)).expect("a file of the tree");
    let texts: BTreeMap<&str, String> = list::by_file(all)
        .into_keys()
        .chain(["src/lib.rs"])
        .map(|file| (file, read(file)))
        .collect();
    write(tree, "src/switches.rs", include_str!("../switches.rs"));
    let mut viable = Viable::default();
    loop {
        viable.left.clear();
        let mut files = list::by_file(all);
        files.entry("src/lib.rs").or_default();
        for (file, mut changes) in files {
            changes.retain(|change| !viable.unviable.contains(&change.number));
            let (mut text, left) = switch::switched(&texts[file], &changes);
            if file == "src/lib.rs" {
                text += "\n#[doc(hidden)]\npub mod switches;\n";
            }
            viable.left.extend(left);
            write(tree, file, &text);
        }
        let faulty = faulty(tree);
        if faulty.is_empty() {
            return viable;
        }
        viable.unviable.extend(faulty);
    }
}

fn write(tree: &Path, file: &str, text: &str) {
    fs::write(tree.join(file), text).expect("room for the tree");
}

/// `cargo` in the tree, with a compiler that has no opinions.
pub fn cargo(tree: &Path, arguments: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(arguments).arg("--message-format=json").current_dir(tree);
    cargo.env("RUSTFLAGS", "--cap-lints=allow").env("CARGO_PROFILE_DEV_DEBUG", "0");
    cargo
}

/// The changes where the compiler finds faults; it may find more without those.
fn faulty(tree: &Path) -> BTreeSet<usize> {
    let out = cargo(tree, &["check", "--lib", "--tests"]).output().expect("cargo runs");
    if out.status.success() {
        return BTreeSet::new();
    }
    let text = String::from_utf8_lossy(&out.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let errors = messages.filter(|line| line["message"]["level"] == "error");
    let faulty: BTreeSet<usize> =
        errors.filter_map(|error| change_of(tree, &error["message"])).collect();
    assert!(!faulty.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    faulty
}

/// The change that an error is in, the place that it is about first.
fn change_of(tree: &Path, error: &Value) -> Option<usize> {
    let spans = error["spans"].as_array()?;
    let (first, others): (Vec<&Value>, Vec<&Value>) =
        spans.iter().partition(|span| span["is_primary"] == true);
    first.into_iter().chain(others).find_map(|span| {
        let file: PathBuf = tree.join(span["file_name"].as_str()?);
        let text = fs::read_to_string(file).ok()?;
        let (start, end) = (span["byte_start"].as_u64()?, span["byte_end"].as_u64()?);
        change_at(&text, start as usize, end as usize)
    })
}

/// The change whose two marks are around this part of the text.
fn change_at(text: &str, start: usize, end: usize) -> Option<usize> {
    let open = text.get(..start)?.rfind("/*")?;
    let digits = text[open + 2..].split("*/").next()?;
    let number = digits.parse().ok()?;
    text.get(end..)?.contains(&format!("/*{digits}*/")).then_some(number)
}
