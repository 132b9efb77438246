//! A deque is searched for what frames wait for only where there may be some.

use super::Hand;
use crate::{
    deque::Deque,
    raw::{JobRef, Kind, Part, Policy, Verdict, job::heap, task},
    sync::deque::Steal,
};

/// A task that is never to run.
struct Idle;

impl Policy<Hand> for Idle {
    type Label = ();
    type Func = ();
    type Output = ();

    fn run(_: Part<'_, Hand, Self>, _: &Hand) -> bool {
        unreachable!("nobody runs it")
    }

    fn cancel(mut part: Part<'_, Hand, Self>, verdict: Verdict) -> bool {
        let starts = part.start().is_some();
        if starts {
            // Its handle is gone.
            let _ = part.finish((), verdict);
        }
        starts
    }
}

fn push_tasks(deque: &Deque<Hand>, count: usize) {
    (0..count).for_each(|_| deque.push(task::<Hand, Idle>((), ()).0));
}

fn push_scoped(deque: &Deque<Hand>) {
    // SAFETY: it borrows nothing.
    deque.push(unsafe { heap::<Hand, _>(None, |_| ()) });
}

/// What a search for structured jobs finds, and whether it moved others.
fn search(deque: &Deque<Hand>) -> (Option<Kind>, bool) {
    let mut moved = false;
    let found = deque.pop_structured(|| moved = true);
    let kind = found.as_ref().map(JobRef::kind);
    let owner = super::hands(1, super::Habit::Keeps).next().expect("one");
    assert!(found.is_none_or(|job| job.run(&owner)));
    (kind, moved)
}

fn clear(deque: Deque<Hand>) {
    while let Some(job) = deque.pop() {
        assert!(job.discard());
    }
}

#[test]
fn tasks_stay_where_they_are_while_nothing_else_is_there() {
    let deque = Deque::new(0);
    push_tasks(&deque, 3);
    assert_eq!(search(&deque), (None, true), "others may have left some");
    assert_eq!(search(&deque), (None, false));
    push_scoped(&deque);
    assert_eq!(search(&deque), (Some(Kind::Scoped), false), "the newest");
    push_scoped(&deque);
    push_tasks(&deque, 2);
    assert_eq!(search(&deque), (Some(Kind::Scoped), true));
    assert_eq!(search(&deque), (None, true), "once, since there might be more");
    assert_eq!(search(&deque), (None, false));
    assert_eq!(deque.len(), 5);
    clear(deque);
}

#[test]
fn a_search_of_a_section_says_nothing_of_what_lies_below() {
    let deque = Deque::new(0);
    push_scoped(&deque);
    deque.enter_section();
    push_tasks(&deque, 2);
    assert_eq!(search(&deque).0, None);
    deque.leave_section();
    assert_eq!(search(&deque), (Some(Kind::Scoped), true));
    clear(deque);
}

#[test]
fn what_was_stolen_with_others_is_found() {
    let [victim, thief] = [0, 1].map(Deque::new);
    push_tasks(&victim, 1);
    push_scoped(&victim);
    push_tasks(&victim, 4);
    let stolen = victim.loot().stealer.steal_batch_with_limit_and_pop(thief.public(), 3);
    let Steal::Success(oldest) = stolen else { panic!("nobody else is there") };
    assert!(oldest.discard());
    assert_eq!(search(&thief).0, Some(Kind::Scoped));
    [victim, thief].into_iter().for_each(clear);
}
