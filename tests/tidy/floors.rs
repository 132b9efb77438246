//! What may name what: floors, the cellar's door, the door to the operating system.

use crate::lex::{File, is_word, words};
use std::collections::BTreeMap;

/// The paths in `code` that start at `root`, with their lines counted from 0:
/// `use crate::{a, b::{C, D as E}};` gives `crate::a`, `crate::b::C`, `crate::b::D`.
fn paths(code: &str, root: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&format!("{root}::")) {
        if code[..at].ends_with(|c| is_word(c) || c == ':') {
            continue;
        }
        let mut line = code[..at].matches('\n').count();
        let mut path = String::new();
        let mut groups = Vec::new();
        for c in code[at..].chars() {
            match c {
                '{' if path.ends_with("::") => groups.push(path.clone()),
                ',' | '}' if !groups.is_empty() => {
                    found.push((line, path));
                    path = groups.last().unwrap().clone();
                    if c == '}' {
                        groups.pop();
                    }
                }
                ' ' | '\n' if !groups.is_empty() => path.push(' '),
                c if is_word(c) || c == ':' => path.push(c),
                _ => break,
            }
            line += usize::from(c == '\n');
        }
        found.push((line, path));
    }
    for (_, path) in &mut found {
        // Without `as Name` and the blanks of layout.
        let (head, tail) = path.split_once(' ').unwrap_or((path, ""));
        let tail = if head.ends_with("::") { tail.trim_start() } else { "" };
        *path = format!("{head}{}", tail.split(' ').next().unwrap());
    }
    found.retain(|(_, path)| !path.ends_with("::"));
    found
}

/// Floors are read from `mod x; // floor n` in lib.rs; every `crate::` path goes to
/// a lower floor or stays in its own top module. Code for tests may look up.
fn imports_go_down_rule(files: &[File]) -> Vec<String> {
    let Some(lib) = files.iter().find(|file| file.name == "src/lib.rs") else {
        return vec!["src/lib.rs: missing".to_owned()];
    };
    let mut complaints = Vec::new();
    let mut floors = BTreeMap::new();
    for (place, line) in lib.numbered().filter(|(_, line)| !line.is_test) {
        let mut code = line.code.trim().trim_end_matches(';').split(' ');
        let Some(module) = code.any(|word| word == "mod").then(|| code.next()).flatten() else {
            continue;
        };
        match line.comment.trim().strip_prefix("floor ").map(str::parse::<u32>) {
            Some(Ok(floor)) => _ = floors.insert(module, floor),
            _ => complaints.push(format!("{place}: write `mod {module}; // floor <number>`")),
        }
    }
    for file in files.iter().filter(|file| file.is_source() && file.name != "src/lib.rs") {
        let Some(&mine) = floors.get(file.top_module()) else { continue };
        // In a module two deep, `super::super::x` may be `crate::x` too.
        let stem = file.name.trim_end_matches(".rs").trim_end_matches("/mod");
        let up = "super::".repeat(stem.matches('/').count());
        let code = file.living_code();
        let by_super = paths(&code, up.trim_end_matches("::"));
        let by_super =
            by_super.into_iter().map(|(line, path)| (line, path.replace(&up, "crate::")));
        let by_super =
            by_super.filter(|(_, path)| floors.contains_key(path.split("::").nth(1).unwrap()));
        for (line, path) in paths(&code, "crate").into_iter().chain(by_super) {
            let theirs = path.split("::").nth(1).unwrap();
            let floor = floors.get(theirs).copied();
            if theirs != file.top_module() && floor.is_none_or(|floor| floor >= mine) {
                let floor = floor.map_or("the roof".to_owned(), |floor| format!("floor {floor}"));
                complaints.push(format!(
                    "{}:{}: floor {mine} names `{path}` of {floor}; move what is shared down, or \
                     let the caller pass it in",
                    file.name,
                    line + 1,
                ));
            }
        }
    }
    complaints
}

#[test]
fn imports_go_down() {
    crate::keeps(imports_go_down_rule);
}

#[test]
fn imports_go_down_red() {
    let lib = ("src/lib.rs", "mod sync; // floor 0\npub mod pool; // floor 3");
    let red = |name, bad, good| {
        crate::red(imports_go_down_rule, &[lib], (name, bad), good, "move what is shared down");
    };
    let up = "use crate::{\n    sync::{self, Mutex as M},\n    pool::ThreadPool,\n};";
    red("src/sync/mod.rs", up, "use crate::{\n    sync::{self, Mutex as M},\n};");
    red("src/sync.rs", "fn f(_: &super::pool::A) {}", "fn f(_: &str) {} // super::pool::A");
    red("src/sync.rs", "use super::{pool::A};", "mod a { use super::model; }");
    red("src/sync/os.rs", "use crate::ThreadPool;", "#[cfg(test)]\nuse crate::ThreadPool;");
    let lib = ("src/lib.rs", "mod sync; // floor 0\nmod drawer;");
    crate::red(imports_go_down_rule, &[], lib, "mod sync; // floor 0", "// floor <number>");
}

/// `unsafe` stands in src/raw alone, and one attribute in the crate allows it, on
/// `mod raw`. The models of loom stand in for the cellar, and may have their own.
fn the_cellar_has_one_door_rule(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_source()) {
        let cellar = file.top_module() == "raw" || file.is_loom_test();
        for (place, line) in file.numbered() {
            if !cellar && words(&line.code).any(|word| word == "unsafe") {
                complaints.push(format!("{place}: `unsafe`; move it to src/raw, safe to call"));
            }
        }
        let code: String = file.lines.iter().map(|line| format!("{}\n", line.code)).collect();
        let mut doors = vec!["raw", "loom_tests"];
        for (at, _) in code.match_indices("unsafe_code") {
            let attribute = code[..at].rfind("#").unwrap_or(at);
            if words(&code[attribute..at]).any(|word| word == "deny" || word == "forbid") {
                continue;
            }
            let item = words(&code[at..]).skip_while(|&word| word != "mod").nth(1);
            let door = doors.iter().position(|&door| Some(door) == item);
            if let Some(door) = door.filter(|_| file.name == "src/lib.rs") {
                doors.remove(door);
            } else {
                let line = 1 + code[..at].matches('\n').count();
                let cure = "`mod raw` in lib.rs has the only door; go through it";
                complaints.push(format!("{}:{line}: allows unsafe code; {cure}", file.name));
            }
        }
    }
    complaints
}

#[test]
fn the_cellar_has_one_door() {
    crate::keeps(the_cellar_has_one_door_rule);
}

#[test]
fn the_cellar_has_one_door_red() {
    let rule = the_cellar_has_one_door_rule;
    let lib = "#![deny(unsafe_code)]\n#[allow(unsafe_code, reason = \"a\")]\nmod raw; // floor 1";
    let second = format!("{lib}\n#[allow(\n    unsafe_code\n)]\nmod b; // floor 2");
    crate::red(rule, &[], ("src/lib.rs", &second), lib, "only door");
    let lib = [("src/lib.rs", lib), ("src/raw/job.rs", "unsafe fn f() {}")];
    let door = "#![expect(dead_code, unsafe_code)]\nfn f() {}";
    crate::red(rule, &lib, ("src/b.rs", door), "fn f() {} // unsafe_code", "only door");
    let bad = "fn f() { unsafe { g() } }";
    crate::red(rule, &lib, ("src/b.rs", bad), "fn f() { h(\"unsafe\") }", "to src/raw");
}

/// What only src/sync may name, so that a model checker can stand in for all of it.
const BEHIND_SYNC: [(&str, &[&str]); 6] = [
    ("std", &["std::sync", "std::thread"]),
    ("core", &["core::sync"]),
    ("loom", &["loom"]),
    ("parking_lot", &["parking_lot"]),
    ("crossbeam_deque", &["crossbeam_deque"]),
    ("crossbeam_utils", &["crossbeam_utils::atomic", "crossbeam_utils::sync"]),
];

/// The facade is complete: threads, locks, atomics and deques come from src/sync.
fn std_sync_is_named_in_one_file_rule(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_source() && file.top_module() != "sync") {
        let code = file.lines.iter().map(|line| line.code.clone()).collect::<Vec<_>>().join("\n");
        for (root, behind) in BEHIND_SYNC {
            for (line, path) in paths(&code, root) {
                let is_behind =
                    |bad: &&&str| path == **bad || path.starts_with(&format!("{bad}::"));
                let bad = behind.iter().find(is_behind);
                if bad.is_some() && !(file.is_loom_test() && root == "loom") {
                    let line = line + 1;
                    complaints.push(format!("{}:{line}: `{path}`; use crate::sync", file.name));
                }
            }
        }
    }
    complaints
}

#[test]
fn std_sync_is_named_in_one_file() {
    crate::keeps(std_sync_is_named_in_one_file_rule);
}

#[test]
fn std_sync_is_named_in_one_file_red() {
    let others = [
        ("src/sync/mod.rs", "pub(crate) use parking_lot::Mutex;"),
        ("src/loom_tests/a.rs", "fn a() { loom::model(f) }"),
    ];
    for (bad, good) in [
        ("use std::{\n    fmt,\n    sync::Arc,\n};", "use std::{fmt, time::Duration};"),
        ("fn f() { std::thread::yield_now() }", "fn f(_: &mut std::task::Context) {}"),
        ("fn f() { loom::thread::yield_now() }", "fn f() {} // loom::thread"),
        ("use crossbeam_deque::Steal;", "use crossbeam_utils::CachePadded;"),
    ] {
        let rule = std_sync_is_named_in_one_file_rule;
        crate::red(rule, &others, ("src/sleep.rs", bad), good, "use crate::sync");
    }
}
