//! What has been counted.

use std::{
    collections::HashMap,
    io, mem,
    path::{Path, PathBuf},
    str,
};

#[derive(Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// How often each word occurs, in lower case.
    pub(crate) words: HashMap<Box<str>, u64>,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) skipped: Vec<Skipped>,
}

/// A file or directory that was not counted.
#[derive(PartialEq, Eq)]
pub(crate) struct Skipped {
    pub(crate) path: PathBuf,
    /// The error of the system, or `None` if the file is not UTF-8.
    pub(crate) error: Option<String>,
}

impl Skipped {
    pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Skipped { path: path.to_owned(), error: Some(error.to_string()) }
    }
}

impl Tally {
    /// The text of a file that has been read, counted as a file but not yet its
    /// words; `None` if it is not UTF-8.
    pub(crate) fn add_file<'a>(&mut self, path: &Path, bytes: &'a [u8]) -> Option<&'a str> {
        let text = str::from_utf8(bytes).ok();
        if text.is_some() {
            self.files += 1;
            self.bytes += bytes.len() as u64;
        } else {
            self.skipped.push(Skipped { path: path.to_owned(), error: None });
        }
        text
    }

    /// Counts the words of `text`: its runs of letters, capital or not.
    pub(crate) fn add_words(&mut self, text: &str) {
        for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
            if word.bytes().all(|byte| byte.is_ascii_lowercase()) {
                self.add(word, 1);
            } else {
                self.add(&word.to_lowercase(), 1);
            }
        }
    }

    fn add(&mut self, word: &str, times: u64) {
        match self.words.get_mut(word) {
            Some(count) => *count += times,
            None => _ = self.words.insert(word.into(), times),
        }
    }

    /// Both together.
    pub(crate) fn merge(mut self, mut other: Self) -> Self {
        // The smaller into the larger: fewer words to move.
        if self.words.len() < other.words.len() {
            mem::swap(&mut self, &mut other);
        }
        self.files += other.files;
        self.bytes += other.bytes;
        self.skipped.append(&mut other.skipped);
        for (word, times) in other.words {
            match self.words.get_mut(&word) {
                Some(count) => *count += times,
                None => _ = self.words.insert(word, times),
            }
        }
        self
    }

    /// The same, whoever counted first: fit to be compared.
    pub(crate) fn sorted(mut self) -> Self {
        self.skipped
            .sort_by(|a, b| (a.error.is_none(), &a.path).cmp(&(b.error.is_none(), &b.path)));
        self
    }

    /// The `n` words that occur most, with how often.
    pub(crate) fn top(&self, n: usize) -> Vec<(&str, u64)> {
        let mut words: Vec<_> = self.words.iter().map(|(word, &times)| (&**word, times)).collect();
        words.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        words.truncate(n);
        words
    }
}
