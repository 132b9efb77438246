//! Keys: each one's tasks one at a time and in their order, whoever steals them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use heist::JoinHandle;

use crate::books::{Books, add};
use crate::crew::{build, spawn, until};
use crate::rounds::{Dice, rounds};
use crate::watchdog::Pool;

const TASKS: usize = 60;
/// The most keys of a spawner, the hot one among them.
const KEYS: usize = 32;
/// For each keyed task there may be one without, and its family.
const BESIDE: usize = TASKS * 4;

/// A key of one spawner, whose numbers so rise.
#[derive(Default)]
struct Key {
    busy: AtomicBool,
    /// One more than the number of the task that ran last.
    next: AtomicUsize,
}

/// What one thread spawns: half of it onto one hot key.
struct Spawner {
    keys: Vec<Key>,
    accepted: AtomicUsize,
    ran: AtomicUsize,
    cancelled: AtomicUsize,
}

impl Spawner {
    fn new(keys: usize) -> Arc<Spawner> {
        Arc::new(Spawner {
            keys: (0..keys).map(|_| Key::default()).collect(),
            accepted: AtomicUsize::new(0),
            ran: AtomicUsize::new(0),
            cancelled: AtomicUsize::new(0),
        })
    }

    fn run(&self, which: usize, number: usize, dice: &Dice) {
        let key = &self.keys[which];
        assert!(!key.busy.swap(true, SeqCst), "two of one key at once");
        dice.dawdle();
        if dice.one_in(8) {
            // Helps meanwhile, perhaps another key, but never this one.
            let other = dice.fork();
            heist::join(move || other.dawdle(), || ());
        }
        let next = key.next.swap(number + 1, SeqCst);
        assert!(next <= number, "number {number} after {next}");
        key.busy.store(false, SeqCst);
        add(&self.ran);
    }

    fn spawn(self: &Arc<Self>, pool: &Pool, own: usize, number: usize, dice: &Dice) {
        let which = if dice.one_in(2) { 0 } else { dice.below(self.keys.len()) };
        let (this, inner) = (self.clone(), dice.fork());
        let task = move || this.run(which, number, &inner);
        let key = (own, which);
        let handle = match dice.below(3) {
            0 => pool.try_spawn_keyed(key, task).ok(),
            1 => pool.task().spawn_keyed_timeout(key, task, dice.micros(300)).ok(),
            _ => Some(pool.spawn_keyed(key, task)),
        };
        if let Some(handle) = handle {
            add(&self.accepted);
            self.treat(dice, handle);
        }
    }

    fn treat(&self, dice: &Dice, handle: JoinHandle<()>) {
        match dice.below(6) {
            0 if handle.cancel() => add(&self.cancelled),
            1 if heist::current_thread_index().is_none() => {
                handle.join().expect("nobody cancels it");
            }
            _ => (),
        }
    }
}

#[test]
fn tasks_of_a_key_run_one_at_a_time_in_their_order() {
    rounds(|dice, score| {
        let books = Books::of(3 * BESIDE);
        let (pool, crew) = build(dice, score, dice.pick(&[4, 64, 4096]), &books);
        // Few that are all busy, or a hot one beside many cold.
        let keys = dice.pick(&[1, 3, KEYS]);
        let spawners: Vec<_> = (0..3).map(|_| Spawner::new(keys)).collect();
        thread::scope(|threads| {
            for (own, spawner) in spawners.iter().enumerate() {
                let (dice, pool, books) = (dice.fork(), &pool, &books);
                threads.spawn(move || {
                    let all = move || {
                        for number in 0..TASKS {
                            spawner.spawn(pool, own, number, &dice);
                            if own != 2 && dice.one_in(4) {
                                drop(spawn(pool, books, &dice));
                            }
                        }
                    };
                    // The last one from inside.
                    if own == 2 { pool.install(all) } else { all() }
                });
            }
        });
        let count = |of: fn(&Spawner) -> &AtomicUsize| {
            spawners.iter().map(|spawner| of(spawner).load(SeqCst)).sum::<usize>()
        };
        let (accepted, cancelled) = (count(|s| &s.accepted), count(|s| &s.cancelled));
        if dice.one_in(2) {
            until(|| count(|s| &s.ran) + cancelled == accepted);
        }
        // What runs beside may spawn until then.
        books.close();
        pool.end(|pool| pool.shutdown());
        crew.assert_over();
        assert_eq!(count(|s| &s.ran) + cancelled, accepted, "each ran, or was cancelled");
        assert_eq!(books.owed(), 0);
        until(|| books.all_dropped());
        score.tasks += accepted as u64;
    });
}
