//! `Inner`: what was sent to a thread from inside an isolated section.

use std::collections::{BTreeMap, VecDeque};

use crate::sync::{Mutex, OnceLock};

/// Jobs for one thread, by the sections that they are for: a wait in an inner one leaves those
/// of an outer one alone. Most slots never get any.
pub(super) struct Inner<J>(OnceLock<Mutex<BTreeMap<usize, VecDeque<J>>>>);

impl<J> Inner<J> {
    pub(super) fn new() -> Self {
        Inner(OnceLock::new())
    }

    /// For waits that are in at most `sections`, one inside another.
    pub(super) fn push(&self, sections: usize, job: J) {
        let jobs = self.0.get_or_init(Mutex::default);
        jobs.lock().entry(sections).or_default().push_back(job);
    }

    /// For a wait in so many: of the innermost first, of those the oldest.
    #[inline]
    pub(super) fn take(&self, sections: usize) -> Option<J> {
        // Every look for work comes here.
        take_from(self.0.get()?, |jobs| jobs.range(sections..).next_back().map(|at| *at.0))
    }

    /// The same of the outermost that it may take, which what is for inner ones might starve.
    pub(super) fn take_outer(&self, sections: usize) -> Option<J> {
        take_from(self.0.get()?, |jobs| jobs.range(sections..).next().map(|at| *at.0))
    }

    /// Is there something for a wait in so many?
    #[inline]
    pub(super) fn has(&self, sections: usize) -> bool {
        let Some(jobs) = self.0.get() else { return false };
        jobs.lock().last_key_value().is_some_and(|(&innermost, _)| innermost >= sections)
    }
}

/// The oldest of those that are for as many sections as `choose` says.
fn take_from<J>(
    jobs: &Mutex<BTreeMap<usize, VecDeque<J>>>,
    choose: impl FnOnce(&BTreeMap<usize, VecDeque<J>>) -> Option<usize>,
) -> Option<J> {
    let mut jobs = jobs.lock();
    let sections = choose(&jobs)?;
    let chosen = jobs.get_mut(&sections)?;
    let job = chosen.pop_front();
    if chosen.is_empty() {
        jobs.remove(&sections);
    }
    job
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::Inner;

    #[test]
    fn a_wait_takes_what_is_for_its_section_or_an_inner_one() {
        let inner = Inner::new();
        assert!(!inner.has(0) && inner.take(0).is_none());
        for (sections, job) in [(1, "a"), (3, "b"), (1, "c"), (2, "d")] {
            inner.push(sections, job);
        }
        assert!(inner.has(3) && !inner.has(4) && inner.take(4).is_none());
        assert_eq!(
            [3, 3, 2, 2].map(|sections| inner.take(sections)),
            [Some("b"), None, Some("d"), None]
        );
        assert!(inner.has(1) && !inner.has(2));
        assert_eq!([0, 1, 0].map(|sections| inner.take(sections)), [Some("a"), Some("c"), None]);
        assert!(!inner.has(0));
    }

    #[test]
    fn what_is_for_the_outermost_section_has_its_turn() {
        let inner = Inner::new();
        assert!(inner.take_outer(0).is_none());
        [1, 2, usize::MAX, 2].into_iter().for_each(|sections| inner.push(sections, sections));
        let taken = [2, 0, 0, 0].map(|sections| inner.take_outer(sections));
        assert_eq!(taken, [2, 1, 2, usize::MAX].map(Some));
        assert!(!inner.has(0) && inner.take_outer(0).is_none());
    }
}
