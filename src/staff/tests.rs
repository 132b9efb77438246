//! Places, the door and the bench, on one thread where one will do.

use std::time::Duration;

use super::{Call, Duty, Staff};
use crate::sync::{Arc, AtomicBool, AtomicUsize, Mutex, Ordering, thread};

/// The stand-ins that were called, none of which has a thread.
type Called = Arc<Mutex<Vec<Arc<Call>>>>;

fn staff(workers: usize, most: usize, patience: Option<Duration>) -> (Staff, Called) {
    open(Staff::new(workers, most, Duration::MAX, patience))
}

fn open(staff: Staff) -> (Staff, Called) {
    let called = Called::default();
    let all = called.clone();
    staff.open(Box::new(move |call| {
        all.lock().push(call.clone());
        Some(Arc::new(()))
    }));
    (staff, called)
}

#[test]
fn a_stand_in_leaves_once_its_place_is_taken_again() {
    let (staff, called) = staff(2, 2, None);
    assert!(!staff.has_open() && !staff.fill(), "everybody is there");
    staff.step_aside(0);
    assert!(staff.fill() && !staff.has_open());
    assert_eq!(called.lock().len(), 1);
    assert!(!staff.leaves_surplus(), "it is needed");
    staff.step_aside(1);
    staff.come_back(0);
    assert!(!staff.has_open() && !staff.leaves_surplus(), "it has the other place now");
    staff.come_back(1);
    assert!(staff.leaves_surplus());
    assert!(!staff.leaves_surplus(), "there is no other");
    staff.step_aside(0);
    assert_eq!(staff.open_places(), 1);
}

#[test]
fn a_place_left_before_there_are_stand_ins_is_open_once_there_are() {
    let before = Staff::new(1, 1, Duration::MAX, None);
    before.step_aside(0);
    assert!(!before.has_open(), "nobody could take it");
    let (staff, called) = open(before);
    assert!(staff.has_open() && staff.fill());
    assert_eq!(called.lock().len(), 1);
}

#[test]
fn a_stand_in_leaves_its_place_unless_there_is_work_and_nobody_else_for_it() {
    let (staff, _called) = staff(2, 1, None);
    staff.step_aside(0);
    assert!(staff.fill() && staff.leave(|| false));
    assert_eq!(staff.open_places(), 1, "for the next");
    assert!(staff.fill() && !staff.leave(|| true), "it stays");
    assert!(!staff.has_open());
    let another = || {
        assert!(staff.fill(), "open while it looks");
        true
    };
    assert!(staff.leave(another));
    staff.come_back(0);
    assert!(staff.leaves_surplus() && !staff.leaves_surplus(), "one was in the place");
}

#[test]
fn a_keeper_is_called_to_a_door_that_nobody_watches() {
    let patience = Duration::from_millis(1);
    let (staff, called) = staff(1, 1, Some(patience));
    assert_eq!((staff.patience(), staff.seats()), (Some(patience), 2));
    staff.watch();
    assert_eq!(called.lock()[0].take(), Some(Duty::Door));
    staff.watch();
    assert_eq!(called.lock().len(), 1, "it is there");
    assert!(!staff.rest(|| true), "a task waits");
    staff.watch();
    assert_eq!(called.lock().len(), 1, "it has stayed");
    let another = || {
        staff.watch();
        true
    };
    assert!(staff.rest(another), "another is on its way");
    assert_eq!(called.lock().len(), 2);
    assert!(staff.rest(|| false));
}

#[test]
fn a_door_without_patience_has_no_keeper() {
    let (staff, called) = staff(1, 3, None);
    assert_eq!((staff.patience(), staff.seats()), (None, 3));
    staff.watch();
    assert!(called.lock().is_empty());
}

#[test]
fn a_keeper_that_was_refused_is_called_again() {
    let staff = Staff::new(1, 0, Duration::MAX, Some(Duration::from_millis(1)));
    staff.watch();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    staff.open(Box::new(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        None
    }));
    for times in 1..3 {
        staff.watch();
        assert_eq!(asked.load(Ordering::Relaxed), times);
    }
}

/// Of all the threads that are called, the system refuses all but the first.
fn open_for_one(staff: &Staff) -> Called {
    let called = Called::default();
    let all = called.clone();
    staff.open(Box::new(move |call| {
        let mut all = all.lock();
        all.push(call.clone());
        (all.len() == 1).then(|| Arc::new(()) as _)
    }));
    called
}

#[test]
fn a_stand_in_on_its_way_to_the_bench_comes_for_one_that_was_refused() {
    let staff = Staff::new(2, 2, Duration::MAX, None);
    let called = open_for_one(&staff);
    (0..2).for_each(|worker| staff.step_aside(worker));
    assert!(staff.fill() && !staff.fill(), "only one thread is to be had");
    let call = called.lock()[0].clone();
    let await_call = || staff.await_call(&call, || true, || ());
    assert_eq!(await_call(), Some(Duty::Place));
    assert!(staff.leave(|| true), "as if there were nothing open");
    assert_eq!(staff.open_places(), 0);
    assert_eq!(await_call(), Some(Duty::Place), "what was posted meanwhile is looked for");
    assert_eq!(staff.open_places(), 1, "for another, who might be had by now");
    staff.come_back(1);
    assert!(staff.leave(|| false));
    assert_eq!(await_call(), None, "it rests");
}

#[test]
fn a_stand_in_on_its_way_to_the_bench_keeps_the_door_for_one_that_was_refused() {
    let staff = Staff::new(1, 1, Duration::MAX, Some(Duration::from_millis(1)));
    let called = open_for_one(&staff);
    staff.step_aside(0);
    assert!(staff.fill(), "only one thread is to be had");
    let call = called.lock()[0].clone();
    let await_call = || staff.await_call(&call, || true, || ());
    assert_eq!(await_call(), Some(Duty::Place));
    staff.watch();
    staff.come_back(0);
    assert!(staff.leaves_surplus());
    assert_eq!(await_call(), Some(Duty::Door));
    assert!(!staff.rest(|| true), "it is the keeper");
    assert!(staff.rest(|| false));
    assert_eq!(await_call(), None);
}

#[test]
fn the_first_workers_that_are_there_are_on_duty() {
    let (staff, _called) = staff(4, 4, None);
    let on_duty = |staff: &Staff| (0..5).filter(|&slot| staff.is_on_duty(slot)).collect::<Vec<_>>();
    assert_eq!(on_duty(&staff), [0, 1, 2, 3, 4]);
    assert_eq!(staff.change_active(|all| all - 2, |_| true), 2..4);
    assert_eq!((staff.active(), on_duty(&staff)), (2, vec![0, 1, 4]), "4 is no worker");
    staff.step_aside(2);
    assert!(!staff.has_open(), "it was not on duty");
    assert_eq!(staff.change_active(|two| two + 1, |worker| worker != 1), 2..4);
    assert_eq!((staff.active(), on_duty(&staff)), (3, vec![0, 1, 2, 3, 4]), "1 is not there");
    assert!(staff.has_open());
    assert_eq!(staff.change_active(|_| 1, |_| true), 1..4);
    assert!(!staff.has_open());
}

#[test]
fn who_waits_on_the_bench_is_called_or_goes_for_good() {
    let retired = AtomicUsize::new(0);
    let await_call = |staff: &Staff, call: &Arc<Call>, is_over: bool| {
        staff.await_call(call, || is_over, || _ = retired.fetch_add(1, Ordering::Relaxed))
    };
    let (staff, called) = staff(2, 2, None);
    (0..2).for_each(|worker| staff.step_aside(worker));
    assert!(staff.fill() && staff.fill());
    let [first, second] = [0, 1].map(|nth| called.lock()[nth].clone());
    assert_eq!(await_call(&staff, &first, true), Some(Duty::Place), "called before it began");
    assert_eq!(retired.load(Ordering::Relaxed), 0);
    assert_eq!(await_call(&staff, &first, true), None, "all is over");
    assert_eq!(retired.load(Ordering::Relaxed), 1);
    assert_eq!(staff.dismiss().len(), 2, "both threads are to be joined");
    second.take();
    assert_eq!(await_call(&staff, &second, false), None, "nobody is called any more");
    assert_eq!(retired.load(Ordering::Relaxed), 2);
}

#[test]
fn who_waits_on_the_bench_goes_when_nobody_calls() {
    let (staff, called) = open(Staff::new(1, 1, Duration::from_millis(10), None));
    staff.step_aside(0);
    assert!(staff.fill());
    let call = called.lock()[0].clone();
    assert_eq!(call.take(), Some(Duty::Place));
    assert!(staff.leave(|| false));
    assert_eq!(staff.await_call(&call, || false, || ()), None);
    assert!(staff.fill(), "a new one comes");
    assert_eq!(called.lock().len(), 2);
}

#[test]
fn who_waits_on_the_bench_looks_when_it_is_nudged() {
    let (staff, called) = staff(1, 1, None);
    staff.step_aside(0);
    assert!(staff.fill());
    let call = called.lock()[0].clone();
    call.take();
    let (looks, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let is_over = || {
        looks.fetch_add(1, Ordering::SeqCst);
        over.load(Ordering::SeqCst)
    };
    thread::scope(|s| {
        let bench = s.spawn(|| staff.await_call(&call, is_over, || ()));
        while looks.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        over.store(true, Ordering::SeqCst);
        staff.nudge();
        assert_eq!(bench.join().unwrap(), None);
    });
}
