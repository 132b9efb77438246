//! The tests, and what each comes by.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::compile::cargo;

pub struct Test {
    binary: PathBuf,
    pub name: String,
    pub takes: Duration,
    /// The changes in whose places it was.
    pub seen: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
    Hung,
}

/// Every test of the tree in these `parts`, `--lib` and so on, that passes without changes.
pub fn tests(tree: &Path, parts: &str) -> Vec<Test> {
    let arguments: Vec<&str> = ["test", "--no-run"].into_iter().chain(parts.split(' ')).collect();
    let out = cargo(tree, &arguments).stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(out.status.success(), "the tests do not compile");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let binaries = messages.filter_map(|line| Some(PathBuf::from(line["executable"].as_str()?)));
    let mut tests = Vec::new();
    for binary in binaries {
        let names = |more: &[&str]| {
            let list = Command::new(&binary).args(["--list", "--format=terse"]).args(more).output();
            let text = String::from_utf8(list.expect("a list of tests").stdout).expect("text");
            let names = text.lines().filter_map(|line| line.strip_suffix(": test"));
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let ignored = names(&["--ignored"]);
        let all = names(&[]).into_iter().filter(|name| !ignored.contains(name));
        tests.extend(all.filter_map(|name| Test::explore(tree, &binary, name)));
    }
    tests
}

impl Test {
    fn explore(tree: &Path, binary: &Path, name: String) -> Option<Test> {
        let (takes, seen) = (Duration::from_secs(60), Vec::new());
        let mut test = Test { binary: binary.to_owned(), name, takes, seen };
        let path = env::temp_dir().join(format!("changes-seen-{}", std::process::id()));
        let start = Instant::now();
        let outcome = test.run(tree, ("CHANGES_SEEN", path.as_os_str()));
        test.takes = start.elapsed();
        let seen = fs::read(&path).unwrap_or_default();
        let _ = fs::remove_file(&path);
        test.seen = (0..seen.len()).filter(|&change| seen[change] != 0).collect();
        if outcome != Outcome::Passed {
            eprintln!("without changes it does not pass, and is left out: {}", test.name);
            return None;
        }
        Some(test)
    }

    /// Runs it with one change on.
    pub fn tries(&self, tree: &Path, change: usize) -> Outcome {
        self.run(tree, ("CHANGES_ON", change.to_string().as_ref()))
    }

    fn run(&self, tree: &Path, (variable, value): (&str, &std::ffi::OsStr)) -> Outcome {
        let limit = Duration::from_secs(4) + 15 * self.takes;
        let mut test = Command::new(&self.binary);
        test.args(["--exact", &self.name, "--test-threads=1"]).current_dir(tree);
        test.env(variable, value).stdout(Stdio::null()).stderr(Stdio::null());
        // With whatever processes it starts, to end with it.
        std::os::unix::process::CommandExt::process_group(&mut test, 0);
        let mut child = test.spawn().expect("the test starts");
        let outcome = wait(&mut child, Instant::now() + limit);
        let group = format!("-{}", child.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
        let _ = child.wait();
        outcome
    }
}

fn wait(child: &mut Child, until: Instant) -> Outcome {
    let mut pause = Duration::from_micros(500);
    while Instant::now() < until {
        match child.try_wait().expect("a child of ours") {
            Some(status) if status.success() => return Outcome::Passed,
            Some(_) => return Outcome::Failed,
            None => thread::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    Outcome::Hung
}
