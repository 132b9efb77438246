//! Wakers that do more than wake: call back into the pool, or panic.

use std::panic::{self, AssertUnwindSafe};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Wake, Waker};

use heist::{JoinHandle, ThreadPool};

use crate::support::{
    Count, Gate, NORMAL, alone, assert_whole, builder, fall_asleep, hold, parks, poll, pool, until,
    within_a_minute,
};

/// Calls into the pool when it is woken and when it is dropped: a lock that the
/// pool held meanwhile would never be free again.
struct CallBack {
    pool: Arc<ThreadPool>,
    woken: Arc<Count>,
}

impl CallBack {
    fn waker(pool: &Arc<ThreadPool>, woken: &Arc<Count>) -> Waker {
        Waker::from(Arc::new(CallBack { pool: pool.clone(), woken: woken.clone() }))
    }

    fn call(&self) {
        drop(self.pool.try_spawn(|| ()));
        drop(poll(Box::pin(self.pool.spawn_async(|| ())).as_mut(), Waker::noop()));
        assert_eq!(self.pool.metrics().workers.len(), self.pool.num_threads());
    }
}

impl Wake for CallBack {
    fn wake(self: Arc<Self>) {
        self.call();
        self.woken.add();
    }
}

impl Drop for CallBack {
    fn drop(&mut self) {
        self.call();
    }
}

#[test]
fn a_waker_of_a_handle_may_call_into_the_pool() {
    within_a_minute(|| {
        let pool = Arc::new(builder(1).injector_capacity(4).build().unwrap());
        let woken = Count::shared();
        for _ in 0..100 {
            let before = woken.get();
            let held = hold(&pool);
            let mut handle = Box::pin(pool.spawn(|| ()));
            assert!(poll(handle.as_mut(), &CallBack::waker(&pool, &woken)).is_pending());
            // The second waker takes the place of the first, which is dropped.
            assert!(poll(handle.as_mut(), &CallBack::waker(&pool, &woken)).is_pending());
            held.release();
            until(|| woken.get() > before);
            assert!(poll(handle.as_mut(), Waker::noop()).is_ready());
        }
    });
}

#[test]
fn a_waker_of_a_cancelled_handle_may_call_into_the_pool() {
    within_a_minute(|| {
        let pool = Arc::new(pool(1));
        let woken = Count::shared();
        let held = hold(&pool);
        let mut handle = Box::pin(pool.spawn(|| ()));
        assert!(poll(handle.as_mut(), &CallBack::waker(&pool, &woken)).is_pending());
        assert!(handle.cancel());
        assert_eq!(woken.get(), 1);
        held.release();
    });
}

#[test]
fn a_waker_in_line_for_room_may_call_into_the_pool() {
    within_a_minute(|| {
        let pool = Arc::new(builder(1).injector_capacity(1).build().unwrap());
        let woken = Count::shared();
        for turn in 0..100 {
            let before = woken.get();
            let held = hold(&pool);
            while pool.try_spawn(|| ()).is_ok() {}
            let mut waiting = Box::pin(pool.spawn_async(|| ()));
            assert!(poll(waiting.as_mut(), &CallBack::waker(&pool, &woken)).is_pending());
            assert!(poll(waiting.as_mut(), &CallBack::waker(&pool, &woken)).is_pending());
            if turn % 2 == 0 {
                held.release();
                until(|| woken.get() > before);
                drop(waiting);
            } else {
                drop(waiting);
                held.release();
            }
            until(|| pool.metrics().lanes[NORMAL].depth == 0);
        }
    });
}

#[test]
fn a_waker_in_line_when_the_pool_closes_may_call_into_the_pool() {
    within_a_minute(|| {
        let pool = Arc::new(builder(1).injector_capacity(1).build().unwrap());
        let woken = Count::shared();
        let held = hold(&pool);
        drop(pool.spawn(|| ()));
        let mut line: Vec<_> = (0..3).map(|_| Box::pin(pool.spawn_async(|| ()))).collect();
        for waiting in &mut line {
            assert!(poll(waiting.as_mut(), &CallBack::waker(&pool, &woken)).is_pending());
        }
        pool.close();
        until(|| woken.get() == 3);
        drop(line);
        held.release();
    });
}

/// Drops a handle when it is woken: perhaps the very one it was polled with.
struct DropHandle(Mutex<Option<JoinHandle<()>>>);

impl Wake for DropHandle {
    fn wake(self: Arc<Self>) {
        drop(self.0.lock().unwrap().take());
    }
}

#[test]
fn a_waker_may_drop_the_handle_it_was_polled_with() {
    within_a_minute(|| {
        let pool = pool(1);
        for _ in 0..100 {
            let held = hold(&pool);
            let mut handle = pool.spawn(|| ());
            let owner = Arc::new(DropHandle(Mutex::new(None)));
            let waker = Waker::from(owner.clone());
            assert!(poll(Pin::new(&mut handle), &waker).is_pending());
            *owner.0.lock().unwrap() = Some(handle);
            held.release();
            until(|| owner.0.lock().unwrap().is_none());
        }
        assert_whole(&pool);
    });
}

struct PanicOnWake(mpsc::Sender<()>);

impl Wake for PanicOnWake {
    fn wake(self: Arc<Self>) {
        self.0.send(()).unwrap();
        panic!("woken");
    }
}

#[test]
fn a_worker_survives_a_waker_that_panics() {
    alone("wakers::a_worker_survives_a_waker_that_panics", || {
        let pool = builder(1).injector_capacity(1).build().unwrap();
        let (send, woken) = mpsc::channel();
        let waker = Waker::from(Arc::new(PanicOnWake(send)));
        // The waker of a handle, called by the worker that ran the task.
        let held = hold(&pool);
        let mut handle = Box::pin(pool.spawn(|| ()));
        assert!(poll(handle.as_mut(), &waker).is_pending());
        held.release();
        woken.recv().unwrap();
        assert_whole(&pool);
        // The waker of one in line, called by the worker that took a task.
        let held = hold(&pool);
        let ran = Count::shared();
        let task = ran.clone();
        drop(pool.spawn(move || task.add()));
        let mut waiting = Box::pin(pool.spawn_async(|| ()));
        assert!(poll(waiting.as_mut(), &waker).is_pending());
        held.release();
        woken.recv().unwrap();
        // The task that was taken when the waker panicked is not lost.
        until(|| ran.get() == 1);
        drop(waiting);
        assert_whole(&pool);
        pool.shutdown();
    });
}

/// Waits in its end for what the pool has to do.
struct SpawnOnDrop(Arc<ThreadPool>);

impl Wake for SpawnOnDrop {
    fn wake(self: Arc<Self>) {}
}

impl Drop for SpawnOnDrop {
    fn drop(&mut self) {
        let (say, heard) = mpsc::channel();
        drop(self.0.spawn(move || say.send(()).unwrap()));
        heard.recv().unwrap();
    }
}

/// Polls a handle once its job runs, and joins it: the waker ends before that waits.
fn poll_and_join<H: Future + Unpin>(
    mut handle: H,
    waker: Waker,
    [begun, polled]: [&Gate; 2],
    join: impl FnOnce(H),
) {
    begun.pass();
    assert!(poll(Pin::new(&mut handle), &waker).is_pending());
    drop(waker);
    polled.open();
    join(handle);
}

#[test]
fn the_waker_of_a_poll_is_gone_before_a_join_waits() {
    within_a_minute(|| {
        for scoped in [false, true] {
            let pool = Arc::new(pool(3));
            for _ in 0..50 {
                let (gate, begun, asleep) = (Gate::shared(), Gate::shared(), parks(&pool));
                let (pass, begin) = (gate.clone(), begun.clone());
                let polled = Gate::shared();
                let poll_it = polled.clone();
                let body = move || {
                    begin.open();
                    pass.pass();
                };
                let waker = Waker::from(Arc::new(SpawnOnDrop(pool.clone())));
                let joins = pool.spawn(move || {
                    let gates = [&*begun, &*poll_it];
                    if scoped {
                        heist::scope(|s| {
                            let job = s.spawn_handle(|_| body());
                            poll_and_join(job, waker, gates, |job| job.join().unwrap());
                        });
                    } else {
                        let task = heist::spawn(body);
                        poll_and_join(task, waker, gates, |task| task.join().unwrap());
                    }
                });
                polled.pass();
                until(|| parks(&pool) > asleep);
                gate.open();
                joins.join().unwrap();
            }
            assert_whole(&pool);
        }
    });
}

/// Waits, when it is woken, for a job that another worker has to run.
struct Delegate {
    pool: Arc<ThreadPool>,
    woken: Arc<Count>,
}

impl Wake for Delegate {
    fn wake(self: Arc<Self>) {
        let (say, heard) = mpsc::channel();
        self.pool.scope(move |s| {
            s.spawn(move |_| say.send(()).unwrap());
            heard.recv().unwrap();
        });
        self.woken.add();
    }
}

/// A worker that was woken for a task makes room by taking it, and calls the waker of
/// whoever waits for that. Until then posters count on it.
#[test]
fn a_waker_in_line_for_room_may_wait_for_what_another_worker_is_to_run() {
    within_a_minute(|| {
        let pool = Arc::new(builder(2).injector_capacity(1).build().unwrap());
        let (mut waited, woken) = (0, Count::shared());
        for _ in 0..200 {
            fall_asleep(&pool);
            let first = pool.spawn(|| ());
            let waker =
                Waker::from(Arc::new(Delegate { pool: pool.clone(), woken: woken.clone() }));
            let mut second = Box::pin(pool.spawn_async(|| ()));
            let mut entered = poll(second.as_mut(), &waker);
            if entered.is_pending() {
                waited += 1;
                until(|| woken.get() == waited);
                entered = poll(second.as_mut(), Waker::noop());
            }
            first.join().unwrap();
            match entered {
                Poll::Ready(task) => task.unwrap().join().unwrap(),
                Poll::Pending => panic!("woken before there was room"),
            }
        }
        assert!(waited > 0, "there was room each time");
    });
}

/// Joins a task when it is woken, and says whether that panicked.
struct JoinOnWake(Mutex<Option<JoinHandle<()>>>, mpsc::Sender<bool>);

impl Wake for JoinOnWake {
    fn wake(self: Arc<Self>) {
        let task = self.0.lock().unwrap().take().expect("woken once");
        let joined = panic::catch_unwind(AssertUnwindSafe(|| task.join()));
        self.1.send(joined.is_err()).unwrap();
    }
}

#[test]
fn a_waker_that_joins_a_later_task_of_the_key_whose_turn_it_is_does_not_wait_for_ever() {
    within_a_minute(|| {
        let pool = builder(1).injector_capacity(2).build().unwrap();
        let held = hold(&pool);
        drop(pool.spawn_keyed(1, || ()));
        let second = pool.spawn_keyed(1, || ());
        let (say, heard) = mpsc::channel();
        let waker = Waker::from(Arc::new(JoinOnWake(Mutex::new(Some(second)), say)));
        let mut waits = pin!(pool.spawn_async(|| ()));
        assert!(poll(waits.as_mut(), &waker).is_pending());
        held.release();
        assert!(heard.recv().unwrap());
    });
}
