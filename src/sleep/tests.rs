use super::{Appetite, Awake, Depth, Place, Sleep};
use crate::{parker::Parker, sync::Arc};

/// Two workers' beds; slot 0 dozes.
fn with_a_dozer(appetite: Appetite) -> (Sleep, Arc<Parker>) {
    let (sleep, parker) = (Sleep::new(2, 2), Parker::current());
    sleep.fall_asleep(0, appetite, Depth::Doze, Awake::Unasked, &parker);
    (sleep, parker)
}

#[test]
fn forks_wake_a_dozer_once_its_guest_is_gone() {
    let (sleep, _parker) = with_a_dozer(Appetite::Anything);
    sleep.take_first_seat();
    assert!(!sleep.wants_forks());
    assert!(!sleep.posted(Place::Forks), "a guest and a worker are enough for two places");
    sleep.leave_first_seat();
    assert!(sleep.wants_forks());
    assert!(sleep.posted(Place::Forks));
    assert_eq!(sleep.get_up(0), Awake::Searching, "it was woken");
}

#[test]
fn each_guest_lets_one_worker_doze() {
    let (sleep, parker) = with_a_dozer(Appetite::Anything);
    sleep.fall_asleep(1, Appetite::Anything, Depth::Doze, Awake::Unasked, &parker);
    sleep.set_others_seated(2);
    assert!(!sleep.posted(Place::Forks));
    sleep.set_others_seated(1);
    assert!(sleep.posted(Place::Forks));
    assert_eq!(sleep.get_up(1), Awake::Searching, "the newest");
    assert_eq!(sleep.get_up(0), Awake::Unasked);
}

#[test]
fn a_dozer_is_woken_for_anything_but_forks() {
    for place in [Place::Deque, Place::Side, Place::Lane] {
        let (sleep, _parker) = with_a_dozer(Appetite::Anything);
        sleep.take_first_seat();
        assert!(sleep.posted(place), "{place:?}");
        assert_eq!(sleep.get_up(0), Awake::Searching);
    }
}

#[test]
fn who_sleeps_deeply_is_woken_before_a_dozer() {
    let (sleep, parker) = with_a_dozer(Appetite::Anything);
    sleep.fall_asleep(1, Appetite::Deques, Depth::Sleep, Awake::Unasked, &parker);
    assert!(sleep.posted(Place::Forks));
    assert_eq!(sleep.get_up(1), Awake::Searching);
    assert_eq!(sleep.get_up(0), Awake::Unasked);
}

#[test]
fn nobody_is_woken_for_what_he_would_not_take() {
    let (sleep, _parker) = with_a_dozer(Appetite::Side);
    assert!(!sleep.posted(Place::Forks));
    assert!(!sleep.posted(Place::Lane));
    assert!(sleep.posted(Place::Side));
    assert_eq!(sleep.get_up(0), Awake::Searching);
}
