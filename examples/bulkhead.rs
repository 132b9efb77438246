//! Two services on one pool, of which one has become slow: its bulkhead is full, it
//! sheds load, and the other does not notice.
//!
//! `cargo run --release --example bulkhead [-- REQUESTS]`

use std::{
    env,
    error::Error,
    thread,
    time::{Duration, Instant},
};

use heist::{Bulkhead, JoinHandle, ThreadPool};

/// How long the database of the payments takes today, and that of the users.
const SLOW: Duration = Duration::from_millis(20);
const QUICK: Duration = Duration::from_micros(200);

/// A request, from its arrival to its answer.
struct Answer {
    of: usize,
    took: Duration,
}

fn main() -> Result<(), Box<dyn Error>> {
    let requests = match env::args().nth(1) {
        Some(text) => text.parse().map_err(|_| format!("not a number of requests: {text:?}"))?,
        None => 500,
    };
    let pool = ThreadPool::builder().num_threads(8).build()?;
    let users = pool.bulkhead("users").limit(6).queue(1000).build()?;
    let payments = pool.bulkhead("payments").limit(2).queue(20).build()?;

    let (mut found, mut paid, mut shed) = (Vec::new(), Vec::new(), 0);
    for of in 0..requests {
        // A request a half millisecond, to both services.
        thread::sleep(Duration::from_micros(500));
        found.push(spawn(&users, of, QUICK).map_err(|_| "the users have room")?);
        match spawn(&payments, of, SLOW) {
            Ok(answer) => paid.push(answer),
            // Try again later, says the answer: better now than after a time-out.
            Err(_busy) => shed += 1,
        }
    }
    println!("{users}\n{payments}\n", users = users.metrics(), payments = payments.metrics());

    let (found, paid) = (slowest(found)?, slowest(paid)?);
    println!("users:    {} answers, the slowest took {:?}", found.0, found.1);
    println!("payments: {} answers, the slowest took {:?}; {shed} shed", paid.0, paid.1);
    assert_eq!((found.0, paid.0 + shed), (requests, requests));
    assert!(users.metrics().most_running <= 6 && payments.metrics().most_running <= 2);
    assert_eq!(payments.metrics().rejected as usize, shed);
    pool.shutdown();
    Ok(())
}

/// Asks a service; its database takes `time`. An error: it has too much to do.
fn spawn(service: &Bulkhead, of: usize, time: Duration) -> Result<JoinHandle<Answer>, String> {
    let arrival = Instant::now();
    let ask = move || {
        thread::sleep(time);
        Answer { of, took: arrival.elapsed() }
    };
    service.try_spawn(ask).map_err(|refused| refused.to_string())
}

/// How many answers there are, each to a request of its own, and the longest time.
fn slowest(answers: Vec<JoinHandle<Answer>>) -> Result<(usize, Duration), heist::JoinError> {
    let (mut count, mut longest, mut last) = (0, Duration::ZERO, None);
    for answer in answers {
        let answer = answer.join()?;
        assert!(last < Some(answer.of), "in the order of the requests");
        last = Some(answer.of);
        (count, longest) = (count + 1, longest.max(answer.took));
    }
    Ok((count, longest))
}
