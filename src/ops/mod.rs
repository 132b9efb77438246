//! One file for each verb: its types, its docs, its method on `ThreadPool`.

mod ambient;
mod broadcast;
mod courier;
mod divide;
mod handle;
mod install;
mod isolated;
mod join;
mod lazy;
mod loops;
mod packet;
mod scope;
mod spawn;
mod task;

pub use self::{
    ambient::{Yield, current_num_threads, current_thread_index, join, scope, spawn, yield_now},
    broadcast::BroadcastContext,
    handle::JoinHandle,
    isolated::isolated,
    scope::Scope,
    task::TaskBuilder,
};
