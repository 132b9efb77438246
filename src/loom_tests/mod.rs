//! Every edge named in an `ORDERING(..)` comment, explored by loom.
//!
//! `ci/loom.sh` runs them; a lost wake-up shows as a deadlock, a missing
//! happens-before as a causality violation of a `loom::cell`.

mod blocks;
mod crew;
mod fork;
mod hints;
mod lane;
mod packet;
mod permits;
mod process;
mod sleep;
mod snapshot;
