//! What comments owe their reader: names that exist, and what a verb does to a thread.

use crate::lex::{File, is_word, words};
use std::collections::BTreeSet;

/// What comments speak of whose names are not ours to check: crates, and a variable
/// that std reads.
const ELSEWHERE: [&str; 15] = [
    "std",
    "core",
    "alloc",
    "loom",
    "rayon",
    "rayon_core",
    "tokio",
    "chili",
    "st3",
    "proptest",
    "num_cpus",
    "parking_lot",
    "crossbeam_deque",
    "crossbeam_utils",
    "RUST_MIN_STACK",
];

/// What stands between back-ticks in `file`'s comments, with its line counted from
/// 1. A span may go over a line's end; blocks between fences are no prose.
fn spans(file: &File) -> Vec<(usize, String)> {
    let mut spans = Vec::new();
    let mut fenced = false;
    let mut open: Option<String> = None;
    for (i, line) in file.lines.iter().enumerate() {
        let comment = line.comment.trim_start_matches(['/', '!']).trim();
        if comment.starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if comment.is_empty() || fenced {
            open = None;
            continue;
        }
        for (nth, part) in comment.split('`').enumerate() {
            if nth > 0 {
                match open.take() {
                    Some(span) => spans.push((i + 1, span)),
                    None => open = Some(String::new()),
                }
            }
            if let Some(span) = &mut open {
                span.push_str(part);
            }
        }
        if let Some(span) = &mut open {
            span.push(' ');
        }
    }
    spans
}

/// The words of a span that can only be names of code: with `_` or in a path.
fn names(span: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for path in span.split(|c| !is_word(c) && c != ':') {
        let path = path.trim_matches(':');
        let first = words(path).next().unwrap_or("0");
        if ELSEWHERE.contains(&first) || first.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        names.extend(words(path).filter(|name| path.contains("::") || name.contains('_')));
    }
    names.retain(|name| name.chars().any(char::is_alphanumeric));
    names
}

/// A name between back-ticks, in a comment of src or in ARCHITECTURE.md, is in the
/// code; a file named there is on disk.
fn comments_cite_living_names_rule(files: &[File]) -> Vec<String> {
    let mut living = BTreeSet::new();
    for file in files {
        living.extend(words(&file.name));
        for line in &file.lines {
            living.extend(words(&line.code));
            // Strings name files and variables; a script is all code.
            let source = file.is_source().then_some(&line.quoted);
            let script = file.name.ends_with(".sh") || file.name.ends_with(".toml");
            living.extend(source.into_iter().flat_map(|quoted| words(quoted)));
            living.extend(script.then_some(&line.comment).into_iter().flat_map(|all| words(all)));
        }
    }
    let is_file = |path: &str| {
        let below = format!("/{path}");
        files.iter().any(|file| file.name == path || file.name.ends_with(&below))
    };
    let mut complaints = Vec::new();
    let citing = files.iter().filter(|file| file.is_source() || file.name == "ARCHITECTURE.md");
    for file in citing {
        for (line, span) in spans(file) {
            let path = [".rs", ".sh", ".md"].iter().any(|ending| span.ends_with(ending));
            let dead = if path && !span.contains([' ', '*', '{']) {
                (!is_file(&span)).then_some(span.as_str())
            } else {
                names(&span).into_iter().find(|name| !living.contains(name))
            };
            if let Some(dead) = dead {
                let name = &file.name;
                complaints.push(format!("{name}:{line}: `{dead}` is gone; cite what is there"));
            }
        }
    }
    complaints
}

#[test]
fn comments_cite_living_names() {
    crate::keeps(comments_cite_living_names_rule);
}

#[test]
fn comments_cite_living_names_red() {
    let others = [("src/raw/latch.rs", "struct Latch; impl Latch { fn is_set() {} }")];
    let red = |name, bad, good| {
        let rule = comments_cite_living_names_rule;
        crate::red(rule, &others, (name, bad), good, "cite what is there");
    };
    red("src/a.rs", "/// See `was_set`.", "/// See `is_set`, `1_000`, `std::ptr::read` and `a`.");
    red("src/a.rs", "// By `Latch::probe`.", "// By `Latch::is_set` and\n// `Latch ::x`.");
    red(
        "src/a.rs",
        "//! In `raw/job.rs`.",
        "//! In `raw/latch.rs`.\n//! ```\n//! `was_set`\n//! ```",
    );
    red("ARCHITECTURE.md", "It is `was_set`.", "It `is_set`; a span `may go\nover was set`.");
}

/// Types whose methods are verbs or questions, but never mere data.
const ACTORS: [&str; 5] = ["ThreadPool", "Scope", "TaskBuilder", "JoinHandle", "ScopedJoinHandle"];

/// Whether a function only asks or sets: `const`, named `is_..`, with a plain number
/// or text for an answer, or an option of a builder (returns `Self`).
fn only_asks(signature: &str) -> bool {
    let answer = signature.split("-> ").last().unwrap_or("");
    let answer = answer.split(['{', ';']).next().unwrap().split(" where ").next().unwrap().trim();
    let plain = ["usize", "Option<usize>", "&str", "Option<&str>", "Self"];
    signature.contains("const fn ") || signature.contains("fn is_") || plain.contains(&answer)
}

/// A `pub fn` of src/ops that is free or belongs to an actor, and does more than to
/// ask or set, says in its docs where it runs and whether it blocks.
fn every_verb_rule(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.name.starts_with("src/ops/")) {
        let mut owner = "";
        for (at, (place, line)) in file.numbered().enumerate() {
            if !line.code.starts_with([' ', '}']) && !line.code.is_empty() {
                owner = if line.code.starts_with("impl") { &line.code } else { "" };
            }
            let code = line.code.trim_start();
            let acts = owner.is_empty() || words(owner).any(|word| ACTORS.contains(&word));
            let name = code.strip_prefix("pub ").and_then(|rest| rest.split_once("fn "));
            let Some((_, name)) = name.filter(|_| acts && !line.is_test) else { continue };
            let lines = file.lines[at..].iter().map(|line| line.code.trim());
            let body = lines.clone().position(|code| code.ends_with(['{', '}', ';']));
            let signature: Vec<_> = lines.take(body.unwrap_or(0) + 1).collect();
            if only_asks(&signature.join(" ")) {
                continue;
            }
            let above = file.lines[..at].iter().rev();
            let docs = above.take_while(|line| {
                line.comment.starts_with('/') || line.code.trim().starts_with("#[")
            });
            let docs: Vec<_> = docs.map(|line| line.comment.trim_matches(['/', ' '])).collect();
            let name = words(name).next().unwrap();
            for heading in ["# Where it runs", "# Blocks"] {
                if !docs.contains(&heading) {
                    complaints.push(format!("{place}: `{name}` lacks the heading `{heading}`"));
                }
            }
        }
    }
    complaints
}

#[test]
fn every_verb_says_where_it_runs_and_whether_it_blocks() {
    crate::keeps(every_verb_rule);
}

#[test]
fn every_verb_says_where_it_runs_and_whether_it_blocks_red() {
    let full = "    /// # Where it runs\n    /// Here.\n    /// # Blocks\n    /// No.\n";
    let (open, close) = ("impl<'s> Scope<'s> {\n", "    pub fn spawn(&self) {}\n}\n");
    let half = full.replace("# Blocks", "It blocks.");
    let asks = "    pub fn is_idle(&self) -> bool {}\n    pub fn name(self, a: A) -> Self {}\n";
    let good = format!("{open}{full}    #[inline]\n{asks}{close}").replace(asks, "") + open + asks;
    let bad = format!("{open}{half}{close}");
    let red = |bad: &str, good: &str, cure| {
        crate::red(every_verb_rule, &[], ("src/ops/a.rs", bad), good, cure);
    };
    red(&bad, &good, "lacks the heading `# Blocks`");
    let free = "/// # Where it runs\n/// # Blocks\npub fn join<A>(\n    a: A,\n) -> A\nwhere\n{\n}";
    red(&free.replace("# Where", "Where"), free, "lacks the heading `# Where it runs`");
    let data = "impl Error {\n    pub fn into_inner(self) -> F {}\n}";
    red(&free.replace("/// # Blocks\n", ""), data, "lacks the heading `# Blocks`");
}
