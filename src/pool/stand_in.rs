//! The threads of stand-ins.

use std::{mem, time::Instant};

use crate::{
    config,
    deque::{Deque, Seat},
    headroom::Headroom,
    registry::Registry,
    staff::{Call, Duty, Thread},
    sync::{Arc, Mutex, thread},
    unwind::AbortOnDrop,
    worker::{IdleSpin, Role, Worker},
};

/// Tells the staff how to start a stand-in: there are as many as `seats`.
pub(super) fn open(
    seats: Vec<Seat<Worker>>,
    registry: &Arc<Registry<Worker>>,
    stack_size: Option<usize>,
    idle_spin: std::time::Duration,
) {
    // Weak, since the staff belongs to the registry.
    let home = Arc::downgrade(registry);
    // Taken by a thread once it runs: a start that the system refused can be
    // tried again.
    let seats = Arc::new(Mutex::new(seats));
    // Who calls one may be kept on one CPU, or not be confined as the pool is.
    let cpus = registry.timer.cpus();
    registry.staff.open(Box::new(move |call| {
        let registry = home.upgrade()?;
        let (seats, call) = (Arc::clone(&seats), Arc::clone(call));
        let builder = thread::Builder::new().name("heist-stand-in".into());
        let (builder, bytes) = config::with_stack(builder, stack_size);
        let run = move || {
            cpus.apply();
            // There is one for each that the staff may call.
            let Some(seat) = seats.lock().pop() else { return };
            let idle = IdleSpin::new(idle_spin);
            let worker = Worker::new(seat.index(), Role::StandIn, Deque::of(seat), &registry, idle);
            registry.use_slot(worker.slot());
            worker.settle(Headroom::half_of(bytes));
            // As for a worker's thread.
            let bomb = AbortOnDrop;
            live(worker, &call, &registry, |seat| seats.lock().push(seat));
            mem::forget(bomb);
        };
        let thread = builder.spawn(run).ok()?;
        let id = thread.thread().id();
        Some(Arc::new(Started { id, thread: Mutex::new(Some(thread)) }))
    }));
}

struct Started {
    id: thread::ThreadId,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

impl Thread for Started {
    fn is_current(&self) -> bool {
        self.id == thread::current().id()
    }

    fn join(&self) {
        let thread = self.thread.lock().take();
        // Its panics were caught; see `join_all`.
        thread.map(thread::JoinHandle::join);
    }
}

/// From call to call, until there is none.
fn live(
    worker: Worker,
    call: &Arc<Call>,
    registry: &Registry<Worker>,
    give_back: impl Fn(Seat<Worker>),
) {
    let mut worker = Some(worker);
    loop {
        let retire = || give_back(worker.take().expect("there until it retires").into_seat());
        // If it is over, each duty has told so, or who began the end has seen what was done.
        let is_over = || registry.is_over();
        let Some(duty) = registry.staff.await_call(call, is_over, retire) else { return };
        let Some(worker) = &worker else { return };
        registry.resume(worker.slot());
        worker.enter(|worker| match duty {
            Duty::Place => worker.take_place(),
            Duty::Door => keep_door(worker, call),
        });
    }
}

/// Watches the entrance until nothing waits there.
fn keep_door(worker: &Worker, call: &Call) {
    let registry = worker.registry();
    let Some(patience) = registry.staff.patience() else { return };
    let waiting = || registry.has_tasks();
    // With tasks of its own it does not even offer to go: another keeper would not see them.
    while (worker.has_queued() || !registry.staff.rest(waiting)) && !registry.is_over() {
        let taken = registry.taken();
        let start = Instant::now();
        let until = start.checked_add(patience);
        while start.elapsed() < patience && !registry.is_over() {
            call.parker().park_maybe_until(until);
        }
        // Nobody came all the while; stand in until somebody does.
        while registry.taken() == taken && worker.run_one_task() {}
        // Those who have time steal these, which nobody counts.
        if registry.taken() == taken {
            worker.run_one_left();
        }
    }
}
