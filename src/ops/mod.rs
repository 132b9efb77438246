//! One file for each verb: its types, its docs, its method on `ThreadPool`.

mod active;
mod ambient;
mod blocking;
mod broadcast;
mod bulkhead;
mod courier;
mod current;
mod divide;
mod entrance;
mod errand;
mod future;
mod handle;
mod in_place;
mod install;
mod isolated;
mod join;
mod joining;
mod keeper;
mod keyed;
mod lazy;
mod limits;
mod loops;
mod packet;
mod promise;
mod scope;
mod scoped_handle;
mod spawn;
mod strand;
mod task;

pub use self::{
    ambient::{Yield, current_num_threads, current_thread_index, join, scope, spawn, yield_now},
    blocking::blocking,
    broadcast::BroadcastContext,
    bulkhead::{Bulkhead, BulkheadBuilder, BulkheadMetrics, BulkheadTaskBuilder},
    current::{TaskInfo, current_task, is_cancelled},
    handle::{JoinHandle, TaskState},
    in_place::in_place_scope,
    isolated::isolated,
    scope::Scope,
    scoped_handle::ScopedJoinHandle,
    task::TaskBuilder,
};
