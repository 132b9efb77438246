//! An isolated section: a wait there runs only what was made there.
//!
//! A section is of the thread that is in it, on each deque it owns, and of the jobs
//! made in it, which say so wherever they go. Whoever takes such a job is in a
//! section of its own while it runs it, and before it leaves runs what scoped jobs
//! were made there and are still here: its other frames may be waiting for a lock that
//! the first section's owner holds, and that owner looks into no other deque.
//!
//! So nothing that an isolated wait waits for lies where nobody may come for it: it
//! is in this thread's deque, since the section began; or it was stolen, and its
//! thief runs it, and waits for nothing but what was made by it.

use std::cell::Cell;

use super::{Worker, wait::each_worker};
use crate::{
    raw::{JobRef, Latch},
    registry::Only,
    sync::{Mutex, thread_local},
};

thread_local! {
    /// Sections that this thread is in, one inside another.
    static SECTIONS: Cell<usize> = const { Cell::new(0) };
}

/// Runs `f` in a section of this thread, for every pool it works for now or
/// comes to work for inside.
pub(crate) fn isolated<R>(f: impl FnOnce() -> R) -> R {
    let section = Section::enter();
    let result = f();
    drop(section);
    result
}

/// Is this thread in a section, as a worker or not?
pub(crate) fn in_section() -> bool {
    SECTIONS.with(Cell::get) > 0
}

struct Section(());

impl Section {
    fn enter() -> Self {
        each_worker(&mut |worker| {
            worker.publish();
            worker.deque.enter_section();
            worker.count_inner(|inner| inner + 1);
        });
        SECTIONS.with(|sections| sections.set(sections.get() + 1));
        Section(())
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        SECTIONS.with(|sections| sections.set(sections.get() - 1));
        each_worker(&mut |worker| {
            worker.count_inner(|inner| inner - 1);
            worker.deque.leave_section();
        });
    }
}

impl Worker {
    pub(crate) fn in_section(&self) -> bool {
        self.deque.in_section()
    }

    /// The sections that this thread is in as this worker, one inside another.
    pub(crate) fn isolated_sections(&self) -> usize {
        self.deque.sections()
    }

    /// Sends a job to worker `index`. From inside a section it goes into whatever section another
    /// may be in, too, and has one of its own there.
    pub(crate) fn send_to(&self, index: usize, job: JobRef<Worker>) {
        if !self.in_section() {
            self.registry.send(index, job);
        } else if index == self.index {
            self.registry.send_inside(index, self.isolated_sections(), job.isolate());
        } else {
            self.registry.send_inside(index, usize::MAX, job.set_apart());
        }
    }

    /// Does this thread run itself what lies here, before it turns to anything that a
    /// job in a scope of slot `owner` may not wait for?
    pub(crate) fn sees_to(&self, owner: Option<usize>) -> bool {
        owner == Some(self.index) || self.visiting.get()
    }

    /// Runs, with `run`, a job that was made in a section of another thread, or an older one, on
    /// a thread that is in none.
    #[cold]
    pub(crate) fn run_alone(&self, run: impl FnOnce(&Worker) -> bool) -> bool {
        // Only then is what lies here afterwards made by the job.
        self.alone.set(!self.has_queued());
        isolated(|| {
            self.visit(|worker| {
                let ran = run(worker);
                worker.alone.set(false);
                *worker.only().lock() = None;
                ran
            })
        })
    }

    /// Runs a job in a section that it is no part of. Nor are the tasks that it leaves: those
    /// are for others.
    #[cold]
    pub(super) fn run_apart(&self, job: JobRef<Worker>) -> bool {
        self.alone.set(false);
        // Nor does the owner, if this is a thief, steal them back from in there.
        let (ran, mut tasks) = isolated(|| {
            let ran = self.visit(|worker| worker.run_here(job));
            (ran, std::iter::from_fn(|| self.deque.pop()).collect::<Vec<_>>())
        });
        tasks.reverse();
        tasks.into_iter().for_each(|task| self.registry.send_errand(None, task));
        ran
    }

    /// Runs a job that was stolen back from a thief: a part of the section.
    pub(super) fn run_stolen_back(&self, job: JobRef<Worker>) {
        self.visit(|worker| worker.run_job(job));
    }

    /// Runs a job from elsewhere, and then what it has left that frames wait for.
    fn visit(&self, run: impl FnOnce(&Worker) -> bool) -> bool {
        let visits = self.visiting.replace(true);
        let ran = run(self);
        while let Some(job) = self.deque.pop_structured(|| self.registry.post_jobs()) {
            self.run_job(job);
        }
        self.visiting.set(visits);
        ran
    }

    /// The fork that will set `latch` begins here.
    pub(super) fn begin_alone(&self, latch: &Latch) {
        if self.alone.replace(false) {
            *self.only().lock() = Some(Only { latch: latch.address(), inner: 0 });
        }
    }

    /// A section begins or ends. What a thief makes in one of its own is not for the owner's
    /// waits: it may hold a lock around that, which the owner's other jobs want.
    fn count_inner(&self, count: impl FnOnce(usize) -> usize) {
        // Else nobody steals back from here.
        if !self.visiting.get() {
            return;
        }
        if let Some(only) = &mut *self.only().lock() {
            only.inner = count(only.inner);
        }
    }

    fn only(&self) -> &Mutex<Option<Only>> {
        &self.registry.slot(self.index).only
    }
}
