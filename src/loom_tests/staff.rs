//! Stand-ins come when they are needed, and workers on duty work.

use std::time::Duration;

use super::{
    explore::{ANY, Preemptions, explore},
    house::{builder, gate, pool},
};
use crate::{
    parker::Parker,
    sleep::{Place, Sleep},
    staff::{Call, Duty, Staff},
    sync::{
        Arc, Mutex,
        deque::{Injector, Steal},
        thread,
    },
};

/// A staff, work, a pool's sleepers, and who was called: nobody is started.
struct House {
    staff: Staff,
    work: Injector<()>,
    sleep: Sleep,
    called: Mutex<Option<Arc<Call>>>,
}

/// One seat in any case: for a place, or with patience for the door.
fn house(patience: Option<Duration>) -> Arc<House> {
    let places = usize::from(patience.is_none());
    Arc::new(House {
        staff: Staff::new(2, places, Duration::MAX, patience),
        work: Injector::new(),
        sleep: Sleep::new(1, 1, false),
        called: Mutex::new(None),
    })
}

/// What `Staff` calls is kept, for the one thread of the model.
fn open(house: &Arc<House>) {
    let weak = Arc::downgrade(house);
    house.staff.open(Box::new(move |call| {
        *weak.upgrade()?.called.lock() = Some(Arc::clone(call));
        Some(Arc::new(()))
    }));
}

impl House {
    fn call(&self) -> Arc<Call> {
        self.called.lock().clone().expect("called before")
    }

    fn await_call(&self, call: &Arc<Call>) -> Option<Duty> {
        self.staff.await_call(call, || false, || ())
    }
}

/// ORDERING(door): a task that nobody comes for is seen by the door-keeper.
#[test]
fn loom_door_a_keeper_at_rest_hears_of_the_task() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let house = house(Some(Duration::from_millis(1)));
        open(&house);
        // An earlier task has called the keeper.
        house.staff.watch();
        let call = house.call();
        let keeper = {
            let house = Arc::clone(&house);
            thread::spawn(move || {
                while house.work.is_empty() {
                    let duty = house.await_call(&call);
                    assert_eq!(duty, Some(Duty::Door));
                    while house.work.is_empty() && !house.staff.rest(|| !house.work.is_empty()) {}
                }
            })
        };
        house.work.push(());
        // Nobody is idle here, so nobody comes.
        assert!(!house.sleep.posted(Place::Lane));
        house.staff.watch();
        keeper.join().unwrap();
    });
}

/// ORDERING(door): a stand-in that leaves its place hears of work that comes.
#[test]
fn loom_door_a_stand_in_that_leaves_hears_of_work() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let house = house(None);
        open(&house);
        house.staff.step_aside(0);
        assert!(house.staff.has_open() && house.staff.fill());
        let call = house.call();
        let stand_in = {
            let house = Arc::clone(&house);
            thread::spawn(move || {
                loop {
                    assert_eq!(house.await_call(&call), Some(Duty::Place));
                    loop {
                        if let Steal::Success(()) = house.work.steal() {
                            return;
                        }
                        if house.staff.leave(|| !house.work.is_empty()) {
                            break;
                        }
                    }
                }
            })
        };
        house.work.push(());
        // Nobody is idle here, so nobody comes.
        if !house.sleep.posted(Place::Lane) && house.staff.has_open() {
            let _ = house.staff.fill();
        }
        stand_in.join().unwrap();
    });
}

/// Work comes while `open_place` does what its name says: one of the two calls a stand-in.
fn work_meets(prepare: fn(&Arc<House>), open_place: fn(&Arc<House>)) {
    let house = house(None);
    prepare(&house);
    let opener = {
        let house = Arc::clone(&house);
        thread::spawn(move || {
            open_place(&house);
            if !house.work.is_empty() && house.staff.has_open() {
                let _ = house.staff.fill();
            }
        })
    };
    house.work.push(());
    if !house.sleep.posted(Place::Lane) && house.staff.has_open() {
        let _ = house.staff.fill();
    }
    opener.join().unwrap();
    assert!(house.called.lock().is_some(), "the work lies where nobody comes");
}

/// ORDERING(door): who steps aside sees work, or is seen by who brings it.
#[test]
fn loom_door_who_steps_aside_leaves_no_work_behind() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        work_meets(open, |house| house.staff.step_aside(0));
    });
}

/// ORDERING(door): a section that a start handler began is served when there may be stand-ins.
#[test]
fn loom_door_a_section_from_before_the_first_stand_in_is_served() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        work_meets(|house| house.staff.step_aside(0), open);
    });
}

/// ORDERING(door): the place of a thread that blocks is open again when it is on duty.
#[test]
fn loom_door_a_place_on_duty_again_is_served() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let rest = |house: &Arc<House>| {
            open(house);
            house.staff.change_active(|_| 1, |_| true);
            house.staff.step_aside(1);
        };
        work_meets(rest, |house| _ = house.staff.change_active(|_| 2, |_| true));
    });
}

/// ORDERING(duty): a worker at rest hears that it is to work.
#[test]
fn loom_duty_a_worker_at_rest_is_called_back() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let shared = Arc::new((Staff::new(2, 0, Duration::MAX, None), Sleep::new(2, 2, false)));
        let _ = shared.0.change_active(|_| 1, |_| true);
        let worker = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let parker = Arc::new(Parker::new());
                while !shared.0.is_on_duty(1) {
                    shared.1.lie_down(1, &parker);
                    if !shared.0.is_on_duty(1) {
                        parker.park();
                    }
                }
            })
        };
        for index in shared.0.change_active(|active| active + 1, |_| true) {
            shared.1.wake(index);
        }
        worker.join().unwrap();
        assert_eq!(shared.0.active(), 2);
    });
}

/// ORDERING(duty): as above, when two change it at once.
#[test]
fn loom_duty_a_worker_hears_of_two_who_change_it_at_once() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let shared = Arc::new((Staff::new(2, 0, Duration::MAX, None), Sleep::new(2, 2, false)));
        let change = |(staff, sleep): &(Staff, Sleep), active| {
            staff.change_active(|_| active, |_| true).for_each(|index| sleep.wake(index));
        };
        let worker = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let parker = Arc::new(Parker::new());
                while !shared.0.is_on_duty(1) {
                    shared.1.lie_down(1, &parker);
                    if !shared.0.is_on_duty(1) {
                        parker.park();
                    }
                }
            })
        };
        let other = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || change(&shared, 1))
        };
        change(&shared, 2);
        other.join().unwrap();
        if shared.0.active() == 1 {
            change(&shared, 2);
        }
        worker.join().unwrap();
    });
}

#[test]
fn loom_staff_a_stand_in_runs_what_a_blocked_worker_waits_for() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let pool = builder(1, 0).max_stand_ins(1).build().unwrap();
        let (open, wait) = gate();
        let blocked = pool.spawn(move || crate::blocking(wait));
        let opening = pool.spawn(open);
        opening.join().unwrap();
        blocked.join().unwrap();
    });
}

#[test]
fn loom_staff_a_stand_in_runs_what_is_lent_to_a_blocked_worker() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let pool = builder(1, 0).max_stand_ins(1).build().unwrap();
        let (open, wait) = gate();
        let blocked = pool.spawn(move || crate::blocking(wait));
        pool.install(open);
        blocked.join().unwrap();
    });
}

/// Where a task's result is dropped, after that was counted.
struct Spawns<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for Spawns<F> {
    fn drop(&mut self) {
        self.0.take().map(|first| first());
        drop(crate::spawn(|| ()));
    }
}

/// ORDERING(close): the worker, back in its place, finds that all is done and leaves, or a
/// stand-in that is one too many there stays for what it has queued.
#[test]
fn loom_staff_a_stand_in_leaves_no_task_behind_at_the_end() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let pool = builder(1, 0).max_stand_ins(1).build().unwrap();
        let registry = Arc::clone(pool.registry());
        let ((open, wait), (detached, begin), (done, end)) = (gate(), gate(), gate());
        drop(pool.spawn(move || crate::blocking(wait)));
        drop(pool.spawn(move || {
            // So that its result is dropped there.
            begin();
            open();
            Spawns(Some(done))
        }));
        detached();
        end();
        pool.shutdown();
        assert_eq!((registry.unfinished(), registry.cancelled()), (0, 0));
    });
}

#[test]
fn loom_staff_a_task_beside_a_change_of_size_runs() {
    explore(Preemptions { quick: 1, full: 2 }, || {
        let pool = pool(2, 0);
        pool.set_active_threads(1).unwrap();
        let task = pool.spawn(|| 7);
        pool.set_active_threads(2).unwrap();
        assert_eq!(task.join().unwrap(), 7);
        pool.set_active_threads(1).unwrap();
    });
}
