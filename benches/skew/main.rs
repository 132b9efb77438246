//! What becomes of the work when one producer owns nearly all of it?
//!
//! One producer owns 10 000 items, nine own 10 each, an item is 2 us of
//! computing, and two workers are to do them all. `p50` and `p99` say by when
//! since the start half of the items, and all but a hundredth, were done;
//! `utilization` is the part of the workers' time that was computing.
//!
//! `static split` divides the producers among the workers, `round-robin` deals
//! the items, `shared queue` is one queue with a lock. Their queues are full
//! before the clock starts. heist and rayon get the producers as tasks, which
//! spawn their items while it runs. As all items cost the same, dealing them is
//! as good as can be here, and stealing has to find out.

#[path = "../harness/mod.rs"]
mod harness;
mod ours;
mod rayon;
mod round_robin;
mod serial;
mod shared_queue;
mod static_split;
mod work;

use harness::Unit;
use work::{Measure, Outcome};

fn main() {
    compare("p50", Unit::Wall, |outcome| outcome.done_by(0.50));
    compare("p99", Unit::Wall, |outcome| outcome.done_by(0.99));
    compare("utilization", Unit::Percent, Outcome::utilization);
}

fn compare(name: &str, unit: Unit, measure: Measure) {
    harness::case("skew", name)
        .unit(unit)
        .runs(1)
        .rounds(31)
        .add("serial", move || serial::runner(measure))
        .add("static split", move || static_split::runner(measure))
        .add("round-robin", move || round_robin::runner(measure))
        .add("shared queue", move || shared_queue::runner(measure))
        .add("heist", move || ours::runner(measure))
        .add("rayon", move || rayon::runner(measure))
        .measure();
}
