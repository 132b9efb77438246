//! One workload, several contenders, two ways to measure them.
//!
//! By default criterion measures one contender after the other and compares
//! each with its own past. With `HEIST_RATIOS` set to a directory (`ci/bench.sh`
//! does) the contenders take turns instead, A B C A B C, so that all of them see the
//! same drift of the machine; what is printed, and written to that directory, are
//! medians and the ratios of every round.
//!
//! Only one contender's pool is alive at a time.

#[allow(dead_code, reason = "every workload compiles its own copy of this file")]
pub(crate) mod flat;
mod ratios;
#[allow(dead_code, reason = "every workload compiles its own copy of this file")]
pub(crate) mod work;

use std::{
    ffi::OsString,
    num::NonZero,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion};

/// Runs the work so many times; what it took in total, in nanoseconds or in
/// whatever the case's `Unit` says.
pub(crate) type Runner = Box<dyn FnMut(u64) -> f64>;

/// What a runner's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "every workload compiles its own copy of this file")]
pub(crate) enum Unit {
    /// Nanoseconds of the wall's clock.
    Wall,
    /// Nanoseconds of the processors, summed over the threads of this process.
    Cpu,
    /// A part of a whole, in percent. Criterion, which measures time, leaves it out.
    Percent,
}

struct Contender {
    name: &'static str,
    make: Box<dyn Fn() -> Runner>,
}

/// One table: the same work, done by several contenders.
pub(crate) struct Case {
    workload: &'static str,
    name: String,
    unit: Unit,
    /// Runs a sample; as many as fill `SAMPLE` if none.
    runs: Option<u64>,
    rounds: usize,
    contenders: Vec<Contender>,
}

/// The time a sample should take, if one run is shorter.
const SAMPLE: Duration = Duration::from_millis(40);

/// The time a contender runs unmeasured, after its pool was built.
const WARM_UP: Duration = Duration::from_millis(20);

/// chili's pool. It counts the calling thread as one of its threads.
#[allow(dead_code, reason = "every workload compiles its own copy of this file")]
pub(crate) fn chili(threads: usize) -> chili::ThreadPool {
    let thread_count = NonZero::new(threads);
    chili::ThreadPool::with_config(chili::Config { thread_count, ..chili::Config::default() })
}

/// A table of `workload`.
pub(crate) fn case(workload: &'static str, name: impl Into<String>) -> Case {
    let contenders = Vec::new();
    Case { workload, name: name.into(), unit: Unit::Wall, runs: None, rounds: 15, contenders }
}

#[allow(dead_code, reason = "every workload compiles its own copy of this file")]
impl Case {
    pub(crate) fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// So many runs a sample, instead of as many as fill a sample's time.
    pub(crate) fn runs(mut self, runs: u64) -> Self {
        self.runs = Some(runs);
        self
    }

    /// So many rounds when contenders take turns; 15 if not said.
    pub(crate) fn rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    /// A contender: `make` builds its pool and gives back what is run on it.
    pub(crate) fn add(mut self, name: &'static str, make: impl Fn() -> Runner + 'static) -> Self {
        self.contenders.push(Contender { name, make: Box::new(make) });
        self
    }

    /// Measures everybody.
    pub(crate) fn measure(self) {
        // As criterion's, so that one filter means the same in both ways.
        let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
        let id = format!("{}/{}", self.workload, self.name);
        match ratios_directory() {
            Some(_) if filter.is_some_and(|filter| !id.contains(&filter)) => (),
            Some(directory) => ratios::measure(&self, directory.as_ref()),
            None => self.with_criterion(&id),
        }
    }

    fn with_criterion(&self, id: &str) {
        if self.unit == Unit::Percent {
            println!("{id}: not a time; HEIST_RATIOS measures it");
            return;
        }
        let mut criterion = Criterion::default().configure_from_args();
        let mut group = criterion.benchmark_group(id);
        group.sample_size(10).warm_up_time(Duration::from_millis(500));
        group.measurement_time(Duration::from_secs(2));
        for Contender { name, make } in &self.contenders {
            let mut runner = None;
            group.bench_function(BenchmarkId::from_parameter(name), |bench| {
                let runner = runner.get_or_insert_with(make);
                bench.iter_custom(|runs| Duration::from_nanos(runner(runs) as u64));
            });
        }
        group.finish();
    }
}

/// Where ratios are to be written, if they are what is wanted.
pub(crate) fn ratios_directory() -> Option<OsString> {
    std::env::var_os("HEIST_RATIOS").filter(|directory| !directory.is_empty())
}

/// Is each benchmark to run just once, to see that it works?
#[allow(dead_code, reason = "every workload compiles its own copy of this file")]
pub(crate) fn is_test() -> bool {
    !std::env::args().any(|arg| arg == "--bench") || std::env::args().any(|arg| arg == "--test")
}

/// How long `work` takes so many times, in nanoseconds.
#[allow(dead_code, reason = "every workload compiles its own copy of this file")]
pub(crate) fn time(runs: u64, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..runs).for_each(|_| work());
    start.elapsed().as_nanos() as f64
}

/// The same, without what `between` does before each.
#[allow(dead_code, reason = "every workload compiles its own copy of this file")]
pub(crate) fn time_apart(runs: u64, mut between: impl FnMut(), mut work: impl FnMut()) -> f64 {
    let mut total = Duration::ZERO;
    for _ in 0..runs {
        between();
        let start = Instant::now();
        work();
        total += start.elapsed();
    }
    total.as_nanos() as f64
}

/// A runner that times `work` as a whole.
#[allow(dead_code, reason = "every workload compiles its own copy of this file")]
pub(crate) fn timed(mut work: impl FnMut() + 'static) -> Runner {
    Box::new(move |runs| time(runs, &mut work))
}

/// A runner that times every run alone and lets `between` happen unmeasured
/// before each.
#[allow(dead_code, reason = "every workload compiles its own copy of this file")]
pub(crate) fn timed_apart(
    mut between: impl FnMut() + 'static,
    mut work: impl FnMut() + 'static,
) -> Runner {
    Box::new(move |runs| time_apart(runs, &mut between, &mut work))
}

/// `runner` after so many runs: a sample of few runs should not pay for threads
/// that have yet to start and stacks nobody has touched.
#[allow(dead_code, reason = "every workload compiles its own copy of this file")]
pub(crate) fn warm(runs: u64, mut runner: Runner) -> Runner {
    runner(runs);
    runner
}
