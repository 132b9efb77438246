//! Happens-before edges: argued in the code, tried by loom, listed in ARCHITECTURE.md.

use crate::lex::{File, Line, words};
use std::collections::{BTreeMap, BTreeSet};

const HEADING: &str = "Happens-before edges";

/// The `edge` of each `ORDERING(edge)` in a comment.
fn named(comment: &str) -> impl Iterator<Item = (&str, &str)> {
    comment.split("ORDERING(").skip(1).filter_map(|rest| rest.split_once(')'))
}

/// The atomic ordering that the line names, if any; those of `cmp` are others.
fn ordering(code: &str) -> Option<&str> {
    let atomic = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];
    let mut after = code.split("Ordering::").skip(1).map(|rest| words(rest).next().unwrap_or("{"));
    after.find(|word| atomic.contains(word))
}

/// The lines whose comments argue for what line `at` does: itself, what begins
/// its statement, and the block of comments above that.
fn argument(lines: &[Line], at: usize) -> impl Iterator<Item = usize> {
    let ends = |line: &Line| line.code.trim_end().ends_with([';', '{', '}']);
    let is_comment = |line: &Line| line.code.trim().is_empty() && !line.comment.is_empty();
    let mut first = at;
    while first > 0 && !ends(&lines[first - 1]) && !lines[first - 1].code.trim().is_empty() {
        first -= 1;
    }
    while first > 0 && is_comment(&lines[first - 1]) {
        first -= 1;
    }
    first..=at
}

/// For each edge, the comments that argue for an end of it.
fn ends(files: &[File], complaints: &mut Vec<String>) -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.is_source()) {
        for (at, (place, line)) in file.numbered().enumerate() {
            let Some(ordering) = ordering(&line.code).filter(|_| !line.is_test) else { continue };
            if ordering == "SeqCst" && !line.code.contains("fence(Ordering::SeqCst)") {
                complaints.push(format!("{place}: SeqCst on an access; use a fence with a name"));
            }
            let mut argued = false;
            for i in argument(&file.lines, at) {
                for (edge, rest) in named(&file.lines[i].comment) {
                    if rest.starts_with(':') {
                        argued = true;
                        let end = format!("{}:{}", file.name, i + 1);
                        edges.entry(edge.to_owned()).or_default().insert(end);
                    }
                }
            }
            if !argued {
                complaints.push(format!(
                    "{place}: {ordering} without a reason; write `// ORDERING(edge): why` there \
                     or above"
                ));
            }
        }
    }
    edges
}

/// Each atomic ordering says which edge it belongs to and why it is enough, in a
/// comment on its line or above its statement; an edge has two ends or more; and
/// SeqCst is a fence, never an adjective on an access.
fn orderings_are_argued_in_pairs_rule(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (edge, ends) in ends(files, &mut complaints) {
        if ends.len() < 2 {
            let place = ends.first().unwrap();
            complaints.push(format!("{place}: ORDERING({edge}) has one end; name the other too"));
        }
    }
    complaints
}

#[test]
fn orderings_are_argued_in_pairs() {
    crate::keeps(orderings_are_argued_in_pairs_rule);
}

#[test]
fn orderings_are_argued_in_pairs_red() {
    let other = "// ORDERING(done): a.\nx.load(Ordering::Acquire);";
    let red = |bad, good, cure| {
        let others = [("src/a.rs", other)];
        crate::red(orderings_are_argued_in_pairs_rule, &others, ("src/b.rs", bad), good, cure);
    };
    let good = "// ORDERING(done): releases\n// the result.\nx\n    .store(1, Ordering::Release);";
    let silent = format!("{good}\nx.store(2, Ordering::Relaxed);");
    red(&silent, good, "without a reason");
    let strong = "x.store(1, Ordering::SeqCst); // ORDERING(done): b.";
    red(strong, "fence(Ordering::SeqCst); // ORDERING(done): b.", "use a fence");
    let lonely = format!("{good}\nx.store(2, Ordering::Relaxed); // ORDERING(count): c.");
    red(&lonely, &format!("{good}\nmatch a.cmp(&b) {{ Ordering::Less => () }}"), "name the other");
}

/// What a row of the table has: the edge, its two ends, what it carries, and the
/// files of its models.
const CELLS: usize = 5;

/// For each row of the table its edge, with its place and its cells.
fn listed(files: &[File]) -> BTreeMap<String, (String, Vec<String>)> {
    let architecture = files.iter().find(|file| file.name == "ARCHITECTURE.md");
    let lines = architecture.into_iter().flat_map(|file| file.numbered());
    let lines = lines.map(|(place, line)| (place, line.comment.trim()));
    let section = lines.skip_while(|(_, line)| !(line.starts_with('#') && line.contains(HEADING)));
    let mut listed = BTreeMap::new();
    for (place, row) in section.skip(1).take_while(|(_, line)| !line.starts_with('#')) {
        let cells = row.strip_prefix('|').and_then(|row| row.strip_suffix('|'));
        let cells: Vec<_> = cells.into_iter().flat_map(|row| row.split('|')).collect();
        let cells: Vec<_> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
        let edge = cells.first().and_then(|cell| cell.strip_prefix('`')?.strip_suffix('`'));
        if let Some(edge) = edge.map(str::to_owned) {
            listed.insert(edge, (place, cells));
        }
    }
    listed
}

/// Edges argued in the code, tried in src/loom_tests and listed in ARCHITECTURE.md
/// are the same; and a row says both ends, what is carried, and where it is tried.
fn every_edge_has_a_loom_test_rule(files: &[File]) -> Vec<String> {
    let argued: BTreeSet<String> = ends(files, &mut Vec::new()).into_keys().collect();
    let mut tried: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.is_loom_test()) {
        let docs = file.lines.iter().filter(|line| line.comment.starts_with('/'));
        for (edge, _) in docs.flat_map(|line| named(&line.comment)) {
            let place = file.name.trim_start_matches("src/");
            tried.entry(edge.to_owned()).or_default().insert(place);
        }
    }
    let rows = listed(files);
    let mut complaints = Vec::new();
    for (edge, (place, cells)) in &rows {
        if cells.len() != CELLS || cells.iter().any(String::is_empty) {
            complaints.push(format!("{place}: `{edge}` needs {CELLS} cells, none empty"));
        }
        let models: Vec<_> = tried.get(edge).into_iter().flatten().copied().collect();
        let named: Vec<_> = cells.last().into_iter().flat_map(|cell| cell.split('`')).collect();
        let named: BTreeSet<_> = named.into_iter().filter(|name| name.ends_with(".rs")).collect();
        if !models.is_empty() && named != models.iter().copied().collect() {
            let models = models.join("`, `");
            complaints.push(format!("{place}: `{edge}` is tried in `{models}`; say so at the end"));
        }
    }
    let tried = tried.into_keys().collect();
    let listed: BTreeSet<String> = rows.into_keys().collect();
    for edge in &(&argued | &tried) | &listed {
        for (set, cure) in [
            (&tried, "src/loom_tests: no test says `/// ORDERING({})`; write one"),
            (&listed, "ARCHITECTURE.md: no row `{}` below \"Happens-before edges\"; add it"),
            (&argued, "src: nothing argues ORDERING({}); drop its test and its row, or its name"),
        ] {
            if !set.contains(&edge) {
                complaints.push(cure.replace("{}", &edge));
            }
        }
    }
    complaints
}

#[test]
fn every_edge_has_a_loom_test() {
    crate::keeps(every_edge_has_a_loom_test_rule);
}

#[test]
fn every_edge_has_a_loom_test_red() {
    let code = ("src/a.rs", "fence(Ordering::SeqCst); // ORDERING(dekker): P2.");
    let table = "## Happens-before edges\n| edge | a | b | c | d |\n|---|---|---|---|---|\n\
                 | `dekker` | a | b | c | `loom_tests/a.rs` |\n## Next\n| `gone` |";
    let model = "/// ORDERING(dekker): nothing is slept through.\n#[test] fn dekker() {}";
    let rule = every_edge_has_a_loom_test_rule;
    let others = [code, ("ARCHITECTURE.md", table)];
    let silent = model.replace("ORDERING", "The ordering");
    crate::red(rule, &others, ("src/loom_tests/a.rs", &silent), model, "write one");
    let others = [code, ("src/loom_tests/a.rs", model)];
    let short = table.replace("`dekker`", "dekker");
    crate::red(rule, &others, ("ARCHITECTURE.md", &short), table, "add it");
    let one_end = table.replace("| b | c | `", "| | c | `");
    crate::red(rule, &others, ("ARCHITECTURE.md", &one_end), table, "none empty");
    let elsewhere = table.replace("a.rs", "b.rs");
    crate::red(rule, &others, ("ARCHITECTURE.md", &elsewhere), table, "say so at the end");
    let others = [("src/loom_tests/a.rs", model), ("ARCHITECTURE.md", table)];
    crate::red(rule, &others, ("src/a.rs", "fn a() {}"), code.1, "drop its test");
}
