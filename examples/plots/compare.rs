//! From samples to what a reader compares.

use crate::data::{Case, Contender, Unit};

/// A case, each contender against the same other.
pub(crate) struct Comparison<'a> {
    /// Whom to; none if nobody's samples can be divided by.
    pub(crate) reference: Option<&'a str>,
    pub(crate) rows: Vec<Row<'a>>,
}

pub(crate) struct Row<'a> {
    pub(crate) name: &'a str,
    pub(crate) role: Role,
    /// Quartiles of what a round's sample is of the reference's in that round.
    pub(crate) ratios: Option<[f64; 3]>,
    /// The median, for people.
    pub(crate) value: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// heist.
    Ours,
    /// heist, in a row that it loses.
    OursLost,
    Reference,
    Other,
}

/// Against rayon, or without it against the first who is not heist.
pub(crate) fn compare(case: &Case) -> Comparison<'_> {
    let divides = |one: &&Contender| one.samples.iter().all(|&sample| sample > 0.0);
    let usable = || case.contenders.iter().filter(divides);
    let reference = usable()
        .find(|one| one.name == "rayon")
        .or_else(|| usable().find(|one| one.name != "heist"))
        .or_else(|| usable().next());
    let rows = case.contenders.iter().map(|one| row(one, reference, case.unit)).collect();
    Comparison { reference: reference.map(|one| one.name.as_str()), rows }
}

fn row<'a>(one: &'a Contender, reference: Option<&Contender>, unit: Unit) -> Row<'a> {
    let ratios = reference.map(|reference| {
        quartiles(one.samples.iter().zip(&reference.samples).map(|(a, b)| a / b).collect())
    });
    let loses = ratios.is_some_and(|[_, median, _]| is_worse(median, unit));
    let role = match one.name.as_str() {
        "heist" if loses => Role::OursLost,
        "heist" => Role::Ours,
        name if reference.is_some_and(|reference| reference.name == name) => Role::Reference,
        _ => Role::Other,
    };
    let [_, median, _] = quartiles(one.samples.clone());
    Row { name: &one.name, role, ratios, value: for_people(median, unit) }
}

/// Time is better the less, utilization the more of it there is.
fn is_worse(ratio: f64, unit: Unit) -> bool {
    match unit {
        Unit::Wall | Unit::Cpu => ratio > 1.0,
        Unit::Percent => ratio < 1.0,
    }
}

/// As the harness computes them.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}

/// With three digits, or all that are before the point.
fn for_people(value: f64, unit: Unit) -> String {
    let (value, unit) = match unit {
        Unit::Percent => (value, "%"),
        Unit::Wall | Unit::Cpu if value < 1e3 => (value, "ns"),
        Unit::Wall | Unit::Cpu if value < 1e6 => (value / 1e3, "µs"),
        Unit::Wall | Unit::Cpu if value < 1e9 => (value / 1e6, "ms"),
        Unit::Wall | Unit::Cpu => (value / 1e9, "s"),
    };
    let places = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.places$} {unit}")
}
