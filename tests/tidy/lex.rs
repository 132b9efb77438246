//! Rust, as far as the rules need it: what of each line is code, what comment.

use std::iter;

/// A text of the repository.
pub(crate) struct File {
    /// Its path below the repository's root, with `/`.
    pub(crate) name: String,
    pub(crate) lines: Vec<Line>,
}

#[derive(Default)]
pub(crate) struct Line {
    /// The line without comments, and with its strings empty.
    pub(crate) code: String,
    /// What its strings say.
    pub(crate) quoted: String,
    /// What follows `//`, so that a doc comment starts with `/` or `!`.
    pub(crate) comment: String,
    /// Whether it belongs to an item that only tests see.
    pub(crate) is_test: bool,
}

impl File {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let mut file = File { name: name.to_owned(), lines: Vec::new() };
        if file.is_rust() {
            file.lines = split(text);
            mark_tests(&mut file.lines, name.contains("loom_tests") || name.contains("/tests"));
        } else {
            let line = |text: &str| Line { comment: text.to_owned(), ..Line::default() };
            file.lines = text.lines().map(line).collect();
        }
        file
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.name.ends_with(".rs")
    }

    pub(crate) fn is_source(&self) -> bool {
        self.is_rust() && self.name.starts_with("src/")
    }

    pub(crate) fn is_loom_test(&self) -> bool {
        self.name.starts_with("src/loom_tests")
    }

    /// `src/raw/fork.rs` and `src/raw.rs` -> `raw`.
    pub(crate) fn top_module(&self) -> &str {
        let below = self.name.strip_prefix("src/").unwrap_or(&self.name);
        below.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// Place and line, counted from 0, of each line.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (String, &Line)> {
        let place = |i| format!("{}:{}", self.name, i + 1);
        self.lines.iter().enumerate().map(move |(i, line)| (place(i), line))
    }

    /// The code in one string, test items left out.
    pub(crate) fn living_code(&self) -> String {
        let code = |line: &Line| if line.is_test { String::new() } else { line.code.clone() };
        self.lines.iter().map(code).collect::<Vec<_>>().join("\n")
    }
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word(c)).filter(|word| !word.is_empty())
}

/// Where the next piece of text goes.
#[derive(Clone, Copy)]
enum Place {
    Code,
    Comment,
    /// Between `/*` and `*/`, so deep.
    Block(usize),
    /// In a string that so many `#` close, or `None` if `\` escapes in it.
    Quoted(Option<usize>),
}

fn split(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut place = Place::Code;
    for text in text.lines() {
        if let Place::Comment = place {
            place = Place::Code;
        }
        // Brackets and quotes as characters open nothing.
        let text = ['"', '{', '}', '(', ')', '[', ']']
            .iter()
            .fold(text.to_owned(), |text, c| text.replace(&format!("'{c}'"), "' '"));
        let mut line = Line::default();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (len, next) = step(place, rest, &line.code);
            let target = match (place, next) {
                (Place::Code, Place::Code) => Some(&mut line.code),
                (Place::Quoted(_), Place::Quoted(_)) => Some(&mut line.quoted),
                (Place::Comment, _) | (Place::Block(_), Place::Block(_)) => Some(&mut line.comment),
                _ => None,
            };
            if let Some(target) = target {
                target.push_str(&rest[..len]);
            } else if matches!((place, next), (Place::Quoted(_), _)) {
                line.code.push_str("\"\"");
                line.quoted.push(' ');
            }
            place = next;
            rest = &rest[len..];
        }
        lines.push(line);
    }
    lines
}

/// How much of `rest` belongs together, and where the text after it goes.
fn step(place: Place, rest: &str, code: &str) -> (usize, Place) {
    let one = rest.chars().next().unwrap().len_utf8();
    let hashes = |text: &str| text.bytes().take_while(|&b| b == b'#').count();
    match place {
        Place::Comment => (rest.len(), place),
        Place::Block(depth) if rest.starts_with("*/") => {
            (2, if depth == 1 { Place::Code } else { Place::Block(depth - 1) })
        }
        Place::Block(depth) if rest.starts_with("/*") => (2, Place::Block(depth + 1)),
        Place::Quoted(None) if rest.starts_with('\\') => {
            (1 + rest[1..].chars().next().map_or(0, char::len_utf8), place)
        }
        Place::Quoted(None) if rest.starts_with('"') => (1, Place::Code),
        Place::Quoted(Some(n)) if rest.starts_with('"') && hashes(&rest[1..]) >= n => {
            (1 + n, Place::Code)
        }
        Place::Code if rest.starts_with("//") => (2, Place::Comment),
        Place::Code if rest.starts_with("/*") => (2, Place::Block(1)),
        Place::Code if rest.starts_with('"') => (1, Place::Quoted(None)),
        // A raw string, unless the `r` ends a name.
        Place::Code if rest.starts_with('r') && !code.ends_with(|c| is_word(c) && c != 'b') => {
            let n = hashes(&rest[1..]);
            let raw = rest[1 + n..].starts_with('"');
            if raw { (2 + n, Place::Quoted(Some(n))) } else { (1, place) }
        }
        Place::Code if rest.starts_with("'\\") => (3.min(rest.len()), place),
        _ => (one, place),
    }
}

/// Marks what follows an attribute like `#[cfg(test)]`, to the end of the item.
fn mark_tests(lines: &mut [Line], all: bool) {
    let mut depth = 0;
    // Whether we are in such an item, which ends where the depth is this again.
    let mut within: Option<i32> = None;
    for line in lines {
        let code = line.code.trim();
        if within.is_none()
            && code.starts_with("#[cfg(")
            && words(code).any(|word| word == "test" || word == "doctest")
        {
            within = Some(depth);
        }
        line.is_test = all || within.is_some();
        for c in code.chars().chain(iter::once('\n')) {
            match c {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth -= 1,
                _ => (),
            }
            if matches!(c, '}' | ';') && within == Some(depth) {
                within = None;
            }
        }
    }
}

#[test]
fn code_strings_and_comments_are_told_apart() {
    let text = r##"let url = "http://a\"b"; // to `x`
/* a /* b */ c */ let r = r#"raw " { "# + ('"', '{', '\'', '\\'); fn f<'a>() {}
let over = "two
lines"; //! end
#[cfg(test)]
use a::{b, c};
fn g() {}
#[cfg(all(test, loom))]
mod tests {
    fn t() {}
}
fn h() {}"##;
    let file = File::new("src/a.rs", text);
    let code: Vec<_> = file.lines.iter().map(|line| line.code.as_str()).collect();
    assert_eq!(code[0], r#"let url = ""; "#);
    assert_eq!(file.lines[0].comment, " to `x`");
    assert_eq!(file.lines[0].quoted.trim(), r#"http://a\"b"#);
    assert_eq!(code[1].split_whitespace().next(), Some("let"));
    assert!(code[1].ends_with("fn f<'a>() {}"), "{}", code[1]);
    assert_eq!(code[3], "\"\"; ");
    let tests: Vec<_> = file.lines.iter().map(|line| u8::from(line.is_test)).collect();
    assert_eq!(tests, [0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0]);
}
