//! The house rules, as tests: `cargo test --test tidy` is the whole linter.
//!
//! A rule is a function from files to complaints. Each has two tests: that this
//! repository gives no cause, and, named `.._red`, that a small bad input does.

#[path = "tidy/audit.rs"]
mod audit;
#[path = "tidy/edges.rs"]
mod edges;
#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/lex.rs"]
mod lex;
#[path = "tidy/prose.rs"]
mod prose;

use lex::File;
use std::{fs, path::Path};

/// What a file may have, so that it is read in one sitting.
const MAX_LINES: usize = 400;

/// Each file of the repository that a rule may look at.
fn repository() -> Vec<File> {
    fn walk(root: &Path, path: &Path, files: &mut Vec<File>) {
        if path.is_dir() {
            let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(|e| e.unwrap()).collect();
            entries.sort_by_key(|entry| entry.path());
            entries.iter().for_each(|entry| walk(root, &entry.path(), files));
        } else if let Ok(text) = fs::read_to_string(path) {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.push(File::new(&name.replace('\\', "/"), &text));
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for part in ["src", "tests", "examples", "benches", "ci", "Cargo.toml"] {
        walk(root, &root.join(part), &mut files);
    }
    for entry in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|ending| ending == "md") {
            walk(root, &entry, &mut files);
        }
    }
    files
}

type Rule = fn(&[File]) -> Vec<String>;

/// This repository keeps `rule`.
#[track_caller]
fn keeps(rule: Rule) {
    let files = repository();
    assert!(files.iter().any(|file| file.name == "src/lib.rs"), "looks at the right place");
    let complaints = rule(&files);
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}

/// The file `bad` beside `others` breaks `rule` once, there, and the complaint says
/// `cure`; the file `good` in its stead does not.
#[track_caller]
fn red(rule: Rule, others: &[(&str, &str)], bad: (&str, &str), good: &str, cure: &str) {
    let rule = |text: &str| {
        let bad = (bad.0, text);
        let files: Vec<File> =
            others.iter().chain([&bad]).map(|(name, text)| File::new(name, text)).collect();
        rule(&files)
    };
    let complaints = rule(bad.1);
    assert_eq!(complaints.len(), 1, "{complaints:#?}");
    let place = complaints[0].split(':').next().unwrap();
    assert!(bad.0.starts_with(place), "says where: {complaints:?}");
    assert!(complaints[0].contains(cure), "says what to do: {complaints:?}");
    assert_eq!(rule(good), Vec::<String>::new(), "the cure cures");
}

/// No file of Rust is long.
fn files_are_short_rule(files: &[File]) -> Vec<String> {
    let long = files.iter().filter(|f| f.is_rust() && f.lines.len() > MAX_LINES);
    long.map(|f| format!("{}: {} lines; split it by what it does", f.name, f.lines.len())).collect()
}

#[test]
fn files_are_short() {
    keeps(files_are_short_rule);
}

#[test]
fn files_are_short_red() {
    let long = "\n".repeat(MAX_LINES + 1);
    red(files_are_short_rule, &[], ("benches/a.rs", &long), &long[1..], "split it");
}

/// Who is told to run `ci/<name>.sh` does so.
#[cfg(unix)]
fn may_be_run(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o111 == 0o111
}

#[test]
#[cfg(unix)]
fn scripts_may_be_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scripts = fs::read_dir(root.join("ci")).unwrap().map(|entry| entry.unwrap().path());
    let scripts: Vec<_> =
        scripts.filter(|path| path.extension().is_some_and(|e| e == "sh")).collect();
    assert!(scripts.len() > 5, "looks at the right place");
    let others: Vec<_> = scripts.iter().filter(|path| !may_be_run(path)).collect();
    assert!(others.is_empty(), "chmod +x {others:?}");
}

#[test]
#[cfg(unix)]
fn scripts_may_be_run_red() {
    assert!(!may_be_run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")));
}
