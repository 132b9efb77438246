//! The unsafe audit: every item that says `unsafe` has a row in ARCHITECTURE.md.

use crate::lex::{File, is_word, words};
use std::collections::BTreeMap;

const HEADING: &str = "Unsafe";

/// What a row has: where, how often, what is to be seen to, by what it is, and what
/// checks it.
const CELLS: usize = 5;

/// Where `unsafe` stands: a file below src and an item in it. Each with a place,
/// and how often.
type Audit = BTreeMap<(String, String), (String, usize)>;

/// `code` without what stands between angle brackets.
fn without_generics(code: &str) -> String {
    let mut depth = 0;
    let mut rest = String::new();
    for c in code.replace("->", "  ").chars() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            c if depth == 0 => rest.push(c),
            _ => (),
        }
    }
    rest
}

/// What an item is called that begins with `header`, and whether it has items of
/// its own: `Send for Blocks`, `Blocks`, `room_of`.
fn title(header: &str) -> (String, bool) {
    let header = without_generics(header);
    let paths = header.split(|c| !is_word(c) && c != ':').filter(|path| !path.is_empty());
    let mut words = paths.map(|path| words(path).last().unwrap_or(path));
    let keywords = ["impl", "trait", "mod", "fn", "struct", "enum", "union", "static", "const"];
    let is_keyword = |word: &&str| keywords.contains(word);
    let keyword = words.find(is_keyword).unwrap_or("");
    let name = words.find(|word| !is_keyword(word)).unwrap_or("");
    let has_items = ["impl", "trait", "mod"].contains(&keyword);
    match words.next().filter(|&next| keyword == "impl" && next == "for") {
        Some(_) => (format!("{name} for {}", words.next().unwrap_or("")), has_items),
        None => (name.to_owned(), has_items),
    }
}

/// What of src says `unsafe`, tests left out. Reads the layout that `cargo fmt`
/// makes: an item begins in the first column, one of its own in the fifth.
fn found(files: &[File]) -> Audit {
    let mut audit = Audit::new();
    for file in files.iter().filter(|file| file.is_source()) {
        let mut item = (String::new(), false);
        let mut member = None;
        for (at, (place, line)) in file.numbered().enumerate() {
            let code = line.code.as_str();
            if line.is_test || code.trim().is_empty() {
                continue;
            }
            if code.starts_with(|c: char| is_word(c)) && !code.starts_with("where") {
                let lines = file.lines[at..].iter().map(|line| line.code.as_str());
                let end = lines.clone().position(|code| code.contains(['{', ';'])).unwrap_or(0);
                item = title(&lines.take(end + 1).collect::<Vec<_>>().join(" "));
                member = None;
            } else if let Some(code) = code.strip_prefix("    ").filter(|_| item.1) {
                if code.starts_with(|c: char| is_word(c)) && !code.starts_with("where") {
                    let mut words = words(code).skip_while(|&word| word != "fn").skip(1);
                    member = words.next();
                }
            }
            let often = words(code).filter(|&word| word == "unsafe").count();
            if often > 0 {
                let owner = item.0.rsplit(' ').next().unwrap();
                let name = member.map_or(item.0.clone(), |member| format!("{owner}::{member}"));
                let file = file.name.trim_start_matches("src/").to_owned();
                audit.entry((file, name)).or_insert((place, 0)).1 += often;
            }
        }
    }
    audit
}

/// The text between back-ticks that `cell` is.
fn ticked(cell: &str) -> Option<&str> {
    cell.trim_matches(['*', ' ']).strip_prefix('`')?.strip_suffix('`')
}

/// The rows of the table: one that names a file is a heading for those below it.
fn listed(files: &[File], complaints: &mut Vec<String>) -> Audit {
    let mut audit = Audit::new();
    let Some(architecture) = files.iter().find(|file| file.name == "ARCHITECTURE.md") else {
        return audit;
    };
    let lines = architecture.numbered().map(|(place, line)| (place, line.comment.as_str()));
    let is_heading = |line: &str| line.trim_start_matches('#').trim() == HEADING;
    let section = lines.skip_while(|(_, line)| !(line.starts_with("## ") && is_heading(line)));
    let mut file = "";
    for (place, line) in section.skip(1).take_while(|(_, line)| !line.starts_with("## ")) {
        let Some(row) = line.trim().strip_prefix('|').and_then(|row| row.strip_suffix('|')) else {
            continue;
        };
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        match ticked(cells[0]) {
            Some(name) if name.ends_with(".rs") => file = name,
            Some(name) => {
                if cells.len() != CELLS || cells.contains(&"") {
                    complaints.push(format!("{place}: a row of {CELLS} cells, none empty"));
                }
                let often = cells.get(1).and_then(|cell| cell.parse().ok()).unwrap_or(0);
                audit.insert((file.to_owned(), name.to_owned()), (place, often));
            }
            None => (),
        }
    }
    audit
}

/// Every item of src that says `unsafe` is listed in ARCHITECTURE.md, with how
/// often it does, and every item listed there is one.
fn every_unsafe_is_audited_rule(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    let found = found(files);
    let listed = listed(files, &mut complaints);
    for (at @ (file, name), (place, often)) in &found {
        match listed.get(at) {
            None => complaints.push(format!(
                "{place}: `{name}` says `unsafe` {often} times; audit it, and add a row for it \
                 below `{file}` in ARCHITECTURE.md, \"{HEADING}\""
            )),
            Some((row, listed)) if listed != often => complaints.push(format!(
                "{row}: `{name}` of {file} says `unsafe` {often} times, not {listed}; audit it anew"
            )),
            Some(_) => (),
        }
    }
    for ((file, name), (row, _)) in &listed {
        if !found.contains_key(&(file.clone(), name.clone())) {
            complaints.push(format!("{row}: `{name}` of {file} has no `unsafe`; drop its row"));
        }
    }
    complaints
}

#[test]
fn every_unsafe_is_audited() {
    crate::keeps(every_unsafe_is_audited_rule);
}

#[test]
fn every_unsafe_is_audited_red() {
    let rule = every_unsafe_is_audited_rule;
    let code = "pub(crate) struct A<T> {\n    f: unsafe fn(T),\n}\n\
                // unsafe\nunsafe impl<T: Fn() -> u8> Send for A<T> {}\n\
                impl<T> A<T>\nwhere\n    T: B<u8>,\n{\n    const C: u8 = 0;\n\n    \
                #[inline]\n    pub(super) unsafe fn new(\n        t: T,\n    ) -> Self {\n        \
                unsafe { f() }\n    }\n}\n\
                fn free() {\n    struct C;\n    unsafe { f(\"unsafe\") };\n    fn g() {}\n    \
                unsafe { g() }\n}\n\
                unsafe impl<T> raw::Trait<T> for raw::A<T> {\n    unsafe fn run() {}\n}\n\
                #[cfg(test)]\nmod tests {\n    fn t() {\n        unsafe { f() }\n    }\n}\n";
    let row = |name: &str, often| format!("| `{name}` | {often} | a | b | c |\n");
    let table = |rows: &[(&str, usize)]| {
        let rows: String = rows.iter().map(|&(name, often)| row(name, often)).collect();
        format!(
            "## Unsafe\n\n| where | n |\n|---|---|\n| **`raw/a.rs`** | | | | |\n{rows}\n## Next\n\
             | `dead` |"
        )
    };
    let all = [("A", 1), ("Send for A", 1), ("A::new", 2), ("free", 2), ("Trait for A", 1)];
    let all = [&all[..], &[("A::run", 1)]].concat();
    let good = table(&all);
    let others = [("src/raw/a.rs", code)];
    let red = |bad: &str, cure| crate::red(rule, &others, ("ARCHITECTURE.md", bad), &good, cure);
    red(&table(&[&all[..], &[("gone", 1)]].concat()), "drop its row");
    red(&good.replace("`free` | 2", "`free` | 1"), "audit it anew");
    red(&good.replace("| 2 | a | b | c |\n| `Trait", "| 2 | a | b | |\n| `Trait"), "none empty");
    let others = [("ARCHITECTURE.md", good.as_str())];
    let more =
        code.replace("fn g() {}", "fn g() {}\n}\nfn h() {\n    unsafe { f() };\n}\nfn free() {");
    crate::red(rule, &others, ("src/raw/a.rs", &more), code, "add a row");
}
