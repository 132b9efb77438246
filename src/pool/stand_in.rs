//! The door-keeper's thread: a stand-in worker for the entrance.

use std::time::{Duration, Instant};

use crate::{
    config,
    deque::Deque,
    door::Hired,
    parker::Parker,
    registry::Registry,
    sync::{Arc, Mutex, thread},
    worker::{IdleSpin, Role, Worker},
};

/// Tells the door how to start its keeper, who will work in slot `index`.
pub(super) fn open_door(
    index: usize,
    deque: Deque<Worker>,
    registry: &Arc<Registry<Worker>>,
    stack_size: Option<usize>,
) {
    // Weak, since the door belongs to the registry.
    let home = Arc::downgrade(registry);
    // Taken by the thread once it runs: a start that the system refused can be
    // tried again.
    let deque = Arc::new(Mutex::new(Some(deque)));
    registry.door.open(move || {
        let registry = home.upgrade()?;
        let deque = Arc::clone(&deque);
        let mut builder = thread::Builder::new().name("heist-door".into());
        if let Some(bytes) = config::stack_size(stack_size) {
            builder = builder.stack_size(bytes);
        }
        let parker = Arc::new(Parker::new());
        let own_parker = Arc::clone(&parker);
        let run = move || {
            let Some(deque) = deque.lock().take() else { return };
            let idle = IdleSpin::new(Duration::ZERO);
            let worker = Worker::new(index, Role::StandIn, deque, &registry, idle);
            worker.enter(|worker| keep(worker, &own_parker));
        };
        let thread = builder.spawn(run).ok()?;
        // Its panics were caught; see `join_all`.
        Some(Hired { parker, join: Box::new(move || drop(thread.join())) })
    });
}

/// Watches the entrance until the pool is over.
fn keep(worker: &Worker, parker: &Parker) {
    let registry = worker.registry();
    let Some(patience) = registry.door.patience() else { return };
    let waiting = || registry.injector.has_tasks() || worker.has_queued();
    while !registry.is_over() {
        if registry.door.rest(waiting) {
            parker.park();
            continue;
        }
        let taken = registry.taken();
        let start = Instant::now();
        let until = start.checked_add(patience);
        while start.elapsed() < patience && !registry.is_over() {
            parker.park_maybe_until(until);
        }
        // Nobody came all the while; stand in until somebody does.
        while registry.taken() == taken && worker.run_one_task() {}
    }
}
