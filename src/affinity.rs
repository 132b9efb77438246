//! Keeping a woken thread off its waker's CPU.
//!
//! Linux often wakes a thread where its waker runs, and then lets one of the two wait for
//! milliseconds while another CPU is idle. For a waker that goes on working,
//! as one that forks does, that is the opposite of what it woke the thread for.

#[cfg(all(target_os = "linux", not(any(loom, shuttle, miri))))]
mod linux {
    use rustix::thread::{self, CpuSet, Pid};

    /// A thread that can be moved.
    #[derive(Debug)]
    pub(crate) struct Place(Pid);

    /// The CPUs it might use before, and those that it may use meanwhile.
    #[derive(Debug)]
    pub(crate) struct Moved {
        before: CpuSet,
        meanwhile: CpuSet,
    }

    impl Place {
        /// This thread's.
        pub(crate) fn current() -> Option<Self> {
            Some(Place(thread::gettid()))
        }

        /// Keeps the thread off the CPU of this one, until `restore`; none if
        /// it has no other.
        pub(crate) fn keep_away(&self) -> Option<Moved> {
            let here = thread::sched_getcpu();
            let before = thread::sched_getaffinity(Some(self.0)).ok()?;
            if here >= CpuSet::MAX_CPU || !before.is_set(here) || before.count() < 2 {
                return None;
            }
            let mut meanwhile = before;
            meanwhile.unset(here);
            thread::sched_setaffinity(Some(self.0), &meanwhile).ok()?;
            Some(Moved { before, meanwhile })
        }

        /// Lets the thread run where it might before, unless somebody else has
        /// said meanwhile where that is to be.
        pub(crate) fn restore(&self, moved: &Moved) {
            if thread::sched_getaffinity(Some(self.0)).is_ok_and(|now| now == moved.meanwhile) {
                // A failure leaves it with one CPU fewer.
                let _ = thread::sched_setaffinity(Some(self.0), &moved.before);
            }
        }
    }
}

#[cfg(not(all(target_os = "linux", not(any(loom, shuttle, miri)))))]
mod elsewhere {
    /// Nothing is known of where threads run.
    #[derive(Debug)]
    pub(crate) struct Place(std::convert::Infallible);

    #[derive(Debug)]
    pub(crate) struct Moved(std::convert::Infallible);

    impl Place {
        pub(crate) fn current() -> Option<Self> {
            None
        }

        pub(crate) fn keep_away(&self) -> Option<Moved> {
            match self.0 {}
        }

        pub(crate) fn restore(&self, moved: &Moved) {
            match moved.0 {}
        }
    }
}

#[cfg(not(all(target_os = "linux", not(any(loom, shuttle, miri)))))]
pub(crate) use elsewhere::{Moved, Place};
#[cfg(all(target_os = "linux", not(any(loom, shuttle, miri))))]
pub(crate) use linux::{Moved, Place};
