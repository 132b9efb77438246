//! A pool beside a model of it: random commands from one thread, and after each
//! the pool must be where the model is.
//!
//! Every task waits at a gate of its own until a command opens it, so the model
//! knows what runs, what waits and what is done; it leaves open only what the
//! pool may choose, which of several lanes goes first. Failures shrink.

#[path = "model/classes.rs"]
mod classes;
#[path = "model/door.rs"]
mod door;
#[path = "model/driver.rs"]
mod driver;
#[path = "model/ending.rs"]
mod ending;
#[path = "model/gate.rs"]
mod gate;
#[path = "model/options.rs"]
mod options;
#[path = "model/regions.rs"]
mod regions;
#[path = "model/state.rs"]
mod state;
#[path = "model/world.rs"]
mod world;

use proptest::prelude::*;

use crate::driver::{Command, drive};
use crate::ending::End;
use crate::regions::Region;
use crate::state::Body;
use crate::world::Setup;

fn bodies() -> impl Strategy<Value = Body> {
    prop_oneof![
        4 => Just(Body::Plain),
        2 => Just(Body::Panic),
        2 => (1..=3_usize).prop_map(Body::Parent),
        1 => Just(Body::Forks),
    ]
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let lane = || 0..3_usize;
    let which = || any::<prop::sample::Index>();
    let command = prop_oneof![
        4 => (lane(), bodies()).prop_map(|(lane, body)| Command::Spawn(lane, body)),
        4 => (lane(), bodies()).prop_map(|(lane, body)| Command::TrySpawn(lane, body)),
        1 => (lane(), bodies(), any::<bool>())
            .prop_map(|(lane, body, waits)| Command::SpawnTimeout(lane, body, waits)),
        1 => (lane(), bodies(), prop::option::weighted(0.75, which()))
            .prop_map(|(lane, body, opened)| Command::SpawnInTime(lane, body, opened)),
        3 => (lane(), bodies()).prop_map(|(lane, body)| Command::SpawnAsync(lane, body)),
        2 => (lane(), bodies()).prop_map(|(lane, body)| Command::SpawnLimited(lane, body)),
        2 => which().prop_map(Command::Poll),
        1 => which().prop_map(Command::LeaveLine),
        7 => which().prop_map(Command::Open),
        3 => which().prop_map(Command::Cancel),
        2 => which().prop_map(Command::CancelToken),
        1 => Just(Command::CancelTokens),
        2 => which().prop_map(Command::Join),
        2 => which().prop_map(Command::Forget),
        2 => prop::sample::select(Region::ALL.to_vec()).prop_map(Command::Enter),
        1 => Just(Command::Install),
        1 => prop::option::of(which()).prop_map(Command::Broadcast),
        2 => which().prop_map(Command::SetActive),
        1 => Just(Command::Close),
    ];
    prop::collection::vec(command, 0..40)
}

fn ends() -> impl Strategy<Value = End> {
    prop::sample::select(End::ALL.to_vec())
}

/// Half of the cases that the two tests have together. To see that something never
/// comes about takes long, so shrinking has an end.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 5000,
        failure_persistence: None,
        max_shrink_time: 60_000,
        ..ProptestConfig::default()
    }
}

#[test]
fn a_pool_of_one_is_where_its_model_is() {
    proptest!(config(), |(
        commands in commands(), capacity in 1..=3_usize, guests in 0..=1_usize, end in ends(),
    )| {
        drive(Setup { threads: 1, capacity, guests }, commands, end);
    });
}

#[test]
fn a_pool_of_some_is_where_its_model_is() {
    proptest!(config(), |(
        commands in commands(), threads in 2..=3_usize, capacity in 1..=3_usize,
        guests in 0..=1_usize, end in ends(),
    )| {
        drive(Setup { threads, capacity, guests }, commands, end);
    });
}

#[test]
fn classes_and_options_are_where_their_model_is() {
    let config = ProptestConfig { cases: 2000, ..config() };
    proptest!(config, |(steps in classes::steps())| {
        classes::drive(steps);
    });
}

#[test]
fn the_door_and_the_detector_are_where_their_model_is() {
    let config = ProptestConfig { cases: 1000, ..config() };
    proptest!(config, |(threads in 1..=3_usize, steps in door::steps())| {
        door::drive(threads, steps);
    });
}
