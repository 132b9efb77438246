//! What `benches/harness/ratios.rs` wrote: a line a sample.

use std::{fs, path::Path};

pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) cases: Vec<Case>,
}

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) unit: Unit,
    /// In the order of the file, as many samples each.
    pub(crate) contenders: Vec<Contender>,
}

pub(crate) struct Contender {
    pub(crate) name: String,
    /// A round each.
    pub(crate) samples: Vec<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nanoseconds of the wall's clock.
    Wall,
    /// Nanoseconds of the processors.
    Cpu,
    Percent,
}

const HEADER: &str = "case\tcontender\tunit\tround\tvalue";

/// Reads a file; a complaint says where.
pub(crate) fn read(file: &Path) -> Result<Workload, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let cases = parse(&text)
        .map_err(|(line, complaint)| format!("{}:{line}: {complaint}", file.display()))?;
    Ok(Workload { name, cases })
}

/// The cases; or which line is wrong, and why.
fn parse(text: &str) -> Result<Vec<Case>, (usize, String)> {
    let mut lines = (1..).zip(text.lines());
    match lines.next() {
        Some((_, HEADER)) => (),
        _ => return Err((1, format!("not the header {HEADER:?}"))),
    }
    let mut cases = Vec::new();
    let mut last = 1;
    for (number, line) in lines {
        add(&mut cases, line).map_err(|complaint| (number, complaint))?;
        last = number;
    }
    if cases.is_empty() {
        return Err((1, "no samples below the header".into()));
    }
    for case in &cases {
        let rounds = case.contenders[0].samples.len();
        if let Some(other) = case.contenders.iter().find(|one| one.samples.len() != rounds) {
            let (case, first, name) = (&case.name, &case.contenders[0].name, &other.name);
            let samples = other.samples.len();
            let complaint =
                format!("in {case:?} {name:?} ends with {samples} rounds, {first:?} with {rounds}");
            return Err((last, complaint));
        }
    }
    Ok(cases)
}

/// Adds the sample of one line.
fn add(cases: &mut Vec<Case>, line: &str) -> Result<(), String> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [case, contender, unit, round, value] = fields[..] else {
        return Err(format!("{} fields where 5 were expected", fields.len()));
    };
    let unit = match unit {
        "Wall" => Unit::Wall,
        "Cpu" => Unit::Cpu,
        "Percent" => Unit::Percent,
        _ => return Err(format!("not a unit: {unit:?}")),
    };
    let round: usize = round.parse().map_err(|_| format!("not a round: {round:?}"))?;
    let sample: f64 = match value.parse() {
        Ok(sample) if f64::is_finite(sample) && sample >= 0.0 => sample,
        _ => return Err(format!("not a value: {value:?}")),
    };

    let case = find_or_add(
        cases,
        |one| one.name == case,
        || Case { name: case.into(), unit, contenders: Vec::new() },
    );
    if case.unit != unit {
        return Err(format!("another unit than before in {:?}", case.name));
    }
    let contender = find_or_add(
        &mut case.contenders,
        |one| one.name == contender,
        || Contender { name: contender.into(), samples: Vec::new() },
    );
    if round != contender.samples.len() {
        return Err(format!("round {round} where {} was expected", contender.samples.len()));
    }
    contender.samples.push(sample);
    Ok(())
}

fn find_or_add<T>(all: &mut Vec<T>, is: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> &mut T {
    let index = all.iter().position(is).unwrap_or_else(|| {
        all.push(new());
        all.len() - 1
    });
    &mut all[index]
}
