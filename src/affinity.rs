//! Keeping a woken thread off its waker's CPU, and new ones off each other's.
//!
//! Linux often wakes a thread where its waker runs, and then lets one of the two wait for
//! milliseconds while another CPU is idle. For a waker that goes on working,
//! as one that forks does, that is the opposite of what it woke the thread for. Threads
//! that start together often start on one CPU, too, and if they find work at once they
//! stay there for tens of milliseconds.

#[cfg(all(target_os = "linux", not(any(loom, shuttle, miri))))]
mod linux {
    use rustix::thread::{self, CpuSet, Pid};

    /// How many CPUs this thread may use, now.
    pub(crate) fn cpus() -> Option<usize> {
        Some(thread::sched_getaffinity(None).ok()?.count() as usize)
    }

    /// What a thread is to ask for, to use the CPUs that another may.
    #[derive(Clone, Copy)]
    pub(crate) struct Mask(Option<CpuSet>);

    impl Mask {
        /// This thread's, which asks for just that from now on.
        pub(crate) fn current() -> Self {
            Mask::of(&mut System(None))
        }

        /// All, unless the thread is restricted: its cpuset may have others by then.
        fn of(kernel: &mut impl Kernel) -> Self {
            let Some(before) = kernel.get() else { return Mask(None) };
            let mut restricted = Restricted::default();
            give_back(&before, &mut restricted, kernel);
            Mask(Some(restricted.0.unwrap_or_else(all)))
        }

        /// Lets this thread use those, and no others.
        pub(crate) fn apply(self) {
            self.apply_to(&mut System(None));
        }

        fn apply_to(self, kernel: &mut impl Kernel) {
            self.0.iter().for_each(|cpus| kernel.ask(cpus));
        }
    }

    /// The CPUs where threads have started that belong together.
    #[derive(Default)]
    pub(crate) struct Started(CpuSet);

    impl Started {
        pub(crate) const KNOWN: bool = true;

        /// Notes the CPU on which this thread starts. If another one has started there, it
        /// moves to a CPU where none has, if it may use one. The system may move it on at
        /// any time.
        pub(crate) fn add(&mut self) {
            let Ok(before) = thread::sched_getaffinity(None) else { return };
            if self.has(thread::sched_getcpu()) {
                let mut free = before;
                (0..CpuSet::MAX_CPU).filter(|&cpu| self.has(cpu)).for_each(|cpu| free.unset(cpu));
                if free.count() == 0 {
                    // Each has one: the next round.
                    self.0.clear();
                } else if thread::sched_setaffinity(None, &free).is_ok() {
                    // It is there now.
                    give_back(&before, &mut Restricted::default(), &mut System(None));
                }
            }
            let here = thread::sched_getcpu();
            if here < CpuSet::MAX_CPU {
                self.0.set(here);
            }
        }

        fn has(&self, cpu: usize) -> bool {
            cpu < CpuSet::MAX_CPU && self.0.is_set(cpu)
        }
    }

    /// What decides where a thread may run.
    trait Kernel {
        /// Asks for these CPUs.
        fn ask(&mut self, cpus: &CpuSet);
        /// Those it may use now.
        fn get(&self) -> Option<CpuSet>;
    }

    struct System(Option<Pid>);

    impl Kernel for System {
        fn ask(&mut self, cpus: &CpuSet) {
            // A failure leaves the thread with fewer to choose from.
            let _ = thread::sched_setaffinity(self.0, cpus);
        }

        fn get(&self) -> Option<CpuSet> {
            thread::sched_getaffinity(self.0).ok()
        }
    }

    /// What a thread was seen to be restricted to.
    #[derive(Debug, Default)]
    pub(crate) struct Restricted(Option<CpuSet>);

    /// Lets a thread run where it might `before`. What it asks for bounds for good what it
    /// gets, also when its cpuset grows: so that is all, unless somebody had asked for less.
    fn give_back(before: &CpuSet, restricted: &mut Restricted, kernel: &mut impl Kernel) {
        if restricted.0 != Some(*before) {
            kernel.ask(&all());
            if kernel.get().is_some_and(|now| now == *before) {
                return;
            }
            restricted.0 = Some(*before);
        }
        kernel.ask(before);
    }

    fn all() -> CpuSet {
        let mut all = CpuSet::new();
        (0..CpuSet::MAX_CPU).for_each(|cpu| all.set(cpu));
        all
    }

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
        pub(crate) fn restore(&self, moved: &Moved, restricted: &mut Restricted) {
            if thread::sched_getaffinity(Some(self.0)).is_ok_and(|now| now == moved.meanwhile) {
                give_back(&moved.before, restricted, &mut System(Some(self.0)));
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

        use super::{Kernel, Mask, Place, Restricted, Started, all, give_back};
        use crate::sync::{Arc, AtomicBool, Mutex, Ordering, thread};

        #[test]
        fn threads_start_on_a_cpu_each_while_there_are_some() {
            let before = sched_getaffinity(None).unwrap();
            let (cpus, mut all) = (before.count(), Started::default());
            // One thread does for many: it is where the last one started, or elsewhere.
            for started in (1..=cpus).chain(1..=cpus) {
                all.add();
                assert_eq!(all.0.count(), started);
                assert!(before == sched_getaffinity(None).unwrap(), "and may go on");
            }
        }

        /// As Linux does it: asked for CPUs, it gives those of them that the cpuset has, and
        /// also later, when the cpuset has others.
        struct Linux {
            cpuset: CpuSet,
            asked: CpuSet,
        }

        impl Kernel for Linux {
            fn ask(&mut self, cpus: &CpuSet) {
                self.asked = *cpus;
            }

            fn get(&self) -> Option<CpuSet> {
                Some(of((0..CpuSet::MAX_CPU).filter(|&cpu| self.has(cpu))))
            }
        }

        impl Linux {
            fn has(&self, cpu: usize) -> bool {
                self.cpuset.is_set(cpu) && self.asked.is_set(cpu)
            }
        }

        fn of(cpus: impl IntoIterator<Item = usize>) -> CpuSet {
            let mut set = CpuSet::new();
            cpus.into_iter().for_each(|cpu| set.set(cpu));
            set
        }

        #[test]
        fn a_thread_that_was_moved_grows_with_its_cpuset_unless_it_was_restricted() {
            for (restricted, grown) in [(all(), of(0..4)), (of([0, 2]), of([0, 2]))] {
                let mut linux = Linux { cpuset: of(0..3), asked: restricted };
                let before = linux.get().unwrap();
                let mut known = Restricted::default();
                linux.ask(&of([2]));
                give_back(&before, &mut known, &mut linux);
                assert!(linux.get().unwrap() == before);
                linux.ask(&of([0]));
                give_back(&before, &mut known, &mut linux);
                assert!(linux.get().unwrap() == before, "and again");
                linux.cpuset = of(0..4);
                assert!(linux.get().unwrap() == grown);
            }
        }

        #[test]
        fn who_asks_for_what_another_may_use_has_that_also_when_the_cpuset_changes() {
            let cases = [
                (all(), of(0..3), [of(0..2), of(0..4)]),
                (of([0, 2]), of([0, 2]), [of([0]), of([0, 2])]),
            ];
            for (restricted, now, later) in cases {
                let mut builder = Linux { cpuset: of(0..3), asked: restricted };
                let mask = Mask::of(&mut builder);
                assert!(builder.get().unwrap() == now, "as before");
                for started_by in [all(), of([1])] {
                    let mut thread = Linux { cpuset: of(0..3), asked: started_by };
                    mask.apply_to(&mut thread);
                    assert!(thread.get().unwrap() == now);
                    for (cpuset, later) in [of(0..2), of(0..4)].into_iter().zip(later) {
                        thread.cpuset = cpuset;
                        assert!(thread.get().unwrap() == later);
                    }
                }
            }
        }

        /// Calls `f` with the place of a thread that waits, and then says which CPUs that
        /// may use.
        fn of_another<R>(may_use: CpuSet, f: impl FnOnce(&Place) -> R) -> (R, CpuSet) {
            let (there, end) = (Arc::new(Mutex::new(None)), Arc::new(AtomicBool::new(false)));
            let (here, ended) = (there.clone(), end.clone());
            let other = thread::spawn(move || {
                sched_setaffinity(None, &may_use).unwrap();
                *here.lock() = Place::current();
                while !ended.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                sched_getaffinity(None).unwrap()
            });
            let place = loop {
                if let Some(place) = there.lock().take() {
                    break place;
                }
                thread::yield_now();
            };
            let result = f(&place);
            end.store(true, Ordering::Release);
            (result, other.join().unwrap())
        }

        #[test]
        fn a_thread_keeps_off_this_cpu_until_it_is_restored() {
            let (all, here) = (sched_getaffinity(None).unwrap(), sched_getcpu());
            let mut only = CpuSet::new();
            only.set(here);
            sched_setaffinity(None, &only).unwrap();
            let mut others = all;
            others.unset(here);
            let (moved, may_use) = of_another(all, |place| place.keep_away().is_some());
            assert_eq!(moved, all.count() > 1, "if there is another");
            assert!(may_use == if moved { others } else { all });
            let ((), may_use) = of_another(all, |place| {
                if let Some(moved) = place.keep_away() {
                    place.restore(&moved, &mut Restricted::default());
                }
            });
            assert!(may_use == all);
            let (moved, may_use) = of_another(only, |place| place.keep_away().is_some());
            assert!(!moved && may_use == only, "it has no other");
            sched_setaffinity(None, &all).unwrap();
        }

        #[test]
        fn a_thread_that_somebody_else_has_moved_stays_there() {
            let all = sched_getaffinity(None).unwrap();
            let mut first = CpuSet::new();
            first.set((0..CpuSet::MAX_CPU).find(|&cpu| all.is_set(cpu)).unwrap());
            let ((), may_use) = of_another(all, |place| {
                let moved = place.keep_away();
                sched_setaffinity(Some(place.0), &first).unwrap();
                if let Some(mut moved) = moved {
                    // As if that one CPU were not what it was kept on.
                    moved.meanwhile = all;
                    place.restore(&moved, &mut Restricted::default());
                }
            });
            assert!(may_use == first);
        }
    }
}

#[cfg(not(all(target_os = "linux", not(any(loom, shuttle, miri)))))]
mod elsewhere {
    pub(crate) fn cpus() -> Option<usize> {
        None
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Mask;

    impl Mask {
        pub(crate) fn current() -> Self {
            Mask
        }

        pub(crate) fn apply(self) {}
    }

    #[derive(Default)]
    pub(crate) struct Started;

    impl Started {
        pub(crate) const KNOWN: bool = false;

        pub(crate) fn add(&mut self) {}
    }

    /// Nothing is known of where threads run.
    #[derive(Debug)]
    pub(crate) struct Place(std::convert::Infallible);

    #[derive(Debug)]
    pub(crate) struct Moved(std::convert::Infallible);

    #[derive(Debug, Default)]
    pub(crate) struct Restricted;

    impl Place {
        pub(crate) fn current() -> Option<Self> {
            None
        }

        pub(crate) fn keep_away(&self) -> Option<Moved> {
            match self.0 {}
        }

        pub(crate) fn restore(&self, moved: &Moved, _: &mut Restricted) {
            match moved.0 {}
        }
    }
}

#[cfg(not(all(target_os = "linux", not(any(loom, shuttle, miri)))))]
pub(crate) use elsewhere::{Mask, Moved, Place, Restricted, Started, cpus};
#[cfg(all(target_os = "linux", not(any(loom, shuttle, miri))))]
pub(crate) use linux::{Mask, Moved, Place, Restricted, Started, cpus};
