//! One file for each verb: its types, its docs, its method on `ThreadPool`.

mod ambient;
mod broadcast;
mod bulkhead;
mod courier;
mod divide;
mod entrance;
mod errand;
mod future;
mod handle;
mod install;
mod join;
mod keeper;
mod keyed;
mod lazy;
mod loops;
mod packet;
mod scope;
mod spawn;
mod task;

pub use self::{
    ambient::{Yield, current_num_threads, current_thread_index, join, scope, spawn, yield_now},
    broadcast::BroadcastContext,
    bulkhead::{Bulkhead, BulkheadBuilder, BulkheadMetrics},
    handle::JoinHandle,
    scope::Scope,
    task::TaskBuilder,
};
