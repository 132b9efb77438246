//! What a thread was lent, and a vector that many threads fill.

use super::{Count, Grenade, Token};
use crate::{
    raw::{Filled, Slot, fill},
    sync::thread,
    unwind,
};

thread_local! {
    static SLOT: Slot<Box<u32>> = const { Slot::new() };
}

fn lent() -> Vec<u32> {
    let mut seen = Vec::new();
    SLOT.with(|slot| {
        slot.find(&mut |n| {
            seen.push(**n);
            false
        });
    });
    assert_eq!(Slot::with(&SLOT, |n| n.map(|n| **n)), seen.first().copied());
    seen
}

fn enter<R>(n: u32, f: impl FnOnce() -> R) -> R {
    let value = Box::new(n);
    SLOT.with(|slot| slot.enter(&value, f))
}

#[test]
fn a_value_is_given_back_also_by_an_unwind() {
    enter(1, || {
        let outcome = unwind::catch(|| {
            enter(2, || {
                enter(3, || assert_eq!(lent(), [3, 2, 1]));
                assert_eq!(lent(), [2, 1]);
                unwind::resume(Box::new("out"));
            })
        });
        assert!(outcome.is_err());
        assert_eq!(lent(), [1]);
    });
    assert!(lent().is_empty());
}

#[test]
fn each_thread_has_values_of_its_own() {
    enter(1, || {
        thread::scope(|threads| {
            threads.spawn(|| {
                assert!(lent().is_empty());
                enter(2, || assert_eq!(lent(), [2]));
            });
            enter(3, || assert_eq!(lent(), [3, 1]));
        });
    });
}

#[test]
fn three_threads_fill_one_vector() {
    let texts = fill(6, |slots| {
        let (low, rest) = slots.split_at(2);
        let (middle, high) = rest.split_at(2);
        let text = |n: u32| n.to_string();
        thread::scope(|threads| {
            let middle = threads.spawn(move || middle.write((2..4).map(text)));
            let high = threads.spawn(move || high.write((4..9).map(text)));
            let low = low.write((0..2).map(text));
            low.append(middle.join().unwrap()).append(high.join().unwrap())
        })
    });
    assert_eq!(texts, ["0", "1", "2", "3", "4", "5"]);
}

#[test]
fn values_of_no_size_fill_a_vector() {
    assert_eq!(fill(3, |slots| slots.write([(); 4].into_iter())).len(), 3);
    assert!(fill(0, |slots| slots.write([1].into_iter())).is_empty());
}

#[test]
fn what_one_part_wrote_is_dropped_when_another_panics() {
    let drops = Count::default();
    let outcome = unwind::catch(|| {
        fill(4, |slots| {
            let (low, high) = slots.split_at(2);
            thread::scope(|threads| {
                let low = threads.spawn(|| low.write((0..2).map(|_| drops.token())));
                let broken = (0..2).map(|n| match n {
                    0 => drops.token(),
                    _ => unwind::resume(Box::new("high")),
                });
                let high = unwind::catch(|| high.write(broken));
                let low = low.join().unwrap();
                low.append(high.unwrap_or_else(|payload| unwind::resume(payload)))
            })
        })
    });
    assert!(outcome.is_err());
    assert_eq!(drops.get(), 4 - 1);
}

#[test]
fn values_that_panic_when_dropped_are_all_dropped() {
    let drops = Count::default();
    let grenades = || (0..2).map(|_| Grenade { _token: drops.token() });
    let outcome = unwind::catch(|| fill(3, |slots| slots.write(grenades())));
    assert!(outcome.is_err());
    assert_eq!(drops.get(), 2);
}

#[test]
fn parts_that_are_no_neighbours_do_not_become_one() {
    let drops = Count::default();
    let tokens = || (0..1).map(|_| drops.token());
    let outcome = unwind::catch(|| {
        fill(3, |slots| {
            let (left, rest) = slots.split_at(1);
            let (_, right) = rest.split_at(1);
            left.write(tokens()).append(right.write(tokens()))
        })
    });
    assert!(outcome.is_err());
    assert_eq!(drops.get(), 2);
    assert!(unwind::catch(|| fill::<Token>(1, |_| Filled::default())).is_err());
}
