//! Bulkheads, keys and futures, from outside and inside, to any end.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::Poll;
use std::thread;

use heist::{Bulkhead, JoinHandle};

use crate::books::{Books, add};
use crate::crew::{build, until};
use crate::rounds::{Dice, rounds};
use crate::watchdog::Pool;

/// What all tasks of a round know.
struct Round {
    classes: Vec<(Bulkhead, usize, AtomicUsize)>,
    /// For each key, whether somebody is at it, and the number of its last task.
    keys: Vec<(AtomicBool, AtomicUsize)>,
    accepted: AtomicUsize,
    ran: AtomicUsize,
    cancelled: AtomicUsize,
}

impl Round {
    fn start(pool: &Pool, dice: &Dice) -> Arc<Round> {
        let class = |_| {
            let (limit, queue) = (1 + dice.below(3), dice.below(20));
            let class = pool.bulkhead("class").limit(limit).queue(queue).build().unwrap();
            (class, limit, AtomicUsize::new(0))
        };
        Arc::new(Round {
            classes: (0..2).map(class).collect(),
            keys: (0..4).map(|_| Default::default()).collect(),
            accepted: AtomicUsize::new(0),
            ran: AtomicUsize::new(0),
            cancelled: AtomicUsize::new(0),
        })
    }

    /// Spawns something, perhaps from inside such a task. None: it was refused.
    fn spawn(self: &Arc<Self>, pool: &Arc<Pool>, dice: &Dice, depth: usize) {
        let (this, own, inner) = (self.clone(), pool.clone(), dice.fork());
        let more = move || {
            inner.dawdle();
            if depth > 0 && inner.one_in(2) {
                this.spawn(&own, &inner, depth - 1);
            }
            add(&this.ran);
        };
        let this = self.clone();
        let which = dice.below(4);
        let handle = match dice.below(3) {
            0 => {
                let which = which % self.classes.len();
                self.classes[which]
                    .0
                    .try_spawn(move || {
                        let (_, limit, inside) = &this.classes[which];
                        // Those that wait for one of their own have lent it their place,
                        // and none of these waits for another.
                        assert!(inside.fetch_add(1, SeqCst) < *limit, "too many at once");
                        inside.fetch_sub(1, SeqCst);
                        more();
                    })
                    .map_err(drop)
            }
            1 => {
                // Numbers are drawn before tasks are spawned, so only one thread's are
                // in order: a key for each.
                pool.try_spawn_keyed(which, move || {
                    let (busy, runs) = &this.keys[which];
                    assert!(!busy.swap(true, SeqCst), "two of one key at once");
                    runs.fetch_add(1, SeqCst);
                    busy.store(false, SeqCst);
                    more();
                })
                .map_err(drop)
            }
            _ => {
                let (mut turns, mut more) = (which, Some(more));
                let future = poll_fn(move |cx| {
                    if turns > 0 {
                        turns -= 1;
                        let waker = cx.waker().clone();
                        // From here, or from a thread that is on its way.
                        if turns == 1 {
                            thread::spawn(move || waker.wake());
                        } else {
                            waker.wake();
                        }
                        return Poll::Pending;
                    }
                    more.take().expect("once")();
                    Poll::Ready(())
                });
                pool.task().try_spawn_future(future).map_err(drop)
            }
        };
        if let Ok(handle) = handle {
            add(&self.accepted);
            self.treat(dice, handle, depth);
        }
    }

    fn treat(&self, dice: &Dice, handle: JoinHandle<()>, depth: usize) {
        if dice.one_in(6) && handle.cancel() {
            add(&self.cancelled);
        }
        // Inside a strand a task of its own key is not to be waited for.
        match dice.below(3) {
            0 if depth == 2 => drop(handle.join()),
            _ => drop(handle),
        }
    }
}

#[test]
fn classes_keys_and_futures_keep_their_limits_and_lose_nothing() {
    rounds(|dice, score| {
        let books = Books::of(1);
        let (pool, crew) = build(dice, score, dice.pick(&[2, 64, 4096]), &books);
        let pool = Arc::new(pool);
        let round = Round::start(&pool, dice);
        thread::scope(|threads| {
            for dice in (0..2).map(|_| dice.fork()) {
                let (pool, round) = (pool.clone(), round.clone());
                threads.spawn(move || (0..40).for_each(|_| round.spawn(&pool, &dice, 2)));
            }
        });
        // Until nothing more comes from inside.
        let ends = |now: &heist::Metrics| {
            now.tasks_completed() + now.tasks_panicked() + now.tasks_cancelled()
        };
        if dice.one_in(2) {
            until(|| {
                let now = pool.metrics();
                ends(&now) == now.tasks_spawned()
            });
        }
        books.close();
        pool.close();
        until(|| {
            let now = pool.metrics();
            ends(&now) == now.tasks_spawned()
        });
        assert_eq!(pool.metrics().tasks_panicked(), 0);
        for (class, limit, _) in &round.classes {
            let now = class.metrics();
            assert!((now.queued, now.most_running) <= (0, *limit), "{now}");
        }
        // What each task holds of the pool is gone soon.
        let mut pool = pool;
        let pool = loop {
            match Arc::try_unwrap(pool) {
                Ok(pool) => break pool,
                Err(shared) => pool = shared,
            }
            thread::yield_now();
        };
        drop(pool);
        crew.assert_over();
        let counts = [&round.accepted, &round.ran, &round.cancelled].map(|n| n.load(SeqCst));
        assert!(counts[0] <= counts[1] + counts[2], "{counts:?}");
        score.tasks += counts[1] as u64;
    });
}
