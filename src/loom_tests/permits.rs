//! Permits: as many as there are, in the order of arrival, until closed.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll},
};

use super::explore::{ANY, Cell, Preemptions, explore};
use crate::{
    parker::Parker,
    permits::{Permits, Refused},
    sync::{Arc, thread},
};

fn acquire(permits: &Permits) -> Result<usize, Refused> {
    let parker = Arc::new(Parker::new());
    let waker = parker.waker();
    let mut wait = pin!(permits.acquire());
    loop {
        if let Poll::Ready(decided) = wait.as_mut().poll(&mut Context::from_waker(&waker)) {
            return decided;
        }
        parker.park();
    }
}

/// ORDERING(permit): what was done with a permit is seen by its next holder,
/// and nobody waits for a permit that is free.
#[test]
fn loom_permit_one_permit_has_one_holder() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let guarded = Arc::new((Permits::new(1), Cell::<u32>::default()));
        let hold = |guarded: &(Permits, Cell<u32>)| {
            assert_eq!(acquire(&guarded.0), Ok(1));
            guarded.1.write(|value| *value += 1);
            guarded.0.release(1);
        };
        let other = {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || hold(&guarded))
        };
        hold(&guarded);
        other.join().unwrap();
        assert_eq!((guarded.0.in_use(), guarded.0.waiting()), (0, 0));
    });
}

/// ORDERING(permit): whoever sees that no permit is in use sees what was done under
/// those there were.
#[test]
fn loom_permit_none_in_use_comes_with_what_was_done() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let guarded = Arc::new((Permits::new(1), Cell::<u32>::default()));
        assert_eq!(guarded.0.try_acquire(), Ok(1));
        let looking = {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || {
                if guarded.0.in_use() == 0 {
                    assert_eq!(guarded.1.read(|value| *value), 1);
                }
            })
        };
        guarded.1.write(|value| *value = 1);
        guarded.0.release(1);
        looking.join().unwrap();
    });
}

/// ORDERING(permit): who waits when the permits are closed is sent away, and
/// a permit that was handed out stays one.
#[test]
fn loom_permit_close_leaves_nobody_waiting() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let permits = Arc::new(Permits::new(1));
        assert_eq!(permits.try_acquire(), Ok(1));
        let waiting = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || match acquire(&permits) {
                Ok(_) => permits.release(1),
                Err(refused) => assert_eq!(refused, Refused::Closed),
            })
        };
        let closing = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || permits.close())
        };
        permits.release(1);
        waiting.join().unwrap();
        closing.join().unwrap();
        assert_eq!((permits.in_use(), permits.waiting()), (0, 0));
    });
}

/// ORDERING(permit): a place that is given up does not swallow the permit that
/// was meant for it.
#[test]
fn loom_permit_a_place_given_up_passes_the_permit_on() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let permits = Arc::new(Permits::new(1));
        assert_eq!(permits.try_acquire(), Ok(1));
        let fickle = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || {
                let waker = Arc::new(Parker::new()).waker();
                let mut wait = pin!(permits.acquire());
                match wait.as_mut().poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(decided) => {
                        assert!(decided.is_ok());
                        permits.release(1);
                    }
                    Poll::Pending => (),
                }
            })
        };
        let patient = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || {
                assert!(acquire(&permits).is_ok());
                permits.release(1);
            })
        };
        permits.release(1);
        fickle.join().unwrap();
        patient.join().unwrap();
        assert_eq!((permits.in_use(), permits.waiting()), (0, 0));
    });
}

/// ORDERING(permit): whoever is in line is served before whoever comes later.
#[test]
fn loom_permit_nobody_overtakes_the_line() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let shared = Arc::new((Permits::new(1), Cell::<u32>::default()));
        assert_eq!(shared.0.try_acquire(), Ok(1));
        let waiting = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                assert_eq!(acquire(&shared.0), Ok(1));
                shared.1.write(|turns| *turns += 1);
                shared.0.release(1);
            })
        };
        thread::yield_now();
        let was_in_line = shared.0.waiting() == 1;
        shared.0.release(1);
        if shared.0.try_acquire().is_ok() {
            assert!(!was_in_line || shared.1.read(|turns| *turns) == 1);
            shared.0.release(1);
        }
        waiting.join().unwrap();
    });
}

/// ORDERING(permit): a waiter that is polled with another waker is woken by that.
#[test]
fn loom_permit_the_last_waker_is_woken() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let permits = Arc::new(Permits::new(1));
        assert_eq!(permits.try_acquire(), Ok(1));
        let waiting = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || {
                let [before, after] = [(); 2].map(|()| Arc::new(Parker::new()));
                let mut wait = pin!(permits.acquire());
                let first = wait.as_mut().poll(&mut Context::from_waker(&before.waker()));
                if first.is_pending() {
                    let waker = after.waker();
                    while wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                        after.park();
                    }
                }
                permits.release(1);
            })
        };
        permits.release(1);
        waiting.join().unwrap();
        assert_eq!((permits.in_use(), permits.waiting()), (0, 0));
    });
}

/// ORDERING(permit): a permit on its way to somebody who gives up is not lost
/// when the permits are closed meanwhile.
#[test]
fn loom_permit_close_takes_back_what_nobody_came_for() {
    explore(Preemptions { quick: 3, full: ANY }, || {
        let permits = Arc::new(Permits::new(1));
        assert_eq!(permits.try_acquire(), Ok(1));
        let fickle = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || {
                let waker = Arc::new(Parker::new()).waker();
                let mut wait = pin!(permits.acquire());
                if let Poll::Ready(Ok(_)) = wait.as_mut().poll(&mut Context::from_waker(&waker)) {
                    permits.release(1);
                }
            })
        };
        let closing = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || permits.close())
        };
        permits.release(1);
        fickle.join().unwrap();
        closing.join().unwrap();
        assert_eq!((permits.in_use(), permits.waiting()), (0, 0));
    });
}

/// ORDERING(permit): of two in line the first is served.
#[test]
fn loom_permit_the_line_is_served_in_order() {
    explore(Preemptions { quick: ANY, full: ANY }, || {
        let permits = Arc::new(Permits::new(1));
        assert_eq!(permits.try_acquire(), Ok(1));
        let waker = Arc::new(Parker::new()).waker();
        let mut cx = Context::from_waker(&waker);
        let (mut first, mut second) = (pin!(permits.acquire()), pin!(permits.acquire()));
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        let releasing = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || permits.release(1))
        };
        assert!(second.as_mut().poll(&mut cx).is_pending());
        releasing.join().unwrap();
        assert!(first.as_mut().poll(&mut cx).is_ready());
        permits.release(1);
        assert!(second.as_mut().poll(&mut cx).is_ready());
    });
}
