use super::{Appetite, Awake, Crowd, Depth, Place, Sleep};
use crate::{parker::Parker, sync::Arc};

/// With a processor for everybody.
fn roomy(slots: usize, workers: usize) -> Sleep {
    Sleep::of(slots, Crowd::on(workers, slots))
}

const DEQUES: Appetite = Appetite { deques: true, ..Appetite::NONE };
const SIDE: Appetite = Appetite { side: true, ..Appetite::NONE };

/// Two workers' beds; slot 0 dozes.
fn with_a_dozer(appetite: Appetite) -> (Sleep, Arc<Parker>) {
    let (sleep, parker) = (roomy(2, 2), Parker::current());
    sleep.fall_asleep(0, appetite, Depth::Doze, Awake::Unasked, &parker);
    (sleep, parker)
}

#[test]
fn forks_wake_a_dozer_once_its_guest_is_gone() {
    let (sleep, _parker) = with_a_dozer(Appetite::ANYTHING);
    sleep.crowd.take_first_seat();
    assert!(!sleep.wants_forks());
    assert!(!sleep.posted(Place::Forks), "a guest and a worker are enough for two places");
    sleep.crowd.leave_first_seat();
    assert!(sleep.wants_forks());
    assert!(sleep.posted(Place::Forks));
    assert_eq!(sleep.get_up(0), Awake::Searching, "it was woken");
}

#[test]
fn each_guest_lets_one_worker_doze() {
    let (sleep, parker) = with_a_dozer(Appetite::ANYTHING);
    sleep.fall_asleep(1, Appetite::ANYTHING, Depth::Doze, Awake::Unasked, &parker);
    sleep.crowd.set_others_seated(2);
    assert!(!sleep.posted(Place::Forks));
    sleep.crowd.set_others_seated(1);
    assert!(sleep.posted(Place::Forks));
    assert_eq!(sleep.get_up(1), Awake::Searching, "the newest");
    assert_eq!(sleep.get_up(0), Awake::Unasked);
}

#[test]
fn a_dozer_is_woken_for_anything_but_forks() {
    for place in [Place::Deque, Place::Stray, Place::Side, Place::Lane] {
        let (sleep, _parker) = with_a_dozer(Appetite::ANYTHING);
        sleep.crowd.take_first_seat();
        assert!(sleep.posted(place), "{place:?}");
        assert_eq!(sleep.get_up(0), Awake::Searching);
    }
}

#[test]
fn who_sleeps_deeply_is_woken_before_a_dozer() {
    let (sleep, parker) = with_a_dozer(Appetite::ANYTHING);
    sleep.fall_asleep(1, DEQUES, Depth::Sleep, Awake::Unasked, &parker);
    assert!(sleep.posted(Place::Forks));
    assert_eq!(sleep.get_up(1), Awake::Searching);
    assert_eq!(sleep.get_up(0), Awake::Unasked);
}

#[test]
fn nobody_is_woken_for_what_he_would_not_take() {
    let (sleep, _parker) = with_a_dozer(SIDE);
    for place in [Place::Forks, Place::Deque, Place::Stray, Place::Lane] {
        assert!(!sleep.posted(place), "{place:?}");
    }
    assert!(sleep.posted(Place::Side));
    assert_eq!(sleep.get_up(0), Awake::Searching);
}

#[test]
fn who_takes_nothing_from_deques_keeps_nobody_from_forking_in_private() {
    let (sleep, parker) = (roomy(3, 3), Parker::current());
    let deep = |index, appetite| {
        sleep.fall_asleep(index, appetite, Depth::Sleep, Awake::Unasked, &parker);
    };
    deep(0, SIDE);
    assert!(!sleep.wants_forks());
    deep(1, DEQUES);
    assert!(sleep.wants_forks(), "the other does");
    deep(2, SIDE);
    assert!(sleep.wants_forks());
    assert!(sleep.posted(Place::Forks));
    assert_eq!(sleep.get_up(1), Awake::Searching);
    assert!(sleep.stop_searching(|place| place == Place::Forks), "nobody is left for forks");
    assert!(!sleep.wants_forks());
    deep(1, DEQUES);
    assert_eq!(sleep.get_up(2), Awake::Unasked);
    assert_eq!(sleep.get_up(0), Awake::Unasked);
    assert!(sleep.wants_forks());
    assert_eq!(sleep.get_up(1), Awake::Unasked);
    assert!(!sleep.wants_forks());
}

#[test]
fn the_last_searcher_says_that_there_are_tasks_though_nobody_sleeps() {
    let (sleep, parker) = (roomy(2, 2), Parker::current());
    let stop = |at| {
        assert!(sleep.start_searching());
        sleep.stop_searching(|place| place == at)
    };
    for place in [Place::Deque, Place::Stray, Place::Side, Place::Lane] {
        assert!(!stop(place), "{place:?}");
    }
    assert!(stop(Place::Forks), "their owner runs them");
    sleep.fall_asleep(0, SIDE, Depth::Sleep, Awake::Unasked, &parker);
    assert!(!stop(Place::Deque), "it takes none of those");
    assert_eq!(sleep.get_up(0), Awake::Unasked);
}

#[test]
fn each_takes_what_it_has_an_appetite_for() {
    let places = [Place::Forks, Place::Deque, Place::Stray, Place::Side, Place::Lane];
    let takes = |appetite: Appetite| places.map(|place| appetite.takes_from(place));
    assert_eq!(takes(DEQUES), [true, true, false, false, false]);
    assert_eq!(
        takes(Appetite { strays: true, ..Appetite::NONE }),
        [false, false, true, false, false]
    );
    assert_eq!(takes(SIDE), [false, false, false, true, false]);
    assert_eq!(
        takes(Appetite { lanes: true, ..Appetite::NONE }),
        [false, false, false, false, true]
    );
    assert_eq!(takes(Appetite::ANYTHING), [true; 5]);
}

#[test]
fn guests_and_workers_are_enough_when_they_are_as_many_as_the_workers() {
    let (sleep, parker) = (roomy(4, 2), Parker::current());
    let deep = |index| {
        let was = Awake::Unasked;
        sleep.fall_asleep(index, Appetite::ANYTHING, Depth::Sleep, was, &parker);
    };
    assert!(!sleep.enough_lately(0), "without the caller there is one too few");
    sleep.crowd.take_first_seat();
    assert!(sleep.enough_lately(0));
    assert!(!sleep.enough_lately(1), "somebody else is away");
    sleep.crowd.leave_first_seat();
    assert!(!sleep.enough_awake(0), "it is gone");
    assert!(sleep.enough_lately(0), "it was there just now");
    assert!(!sleep.enough_lately(0), "it has not come again");
    sleep.crowd.take_first_seat();
    sleep.crowd.set_others_seated(1);
    deep(0);
    assert!(sleep.enough_lately(0), "two guests, for who sleeps and for the caller");
    assert!(!sleep.enough_lately(1));
    sleep.crowd.set_others_seated(0);
    assert!(sleep.enough_lately(0) && !sleep.enough_lately(0));
}

#[test]
fn threads_are_enough_when_there_are_as_many_as_processors() {
    let (sleep, parker) = (Sleep::of(5, Crowd::on(4, 2)), Parker::current());
    let change = |index, depth: Option<Depth>| match depth {
        Some(depth) => {
            sleep.fall_asleep(index, Appetite::ANYTHING, depth, Awake::Unasked, &parker);
        }
        None => assert_eq!(sleep.get_up(index), Awake::Unasked),
    };
    assert!(sleep.enough_awake(0) && sleep.enough_awake(1) && !sleep.enough_awake(2));
    (0..2).for_each(|index| change(index, Some(Depth::Sleep)));
    assert!(!sleep.enough_awake(0), "the caller is the second");
    sleep.crowd.take_first_seat();
    assert!(sleep.enough_awake(0), "a guest is");
    assert!(!sleep.nobody_awake());
    assert!(sleep.wants_forks(), "nobody watches whether one of them is blocked");
    change(1, None);
    change(1, Some(Depth::Doze));
    assert!(!sleep.wants_forks() && !sleep.posted(Place::Forks));
    change(2, Some(Depth::Sleep));
    assert!(!sleep.wants_forks(), "a guest and a worker are awake, on two processors");
    change(3, Some(Depth::Sleep));
    assert!(sleep.wants_forks(), "a guest alone is");
    assert!(!sleep.nobody_awake());
    assert!(sleep.posted(Place::Forks));
    assert_eq!(sleep.get_up(3), Awake::Searching, "the newest of those that sleep deeply");
    assert!(sleep.stop_searching(|place| place == Place::Forks), "nobody is to come");
    assert!(!sleep.wants_forks());
    change(1, None);
    assert!(sleep.wants_forks(), "nobody watches any more");
    (1..4).filter(|&index| index != 2).for_each(|index| change(index, Some(Depth::Sleep)));
    sleep.crowd.leave_first_seat();
    assert!(sleep.nobody_awake());
}

#[test]
fn who_takes_over_relieves_those_that_are_on_their_way() {
    for relieves in [true, false] {
        let (sleep, parker) = (roomy(3, 3), Parker::current());
        let (depth, was) = (Depth::Sleep, Awake::Unasked);
        sleep.fall_asleep(0, Appetite::ANYTHING, depth, was, &parker);
        assert!(sleep.posted(Place::Lane));
        assert!(!sleep.wants_forks(), "somebody is on its way");
        if relieves {
            sleep.take_over(1, depth, was, &parker);
        } else {
            sleep.fall_asleep(1, Appetite::ANYTHING, depth, was, &parker);
        }
        assert_eq!(sleep.wants_forks(), relieves);
        let first = if relieves { Awake::Unasked } else { Awake::Searching };
        assert_eq!(sleep.get_up(0), first);
        assert!(sleep.posted(Place::Forks));
        let woken = if relieves { Awake::Searching } else { Awake::Unasked };
        assert_eq!(sleep.get_up(1), woken);
        assert!(sleep.stop_searching(|_| false));
    }
}

#[test]
fn what_was_seen_is_remembered() {
    let sleep = roomy(1, 1);
    assert!(!sleep.crowd.seems_blocked());
    sleep.crowd.seen_blocked(true);
    assert!(sleep.crowd.seems_blocked());
    sleep.crowd.seen_blocked(false);
    assert!(!sleep.crowd.seems_blocked());
    assert!(sleep.crowd.has_one_processor() && !roomy(2, 1).crowd.has_one_processor());
}

#[test]
fn half_of_the_workers_search() {
    let sleep = roomy(4, 2);
    assert!(sleep.start_searching() && !sleep.start_searching());
    sleep.crowd.set_active(3);
    assert!(sleep.start_searching() && !sleep.start_searching());
    let nobody_asks = |_| unreachable!("another searches on");
    assert!(sleep.stop_searching(nobody_asks));
    assert!(sleep.stop_searching(|_| false), "there is nothing to do");
    assert!(sleep.stop_searching(|_| true), "it did not count");
    assert!(sleep.start_searching());
    assert!(!sleep.stop_searching(|place| place == Place::Lane), "nobody comes for it");
}

#[test]
fn the_last_searcher_wakes_another_for_what_there_is() {
    let (sleep, parker) = (roomy(2, 2), Parker::current());
    assert!(sleep.start_searching());
    sleep.fall_asleep(0, Appetite::ANYTHING, Depth::Sleep, Awake::Unasked, &parker);
    assert!(sleep.stop_searching(|place| place == Place::Side));
    assert_eq!(sleep.get_up(0), Awake::Searching);
}

#[test]
fn work_is_served_by_who_searches_or_who_is_woken() {
    let (sleep, parker) = (roomy(2, 2), Parker::current());
    assert!(sleep.serve(|_| false), "there is nothing to do");
    assert!(!sleep.serve(|_| true), "nobody comes");
    sleep.fall_asleep(0, Appetite::ANYTHING, Depth::Sleep, Awake::Unasked, &parker);
    assert!(sleep.serve(|_| false));
    assert!(sleep.serve(|place| place == Place::Lane));
    assert!(sleep.serve(|_| unreachable!("it searches")));
    assert!(sleep.posted(Place::Deque), "it searches");
    assert_eq!(sleep.get_up(0), Awake::Searching);
}

#[test]
fn who_searches_is_relied_on_and_nobody_is_woken() {
    let (sleep, parker) = (roomy(2, 2), Parker::current());
    sleep.fall_asleep(0, Appetite::ANYTHING, Depth::Sleep, Awake::Unasked, &parker);
    assert!(sleep.start_searching());
    assert!(sleep.posted(Place::Lane) && !sleep.wants_forks());
    assert_eq!(sleep.get_up(0), Awake::Unasked);
    assert!(sleep.stop_searching(|_| false));
}

#[test]
fn the_preferred_is_woken_if_it_sleeps_and_else_the_newest() {
    let (sleep, parker) = (roomy(3, 3), Parker::current());
    for index in 0..3 {
        sleep.fall_asleep(index, Appetite::ANYTHING, Depth::Sleep, Awake::Unasked, &parker);
    }
    assert!(sleep.posted_for(Some(1), Place::Lane));
    assert_eq!(sleep.get_up(1), Awake::Searching);
    assert!(sleep.stop_searching(|_| false));
    assert!(sleep.posted_for(Some(1), Place::Lane));
    assert_eq!([sleep.get_up(2), sleep.get_up(0)], [Awake::Searching, Awake::Unasked]);
}

#[test]
fn dozers_that_got_up_or_were_woken_doze_no_more() {
    for woken in [true, false] {
        let (sleep, parker) = with_a_dozer(Appetite::ANYTHING);
        sleep.crowd.set_others_seated(2);
        if woken {
            assert!(sleep.posted(Place::Deque));
            assert_eq!(sleep.get_up(0), Awake::Searching);
            assert!(sleep.stop_searching(|_| false));
        } else {
            assert_eq!(sleep.get_up(0), Awake::Unasked);
        }
        sleep.fall_asleep(0, Appetite::ANYTHING, Depth::Sleep, Awake::Unasked, &parker);
        assert!(sleep.posted(Place::Forks), "it sleeps deeply");
    }
}
