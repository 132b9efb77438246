//! Every edge named in an `ORDERING(..)` comment, and every protocol that lives
//! on them, explored: by loom on each schedule up to some number of preemptions,
//! by shuttle on random ones.
//!
//! `ci/loom.sh` and `ci/shuttle.sh` run them; a lost wake-up shows as a deadlock, a
//! missing happens-before as a causality violation of a `Cell`, which only loom
//! sees. Large ones, for shuttle alone, are in `large`, `crowds`, `mixes`
//! and `storms`.

mod batch;
mod blocks;
mod bulkhead;
mod crew;
#[cfg(shuttle)]
mod crowds;
mod detector;
mod ending;
mod entrance;
mod explore;
mod fork;
mod future;
mod guests;
mod handle;
mod hints;
mod house;
mod isolated;
mod lane;
#[cfg(shuttle)]
mod large;
mod limits;
#[cfg(shuttle)]
mod mixes;
mod packet;
mod parker;
mod permits;
mod pools;
mod process;
mod quota;
mod scoped_handle;
mod sign;
mod slab;
mod sleep;
mod snapshot;
mod spawn;
mod spot;
mod staff;
#[cfg(shuttle)]
mod storms;
mod strands;
mod timer;
