//! Keeping a woken thread off its waker's CPU.
//!
//! Linux often wakes a thread where its waker runs, and then lets one of the two wait for
//! milliseconds while another CPU is idle. For a waker that goes on working,
//! as one that forks does, that is the opposite of what it woke the thread for.

#[cfg(all(target_os = "linux", not(miri), not(loom)))]
mod linux {
    use rustix::thread::{self, CpuSet, Pid};

    /// A thread and the CPUs it may use.
    #[derive(Debug)]
    pub(crate) struct Place {
        thread: Pid,
        allowed: CpuSet,
    }

    impl Place {
        /// This thread's; none if there is no choice.
        pub(crate) fn current() -> Option<Self> {
            let allowed = thread::sched_getaffinity(None).ok()?;
            (allowed.count() > 1).then(|| Place { thread: thread::gettid(), allowed })
        }

        /// Keeps the thread off the CPU of this one, until `restore`. False:
        /// it may come here.
        pub(crate) fn keep_away(&self) -> bool {
            let here = thread::sched_getcpu();
            let mut others = self.allowed;
            if here < CpuSet::MAX_CPU && self.allowed.is_set(here) {
                others.unset(here);
                return thread::sched_setaffinity(Some(self.thread), &others).is_ok();
            }
            false
        }

        /// Lets the thread run anywhere again.
        pub(crate) fn restore(&self) {
            // A failure leaves it with one CPU fewer, which is slower and no more.
            let _ = thread::sched_setaffinity(Some(self.thread), &self.allowed);
        }
    }
}

#[cfg(not(all(target_os = "linux", not(miri), not(loom))))]
mod elsewhere {
    /// Nothing is known of where threads run.
    #[derive(Debug)]
    pub(crate) struct Place(std::convert::Infallible);

    impl Place {
        pub(crate) fn current() -> Option<Self> {
            None
        }

        pub(crate) fn keep_away(&self) -> bool {
            match self.0 {}
        }

        pub(crate) fn restore(&self) {
            match self.0 {}
        }
    }
}

#[cfg(not(all(target_os = "linux", not(miri), not(loom))))]
pub(crate) use elsewhere::Place;
#[cfg(all(target_os = "linux", not(miri), not(loom)))]
pub(crate) use linux::Place;
