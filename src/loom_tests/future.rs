//! A future: no wake-up is lost to a poll, and it is dropped once, by one owner.

use std::{
    future::poll_fn,
    task::{Poll, Wake, Waker},
};

use super::{
    explore::{ANY, Cell, Preemptions, Tracked, explore},
    house::pool,
};
use crate::{
    sync::{Arc, AtomicUsize, Mutex, Ordering, thread},
    turns::{Due, Next, Turns},
};

/// A future in its hands, and the errands on their way to it.
struct Future {
    turns: Turns<Owned>,
    errands: AtomicUsize,
    dropped: AtomicUsize,
}

/// How often somebody was told that it is due.
#[derive(Default)]
struct Rings(AtomicUsize);

impl Wake for Rings {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// What a poll has for itself; loom sees to it that it is dropped.
#[derive(Default)]
struct Owned(Arc<Cell<u32>>, #[allow(dead_code, reason = "it is there to be dropped")] Tracked);

impl Future {
    fn new() -> Arc<Self> {
        let turns = Turns::new(Owned::default());
        Arc::new(Future { turns, errands: AtomicUsize::new(0), dropped: AtomicUsize::new(0) })
    }

    fn wake(&self) {
        if let Some(due) = self.turns.wake() {
            self.call(due);
        }
    }

    fn call(&self, due: Due) {
        if due.errand {
            let others = self.errands.fetch_add(1, Ordering::SeqCst);
            assert_eq!(others, 0, "one is on its way");
        }
        due.waker.into_iter().for_each(Waker::wake);
    }

    fn drop_it(&self, owned: Owned) {
        owned.0.write(|polls| *polls += 1);
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }

    fn cancel(&self) {
        if let Some(owned) = self.turns.end() {
            self.drop_it(owned);
        }
    }

    /// An errand arrives; false if there is none.
    fn arrive(&self, look: impl FnOnce()) -> bool {
        let one_less = |errands: usize| errands.checked_sub(1);
        if self.errands.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_err() {
            return false;
        }
        self.poll(self.turns.arrive(), look);
        true
    }

    /// How often it was polled.
    fn poll(&self, begun: Option<Owned>, look: impl FnOnce()) -> usize {
        let Some(owned) = begun else { return 0 };
        owned.0.write(|polls| *polls += 1);
        look();
        match self.turns.put_back(owned) {
            Next::Rest => (),
            Next::Again(due) => self.call(due),
            Next::Drop(owned) => self.drop_it(owned),
        }
        1
    }
}

#[test]
fn loom_future_a_wake_up_beside_a_poll_is_not_lost() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let future = Future::new();
        let said = Arc::new(AtomicUsize::new(0));
        let waker = {
            let (future, said) = (Arc::clone(&future), Arc::clone(&said));
            thread::spawn(move || {
                said.store(1, Ordering::SeqCst);
                future.wake();
            })
        };
        let (mut heard, rings) = (0, Arc::new(Rings::default()));
        let mut look = || {
            future.turns.wake_when_due(&Waker::from(Arc::clone(&rings)));
            heard = said.load(Ordering::SeqCst);
        };
        let first = future.poll(future.turns.begin(), &mut look);
        // Somebody waits for it.
        let second = future.poll(future.turns.begin(), &mut look);
        waker.join().unwrap();
        // Each time that it became due again they were told.
        let due = second + usize::from(future.turns.is_due());
        assert_eq!((first, rings.0.load(Ordering::SeqCst)), (1, due));
        while future.arrive(&mut look) {}
        // The last poll sees what was said before the wake-up.
        assert_eq!(heard, 1);
        future.cancel();
        assert_eq!(future.dropped.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn loom_future_a_wake_up_a_poll_and_a_cancel_drop_it_once() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let future = Future::new();
        let acts: [fn(&Future); 2] = [Future::wake, Future::cancel];
        let others = acts.map(|act| {
            let future = Arc::clone(&future);
            thread::spawn(move || act(&future))
        });
        future.poll(future.turns.begin(), || ());
        others.into_iter().for_each(|other| other.join().unwrap());
        while future.arrive(|| ()) {}
        assert_eq!(future.dropped.load(Ordering::SeqCst), 1);
        assert!(!future.turns.is_due());
    });
}

#[test]
fn loom_future_a_pool_polls_what_another_thread_wakes() {
    explore(Preemptions { quick: 1, full: 3 }, || {
        let pool = pool(1, 0);
        let door = Arc::new(Mutex::new((false, None::<Waker>)));
        let passed = Arc::clone(&door);
        let future = pool.spawn_future(poll_fn(move |cx| {
            let mut door = passed.lock();
            door.1 = Some(cx.waker().clone());
            if door.0 { Poll::Ready(7) } else { Poll::Pending }
        }));
        let opener = thread::spawn(move || {
            let waker = {
                let mut door = door.lock();
                door.0 = true;
                door.1.take()
            };
            waker.into_iter().for_each(Waker::wake);
        });
        assert_eq!(future.join().unwrap(), 7);
        opener.join().unwrap();
        pool.shutdown();
    });
}
