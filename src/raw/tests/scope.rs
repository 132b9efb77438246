//! Jobs that borrow, in blocks and in boxes, counted off together.

use super::{Count, Grenade, Habit, Hand, Plain, Token, hands, with_thieves};
use crate::{
    raw::{JobRef, LatchOf, Part, Policy, Ticket, Verdict, scope},
    sync::{Arc, thread},
    unwind,
};

/// Drops what it is given, wherever it runs.
pub(super) struct Noted;

impl Policy<Hand> for Noted {
    type Label = ();
    type Func = Token;
    type Output = ();

    fn run(mut part: Part<'_, Hand, Self>, _: &Hand) -> bool {
        drop(part.start());
        part.finish((), Verdict::Completed).is_ok()
    }

    fn cancel(part: Part<'_, Hand, Self>, _: Verdict) -> bool {
        drop(part);
        false
    }
}

type Ends<'scope> = Ticket<'scope, ()>;

/// A scope on `hand` whose body cannot fail.
fn open<'scope, R>(hand: &Hand, body: impl FnOnce(&Ends<'scope>) -> R) -> R {
    scope(hand, LatchOf::Scope, (), |ticket: Ends<'scope>| {
        let result = ticket.guard(|| body(&ticket));
        (result, ticket)
    })
}

/// A job that runs `f`, whose panics go to the scope.
fn job<'scope>(
    hand: Option<&Hand>,
    ticket: &Ends<'scope>,
    f: impl FnOnce(&Ends<'scope>) + Send + 'scope,
) -> JobRef<Hand> {
    ticket.job(hand, move |ticket| {
        ticket.guard(|| f(&ticket));
        ticket
    })
}

#[test]
fn jobs_that_nobody_steals_are_run_at_the_end_of_the_body() {
    let hand = hands(1, Habit::Publishes).next().expect("a hand");
    let cell = Plain::default();
    open(&hand, |ticket| {
        for _ in 0..3 {
            hand.push(job(Some(&hand), ticket, |_| cell.add(1)));
        }
        assert_eq!(cell.get(), 0);
    });
    assert_eq!(cell.get(), 3);
}

#[test]
fn a_scope_ends_after_jobs_on_three_threads() {
    with_thieves(2, Habit::Publishes, |hand| {
        let cells: [Plain; 6] = Default::default();
        open(hand, |ticket| {
            for cell in &cells {
                hand.push(job(Some(hand), ticket, move |_| cell.add(1)));
            }
        });
        assert!(cells.iter().all(|cell| cell.get() == 1));
    });
}

#[test]
fn a_frame_is_its_owners_again_as_soon_as_the_scope_returns() {
    with_thieves(1, Habit::Publishes, |hand| {
        for n in 0..4 {
            let mut number = Box::new(n);
            let lent = &mut number;
            open(hand, |ticket| hand.push(job(Some(hand), ticket, move |_| **lent += 1)));
            assert_eq!(*number, n + 1);
        }
    });
}

#[test]
fn a_body_that_ends_last_sees_what_its_jobs_wrote() {
    with_thieves(1, Habit::Publishes, |hand| {
        let cell = Plain::default();
        open(hand, |ticket| {
            hand.push(job(Some(hand), ticket, |_| cell.add(1)));
            (0..20).for_each(|_| thread::yield_now());
        });
        assert_eq!(cell.get(), 1);
    });
}

#[test]
fn a_job_spawns_into_its_scope_from_another_thread() {
    with_thieves(2, Habit::Publishes, |hand| {
        let cells: [Plain; 3] = Default::default();
        open(hand, |ticket| {
            for cell in &cells {
                hand.push(job(Some(hand), ticket, |ticket| {
                    // No host: as if spawned from a thread outside.
                    let inner = job(None, ticket, |_| cell.add(1));
                    let ours = hands(1, Habit::Publishes).next().expect("a hand");
                    inner.run(&ours);
                    ours.steal_and_run();
                }));
            }
        });
        assert!(cells.iter().all(|cell| cell.get() == 1));
    });
}

#[test]
fn a_job_opens_a_scope_of_its_own_between_jobs_of_the_outer() {
    let hand = hands(1, Habit::Publishes).next().expect("a hand");
    let (cell, inner) = (Plain::default(), Plain::default());
    open(&hand, |ticket| {
        let first = job(Some(&hand), ticket, |_| cell.add(1));
        let last = job(Some(&hand), ticket, |_| cell.add(1));
        first.run(&hand);
        open(&hand, |ticket| {
            hand.push(job(Some(&hand), ticket, |_| inner.add(1)));
            hand.push(job(Some(&hand), ticket, |_| inner.add(1)));
        });
        assert_eq!(inner.get(), 2);
        last.run(&hand);
    });
    assert_eq!(cell.get(), 2);
}

#[test]
fn large_closures_and_wide_ones_are_boxed() {
    #[repr(align(64))]
    #[derive(Clone, Copy)]
    struct Wide(u8);
    with_thieves(1, Habit::Publishes, |hand| {
        let (cell, drops) = (Plain::default(), Count::default());
        open(hand, |ticket| {
            let (large, token) = ([1u32; 40], drops.token());
            let cell = &cell;
            hand.push(job(Some(hand), ticket, move |_| {
                cell.add(large.iter().sum());
                drop(token);
            }));
        });
        let wide = Wide(2);
        open(hand, |ticket| {
            let (wide, cell) = (wide, &cell);
            hand.push(job(Some(hand), ticket, move |_| cell.add(u32::from({ wide }.0))));
        });
        assert_eq!((cell.get(), drops.get()), (42, 1));
    });
}

#[test]
fn a_closure_is_dropped_before_its_scope_ends() {
    with_thieves(1, Habit::Publishes, |hand| {
        let drops = Count::default();
        open(hand, |ticket| {
            for _ in 0..3 {
                let token = drops.token();
                hand.push(job(Some(hand), ticket, move |_| drop(token)));
            }
        });
        assert_eq!(drops.get(), 3);
    });
}

#[test]
fn the_first_panic_of_many_is_raised_and_the_others_dropped() {
    with_thieves(1, Habit::Publishes, |hand| {
        let drops = Count::default();
        let outcome = unwind::catch(|| {
            open(hand, |ticket| {
                for _ in 0..3 {
                    let token = drops.token();
                    hand.push(job(Some(hand), ticket, move |_| unwind::resume(Box::new(token))));
                }
            });
        });
        let payload = outcome.expect_err("three panicked");
        assert!(payload.is::<Token>());
        assert_eq!(drops.get(), 2);
    });
}

#[test]
fn a_body_that_panics_waits_for_its_jobs() {
    with_thieves(1, Habit::Publishes, |hand| {
        let cell = Plain::default();
        let outcome = unwind::catch(|| {
            open(hand, |ticket| -> u32 {
                hand.push(job(Some(hand), ticket, |_| cell.add(1)));
                unwind::resume(Box::new("body"));
            })
        });
        assert_eq!(outcome.expect_err("it panicked").downcast_ref(), Some(&"body"));
        assert_eq!(cell.get(), 1);
    });
}

#[test]
fn a_result_in_the_way_of_a_panic_is_contained() {
    let hand = hands(1, Habit::Publishes).next().expect("a hand");
    let drops = Count::default();
    let outcome = unwind::catch(|| {
        open(&hand, |ticket| {
            hand.push(job(Some(&hand), ticket, |_| unwind::resume(Box::new("job"))));
            Grenade { _token: drops.token() }
        })
    });
    assert_eq!(outcome.err().expect("it panicked").downcast_ref(), Some(&"job"));
    assert_eq!(drops.get(), 1);
}

#[test]
fn what_a_scope_was_opened_with_is_dropped_when_it_ends() {
    let drops = Count::default();
    with_thieves(1, Habit::Publishes, |hand| {
        let extra = Arc::new(drops.token());
        let seen = Plain::default();
        scope(hand, LatchOf::Scope, Arc::clone(&extra), |ticket: Ticket<'_, Arc<Token>>| {
            hand.push(ticket.job(Some(hand), |ticket| {
                seen.add(u32::from(ticket.extra().0.get() == 0));
                ticket
            }));
            (Some(()), ticket)
        });
        assert_eq!((seen.get(), Arc::strong_count(&extra)), (1, 1));
    });
    assert_eq!(drops.get(), 1);
}
