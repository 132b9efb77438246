//! A ledger of accounts, one of which has most of the traffic: entries of one account are
//! made in their order, and never two at once, so nobody waits for an account's lock;
//! the others go on beside it.
//!
//! `cargo run --release --example celebrity_key [-- ENTRIES]`

use std::{
    env,
    error::Error,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use heist::{Metrics, ThreadPool};

const ACCOUNTS: usize = 1000;
/// The account that everybody pays to.
const CELEBRITY: usize = 7;

#[derive(Default)]
struct Account {
    balance: u64,
    /// What the entries say, one after the other: each hashes the one before.
    seal: u64,
    entries: u64,
}

/// One entry: an amount, sealed.
fn enter(account: &mut Account, amount: u64) {
    account.balance += amount;
    account.entries += 1;
    // Takes a few microseconds, and depends on the order.
    for _ in 0..1000 {
        account.seal = (account.seal ^ amount).wrapping_mul(0x0100_0000_01B3).rotate_left(23);
    }
}

/// The account and the amount of the `n`th entry.
fn entry(n: u64) -> (usize, u64) {
    let account = if n % 5 < 4 { CELEBRITY } else { (n / 5) as usize % ACCOUNTS };
    (account, n % 97 + 1)
}

fn main() -> Result<(), Box<dyn Error>> {
    let entries = match env::args().nth(1) {
        Some(text) => text.parse().map_err(|_| format!("not a number of entries: {text:?}"))?,
        None => 100_000,
    };
    let pool = ThreadPool::new()?;
    let ledger: Vec<_> = (0..ACCOUNTS).map(|_| Arc::new(Mutex::new(Account::default()))).collect();

    let start = Instant::now();
    for n in 0..entries {
        let (number, amount) = entry(n);
        let account = Arc::clone(&ledger[number]);
        // Nobody else has the lock: the key is the account's number.
        drop(pool.spawn_keyed(number, move || {
            let mut account = account.try_lock().expect("one entry of an account at a time");
            enter(&mut account, amount);
        }));
    }
    // Run by nobody but the workers: the metrics are to be those of all entries.
    let done = |metrics: &Metrics| metrics.tasks_completed() + metrics.tasks_panicked();
    while done(&pool.metrics()) < entries {
        thread::sleep(Duration::from_millis(1));
    }
    let took = start.elapsed();
    let metrics = pool.metrics();
    pool.shutdown();

    // The same, one after the other.
    let mut expected: Vec<_> = (0..ACCOUNTS).map(|_| Account::default()).collect();
    let start = Instant::now();
    for (number, amount) in (0..entries).map(entry) {
        enter(&mut expected[number], amount);
    }
    let alone = start.elapsed();
    for (account, expected) in ledger.iter().zip(&expected) {
        let account = account.lock().map_err(|_| "no entry panicked")?;
        assert_eq!((account.balance, account.seal), (expected.balance, expected.seal));
    }
    println!("{metrics}\n");
    println!(
        "{entries} entries, {} of them of one account, in {took:?} on {} workers; one after \
         the other in {alone:?}. Every seal is the same.",
        expected[CELEBRITY].entries,
        metrics.workers.len(),
    );
    Ok(())
}
