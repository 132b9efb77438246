//! Forks in the frame of who waits for them: kept, taken back, and stolen.

use super::{Count, Grenade, Habit, Hand, Plain, Token, hands, with_thieves};
use crate::{raw::fork_join, unwind};

const HABITS: [Habit; 3] = [Habit::Keeps, Habit::Alternates, Habit::Publishes];

fn lone() -> Hand {
    hands(1, Habit::Publishes).next().expect("a hand")
}

#[test]
fn forks_that_nobody_steals_are_run_by_who_made_them() {
    for habit in HABITS {
        with_thieves(0, habit, |_| {
            let leaves: [Plain; 5] = Default::default();
            assert_eq!(tree(&leaves), 5);
        });
    }
}

#[test]
fn a_stolen_fork_brings_what_it_wrote() {
    with_thieves(1, Habit::Publishes, |hand| {
        let (left, right) = (Plain::default(), Plain::default());
        let ((), name) = fork_join(
            hand,
            || left.add(1),
            || {
                right.add(2);
                String::from("b")
            },
        );
        assert_eq!((left.get(), right.get(), name.as_str()), (1, 2, "b"));
    });
}

/// Writes where the frame of a fork was.
#[inline(never)]
fn scribble() -> u64 {
    std::hint::black_box([1u64; 64]).iter().sum()
}

#[test]
fn a_frame_is_its_owners_again_as_soon_as_the_join_returns() {
    with_thieves(1, Habit::Publishes, |hand| {
        for n in 0..4 {
            let frame = |n: u32| fork_join(hand, || n, || Box::new(n + 1));
            assert_eq!(frame(n), (n, Box::new(n + 1)));
            assert_eq!(scribble(), 64);
        }
    });
}

fn tree(leaves: &[Plain]) -> u32 {
    match leaves {
        [leaf] => {
            leaf.add(1);
            leaf.get()
        }
        _ => {
            let (low, high) = leaves.split_at(leaves.len() / 2);
            let (low, high) = Hand::here(|hand| fork_join(hand, || tree(low), || tree(high)));
            low + high
        }
    }
}

#[test]
fn a_tree_of_forks_is_shared_out_among_two_thieves() {
    for habit in HABITS {
        with_thieves(2, habit, |_| {
            let leaves: [Plain; 8] = Default::default();
            assert_eq!(tree(&leaves), 8);
        });
    }
}

#[test]
fn a_panic_of_a_waits_for_a_b_that_was_kept_published_or_stolen() {
    for habit in HABITS {
        with_thieves(1, habit, |hand| {
            let (cell, drops) = (Plain::default(), Count::default());
            let outcome = unwind::catch(|| {
                let a = || -> u32 { unwind::resume(Box::new("a")) };
                fork_join(hand, a, || {
                    cell.add(1);
                    drops.token()
                })
            });
            let payload = outcome.err().expect("a panicked");
            assert_eq!(payload.downcast_ref(), Some(&"a"));
            assert_eq!((cell.get(), drops.get()), (1, 1));
        });
    }
}

#[test]
fn a_panic_of_b_comes_home_and_the_result_of_a_is_dropped() {
    for habit in HABITS {
        with_thieves(1, habit, |hand| {
            let drops = Count::default();
            let token = drops.token();
            let b = move || -> u32 { unwind::resume(Box::new(token)) };
            let outcome =
                unwind::catch(|| fork_join(hand, || Grenade { _token: drops.token() }, b));
            let payload = outcome.err().expect("b panicked");
            assert_eq!(drops.get(), 1);
            assert!(payload.is::<Token>());
            drop(payload);
            assert_eq!(drops.get(), 2);
        });
    }
}

#[test]
fn of_two_panics_the_first_is_raised_and_the_other_dropped() {
    with_thieves(1, Habit::Publishes, |hand| {
        let drops = Count::default();
        let token = drops.token();
        let b = move || -> u32 { unwind::resume(Box::new(Grenade { _token: token })) };
        let a = || -> u32 { unwind::resume(Box::new("a")) };
        let Err(payload) = unwind::catch(|| fork_join(hand, a, b)) else { panic!("a panicked") };
        assert_eq!((payload.downcast_ref(), drops.get()), (Some(&"a"), 1));
    });
}

#[test]
fn results_of_no_size_and_of_great_alignment_come_back() {
    #[repr(align(64))]
    struct Wide([u8; 192]);
    with_thieves(1, Habit::Publishes, |hand| {
        let ((), ()) = fork_join(hand, || (), || ());
        let wide = Wide([3; 192]);
        let (_, wide) = fork_join(hand, scribble, move || wide);
        assert_eq!((wide.0, (&raw const wide).addr() % 64), ([3; 192], 0));
    });
}

#[test]
fn an_unstolen_fork_is_reclaimed_from_below_newer_ones() {
    let (hand, other) = (lone(), lone());
    let drops = Count::default();
    let outcome = fork_join(
        &hand,
        || {
            // A stray of the same stack, that somebody else is to run.
            let job = crate::raw::task::<Hand, super::scope::Noted>((), drops.token()).0;
            hand.push(job);
        },
        || drops.get(),
    );
    assert_eq!(outcome, ((), 0));
    hand.deque.pop().expect("put aside, and back").run(&other);
    assert_eq!(drops.get(), 1);
}
