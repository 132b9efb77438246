//! The command line.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

pub(crate) const USAGE: &str = "\
usage: wordcount [DIR] [--threads N]

  DIR          count the words of the files below it; else of the sources that
               cargo has unpacked ($CARGO_HOME/registry/src)
  --threads N  workers in the pool; else one for each CPU this process may use
";

pub(crate) struct Args {
    /// A directory that can be read.
    pub(crate) dir: PathBuf,
    pub(crate) threads: Option<usize>,
}

impl Args {
    /// `None` if help was asked for.
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut dir = None;
        let mut threads = None;
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("-h" | "--help") => return Ok(None),
                Some("--threads") => {
                    let value = args.next().ok_or("--threads needs a number")?;
                    threads = Some(positive(&value.to_string_lossy())?);
                }
                Some(option) if option.starts_with("--threads=") => {
                    threads = Some(positive(&option["--threads=".len()..])?);
                }
                Some(option) if option.starts_with('-') => {
                    return Err(format!("no such option: {option}"));
                }
                _ if dir.is_some() => return Err("more than one DIR".to_owned()),
                _ => dir = Some(PathBuf::from(arg)),
            }
        }
        let dir = match dir {
            Some(dir) => dir,
            None => cargo_sources().ok_or("no DIR, and neither CARGO_HOME nor HOME is set")?,
        };
        check(&dir)?;
        Ok(Some(Args { dir, threads }))
    }
}

fn positive(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| format!("--threads needs a number of 1 or more, not {text:?}"))
}

fn check(dir: &Path) -> Result<(), String> {
    fs::read_dir(dir).map_err(|error| format!("cannot read {}: {error}", dir.display()))?;
    Ok(())
}

fn cargo_sources() -> Option<PathBuf> {
    let home = || env::var_os("HOME").or_else(|| env::var_os("USERPROFILE"));
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| Some(Path::new(&home()?).join(".cargo")))?;
    Some(cargo.join("registry").join("src"))
}
