//! Contenders in turns: what the machine does meanwhile, it does to all.

use std::{fmt::Write as _, fs, io::Write as _, path::Path, time::Instant};

use super::{Case, Contender, SAMPLE, Unit, WARM_UP};

pub(super) fn measure(case: &Case, directory: &Path) {
    let runs: Vec<u64> = case.contenders.iter().map(|one| runs_of(case, one)).collect();
    let mut samples = vec![Vec::with_capacity(case.rounds); case.contenders.len()];
    for _ in 0..case.rounds {
        for ((contender, &runs), samples) in case.contenders.iter().zip(&runs).zip(&mut samples) {
            samples.push(sample(case, contender, runs));
        }
    }
    print!("{}", table(case, &samples));
    if let Err(error) = write(case, &samples, directory) {
        panic!("the results could not be written to {}: {error}", directory.display());
    }
}

/// How many runs fill a sample.
fn runs_of(case: &Case, contender: &Contender) -> u64 {
    case.runs.unwrap_or_else(|| {
        let mut runner = (contender.make)();
        let mut runs = 1;
        loop {
            let start = Instant::now();
            runner(runs);
            let time = start.elapsed();
            if time >= SAMPLE / 4 {
                break ((runs as f64 * SAMPLE.as_secs_f64() / time.as_secs_f64()) as u64).max(1);
            }
            runs *= 2;
        }
    })
}

/// One run's share of a sample, with a pool made for it.
fn sample(case: &Case, contender: &Contender, runs: u64) -> f64 {
    let mut runner = (contender.make)();
    let start = Instant::now();
    let total = loop {
        let total = runner(runs);
        // A run of a percentage or of fixed length is its own warm-up.
        if case.runs.is_some() || start.elapsed() >= WARM_UP {
            break if case.runs.is_some() { total } else { runner(runs) };
        }
    };
    total / runs as f64
}

/// For people: medians, quartiles, and each contender against the first and
/// against rayon, round by round.
fn table(case: &Case, samples: &[Vec<f64>]) -> String {
    let mut text = format!("\n{} / {}  ({} rounds)\n", case.workload, case.name, case.rounds);
    let names: Vec<_> = case.contenders.iter().map(|one| one.name).collect();
    let ours = names.iter().position(|&name| name == "heist");
    for (index, own) in samples.iter().enumerate() {
        let [low, median, high] = quartiles(own);
        let show = |value| format(value, case.unit);
        let _ = write!(
            text,
            "  {:<16}{:>11}  [{} .. {}]",
            names[index],
            show(median),
            show(low),
            show(high),
        );
        if let Some(ours) = ours.filter(|&ours| ours != index) {
            let ratios: Vec<f64> = samples[ours].iter().zip(own).map(|(a, b)| a / b).collect();
            let [low, median, high] = quartiles(&ratios);
            let _ = write!(text, "   heist is {median:.3} of it [{low:.3} .. {high:.3}]");
        }
        text.push('\n');
    }
    text
}

/// For programs: a line a sample.
fn write(case: &Case, samples: &[Vec<f64>], directory: &Path) -> std::io::Result<()> {
    fs::create_dir_all(directory)?;
    let path = directory.join(format!("{}.tsv", case.workload));
    let old = fs::read_to_string(&path).unwrap_or_default();
    let ours = format!("{}\t", case.name);
    let mut file = fs::File::create(path)?;
    writeln!(file, "case\tcontender\tunit\tround\tvalue")?;
    // A case measured before is replaced, the others stay.
    for line in old.lines().skip(1).filter(|line| !line.starts_with(&ours)) {
        writeln!(file, "{line}")?;
    }
    for (contender, samples) in case.contenders.iter().zip(samples) {
        for (round, value) in samples.iter().enumerate() {
            let (name, unit) = (contender.name, case.unit);
            writeln!(file, "{}\t{name}\t{unit:?}\t{round}\t{value:.1}", case.name)?;
        }
    }
    Ok(())
}

/// The quarter, the half and the three quarters of the sorted values.
fn quartiles(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| sorted[(sorted.len() - 1) * quarter / 4])
}

fn format(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Percent => format!("{value:.1} %"),
        Unit::Wall | Unit::Cpu if value < 1e3 => format!("{value:.1} ns"),
        Unit::Wall | Unit::Cpu if value < 1e6 => format!("{:.2} us", value / 1e3),
        Unit::Wall | Unit::Cpu if value < 1e9 => format!("{:.2} ms", value / 1e6),
        Unit::Wall | Unit::Cpu => format!("{:.2} s", value / 1e9),
    }
}
