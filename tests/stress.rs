//! Rounds upon rounds of what pools go through, at random: short lives, floods,
//! crowds at a narrow entrance, guests that come and go.
//!
//! `HEIST_STRESS_SECONDS` says how long each test goes on (2 if unset), and
//! `HEIST_SEED` repeats the dice of another run, though not its schedule. A
//! hang is a report of every pool and thread, and an abort (`watchdog.rs`).
//! `ci/chaos.sh` runs it with a delay before each step of the pool's protocols.

#[path = "stress/books.rs"]
mod books;
#[path = "stress/classes.rs"]
mod classes;
#[path = "stress/crew.rs"]
mod crew;
#[path = "stress/entrance.rs"]
mod entrance;
#[path = "stress/graphs.rs"]
mod graphs;
#[path = "stress/guests.rs"]
mod guests;
#[path = "stress/keys.rs"]
mod keys;
#[path = "stress/limits.rs"]
mod limits;
#[path = "stress/lives.rs"]
mod lives;
#[path = "stress/rounds.rs"]
mod rounds;
#[path = "stress/starvation.rs"]
mod starvation;
#[path = "stress/watchdog.rs"]
mod watchdog;
