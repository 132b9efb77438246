//! One thread for all clocks of a pool.
//!
//! It is started when the first clock is set, and a pool that sets none has no
//! such thread. Between events it sleeps. What is set is kept in the order of its
//! time, and leaves it when it is cancelled: so what ends early, as most does,
//! costs no more than its coming and going, and wakes nobody.

use std::{cell::Cell, collections::BTreeMap, mem, ptr, time::Instant};

use crate::{
    affinity::Mask,
    config,
    process::Process,
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        thread::{self, JoinHandle},
        thread_local,
    },
    unwind,
};

/// What happens when its time comes: on the timer's thread, outside its lock.
type Event = Box<dyn FnOnce() + Send>;

/// An event that was set, to cancel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerKey {
    when: Instant,
    /// Tells apart what is to happen at the same time: first set, first run.
    number: u64,
}

thread_local! {
    /// Whose timer's thread this is.
    static HERE: Cell<*const Shared> = const { Cell::new(ptr::null()) };
}

/// All clocks of one pool. A clone is the same timer.
#[derive(Clone)]
pub(crate) struct Timer(Arc<Shared>);

struct Shared {
    /// Where the thread is. In the child of a fork nobody unlocks what it had
    /// locked, nor finishes what it had begun; its share keeps this alive there.
    process: Process,
    stack_size: Option<usize>,
    /// For the thread, which is started by who sets the first clock.
    cpus: Mask,
    dial: Mutex<Dial>,
    bell: Condvar,
}

#[derive(Default)]
struct Dial {
    events: BTreeMap<TimerKey, Event>,
    /// How many have been set so far.
    set: u64,
    thread: Thread,
    nap: Nap,
}

/// The timer's thread, through its life.
#[derive(Default)]
enum Thread {
    #[default]
    Absent,
    Present(JoinHandle<()>),
    /// There is none from now on.
    Dismissed,
}

/// What the thread would miss if nobody rang.
#[derive(Clone, Copy, Default)]
enum Nap {
    /// It looks before it sleeps.
    #[default]
    None,
    Until(Instant),
    /// It sleeps until somebody rings.
    Open,
}

impl Timer {
    pub(crate) fn new(stack_size: Option<usize>) -> Self {
        Timer(Arc::new(Shared {
            process: Process::current(),
            stack_size,
            cpus: Mask::current(),
            dial: Mutex::default(),
            bell: Condvar::new(),
        }))
    }

    /// Sets `event` to run at `when`, at once if that has passed. None: it will
    /// not, since the system refuses the thread, or the pool is gone.
    pub(crate) fn at(
        &self,
        when: Instant,
        event: impl FnOnce() + Send + 'static,
    ) -> Option<TimerKey> {
        if !self.0.process.is_current() {
            return None;
        }
        let event = Box::new(event);
        let mut dial = self.0.dial.lock();
        if !dial.has_thread(&self.0) {
            // What it captured may be the user's, to be dropped in the open.
            drop(dial);
            unwind::discard(event);
            return None;
        }
        let key = TimerKey { when, number: dial.set };
        dial.set += 1;
        dial.events.insert(key, event);
        if dial.would_miss(when) {
            self.0.ring(dial);
        }
        Some(key)
    }

    /// The same, so long from now.
    pub(crate) fn after(
        &self,
        time: std::time::Duration,
        event: impl FnOnce() + Send + 'static,
    ) -> Option<TimerKey> {
        self.at(Instant::now().checked_add(time)?, event)
    }

    /// Takes an event back. False: it has run, or runs now, or is dropped.
    pub(crate) fn cancel(&self, key: TimerKey) -> bool {
        if !self.0.process.is_current() {
            return false;
        }
        let event = self.0.dial.lock().events.remove(&key);
        let was_set = event.is_some();
        unwind::discard(event);
        was_set
    }

    /// What a thread is to ask for that belongs to the same pool, to use the CPUs that the builder
    /// of that might.
    pub(crate) fn cpus(&self) -> Mask {
        self.0.cpus
    }

    /// Is this its thread? Then it is not to wait for what needs a clock.
    pub(crate) fn is_here(&self) -> bool {
        HERE.with(Cell::get) == Arc::as_ptr(&self.0)
    }

    /// As `stop`; and what runs is waited for, but not by itself.
    pub(crate) fn dismiss(&self) {
        let thread = self.stop();
        if !self.is_here() {
            // The panics of events were caught.
            thread.into_iter().for_each(|thread| drop(thread.join()));
        }
    }

    /// Nothing happens any more, and no thread is started from now on: what was
    /// set is dropped. The thread is given back, if there was one.
    pub(crate) fn stop(&self) -> Option<JoinHandle<()>> {
        if !self.0.process.is_current() {
            return None;
        }
        let mut dial = self.0.dial.lock();
        let events = mem::take(&mut dial.events);
        let thread = mem::replace(&mut dial.thread, Thread::Dismissed);
        self.0.ring(dial);
        events.into_values().for_each(unwind::discard);
        match thread {
            Thread::Present(thread) => Some(thread),
            Thread::Absent | Thread::Dismissed => None,
        }
    }

    /// Events that are set.
    #[cfg(all(test, not(any(loom, shuttle))))]
    pub(crate) fn waiting(&self) -> usize {
        self.0.dial.lock().events.len()
    }
}

impl Dial {
    /// Is there a thread? Starts one, unless there was or the system refuses; who
    /// comes next asks it again.
    fn has_thread(&mut self, shared: &Arc<Shared>) -> bool {
        if let Thread::Absent = self.thread {
            let builder = thread::Builder::new().name("heist-timer".into());
            let (builder, _) = config::with_stack(builder, shared.stack_size);
            let own = Arc::clone(shared);
            if let Ok(thread) = builder.spawn(move || own.run()) {
                self.thread = Thread::Present(thread);
            }
        }
        matches!(self.thread, Thread::Present(_))
    }

    fn would_miss(&self, when: Instant) -> bool {
        match self.nap {
            Nap::None => false,
            Nap::Until(end) => when < end,
            Nap::Open => true,
        }
    }
}

impl Shared {
    /// Runs each event at its time, until the timer is dismissed.
    fn run(&self) {
        HERE.with(|here| here.set(ptr::from_ref(self)));
        self.cpus.apply();
        let mut dial = self.dial.lock();
        while !matches!(dial.thread, Thread::Dismissed) {
            let next = dial.events.first_entry();
            let Some(next) = next else {
                dial.nap = Nap::Open;
                dial = self.bell.wait(dial);
                continue;
            };
            let when = next.key().when;
            if Instant::now() < when {
                dial.nap = Nap::Until(when);
                dial = self.bell.wait_until(dial, when);
                continue;
            }
            let event = next.remove();
            dial.nap = Nap::None;
            drop(dial);
            unwind::discard(unwind::catch(event));
            // It may have forked.
            self.process.or_abort();
            dial = self.dial.lock();
        }
    }

    /// Wakes the thread if it sleeps.
    fn ring(&self, mut dial: MutexGuard<'_, Dial>) {
        let asleep = !matches!(mem::take(&mut dial.nap), Nap::None);
        drop(dial);
        if asleep {
            self.bell.notify_one();
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Event, Timer};
    use crate::{
        parker::Parker,
        sync::{Arc, Mutex},
    };

    const NEVER: Duration = Duration::from_secs(3600);

    /// What events say, in the order they say it.
    #[derive(Default)]
    struct Log(Mutex<Vec<u32>>, Parker);

    impl Log {
        fn event(self: &Arc<Self>, what: u32) -> Event {
            let log = Arc::clone(self);
            Box::new(move || log.say(what))
        }

        fn say(&self, what: u32) {
            self.0.lock().push(what);
            self.1.unpark();
        }

        /// Blocks until so much was said.
        fn hear(&self, many: usize) -> Vec<u32> {
            while self.0.lock().len() < many {
                self.1.park();
            }
            self.0.lock().clone()
        }
    }

    #[test]
    fn events_run_in_the_order_of_their_time_whatever_order_they_come_in() {
        let (timer, log) = (Timer::new(None), Arc::<Log>::default());
        let start = Instant::now() + Duration::from_millis(50);
        for n in [3, 1, 2, 0] {
            let when = start + Duration::from_millis(n);
            timer.at(when, log.event(n as u32)).unwrap();
        }
        assert_eq!(log.hear(4), [0, 1, 2, 3]);
        assert!(Instant::now() >= start);
        timer.dismiss();
    }

    #[test]
    fn an_event_that_was_cancelled_does_not_run_and_leaves_nothing() {
        let (timer, log) = (Timer::new(None), Arc::<Log>::default());
        let later = Instant::now() + NEVER;
        let keys: Vec<_> = (0..1000).map(|n| timer.at(later, log.event(n)).unwrap()).collect();
        assert!(keys.iter().all(|&key| timer.cancel(key)));
        assert!(keys.iter().all(|&key| !timer.cancel(key)));
        assert_eq!((timer.waiting(), Arc::strong_count(&log)), (0, 1));
        timer.dismiss();
        assert!(log.0.lock().is_empty());
    }

    #[test]
    fn an_earlier_event_is_not_slept_through() {
        let (timer, log) = (Timer::new(None), Arc::<Log>::default());
        timer.after(NEVER, || unreachable!("that is an hour")).unwrap();
        for n in 0..100 {
            timer.at(Instant::now(), log.event(n)).unwrap();
            log.hear(n as usize + 1);
        }
        timer.dismiss();
    }

    #[test]
    fn an_event_that_panics_takes_no_other_with_it() {
        let (timer, log) = (Timer::new(None), Arc::<Log>::default());
        timer.at(Instant::now(), || std::panic::resume_unwind(Box::new(1))).unwrap();
        timer.at(Instant::now(), log.event(7)).unwrap();
        assert_eq!(log.hear(1), [7]);
        timer.dismiss();
    }

    #[test]
    fn events_may_set_cancel_and_dismiss() {
        let (timer, log) = (Timer::new(None), Arc::<Log>::default());
        let (own, said) = (timer.clone(), Arc::clone(&log));
        let event = move || {
            let late = own.after(NEVER, || unreachable!("that is an hour")).unwrap();
            assert!(own.cancel(late) && own.is_here());
            own.dismiss();
            assert!(own.at(Instant::now(), || unreachable!("it is dismissed")).is_none());
            said.say(1);
        };
        timer.at(Instant::now(), event).unwrap();
        assert_eq!(log.hear(1), [1]);
        assert!(!timer.is_here());
    }

    #[test]
    fn what_is_set_when_it_is_dismissed_is_dropped() {
        let (timer, log) = (Timer::new(None), Arc::<Log>::default());
        timer.after(NEVER, log.event(1)).unwrap();
        timer.dismiss();
        assert_eq!(Arc::strong_count(&log), 1);
        assert!(timer.after(Duration::ZERO, log.event(2)).is_none());
        assert_eq!(Arc::strong_count(&log), 1);
    }
}
