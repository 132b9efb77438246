//! What the pool promises, one module a verb. Each test is a sentence, and a
//! hang is a failure (`support::within_a_minute`).

mod bounded;
mod broadcast;
mod build;
mod cancel;
mod close;
mod drops;
mod global;
mod guests;
mod handle;
mod idle;
mod install;
mod isolated;
mod join;
mod lanes;
mod locals;
mod loops;
mod metrics;
mod nested;
mod one;
mod pools;
mod prop;
mod publication;
mod scope;
mod shutdown;
mod spawn;
mod spawn_async;
mod spawn_inside;
mod stack;
mod support;
mod types;
mod wakers;
