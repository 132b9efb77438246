//! Room that is used again, by whoever freed it and whoever fills it next.

use std::ptr::NonNull;

use crate::{
    raw::{Blocks, Homes},
    sync::thread,
};

/// The right to empty a room, on any thread.
struct Full(NonNull<Box<usize>>);

// SAFETY: what is in there may be sent.
unsafe impl Send for Full {}

impl Full {
    fn empty(self, on: &Blocks) -> usize {
        // SAFETY: filled by `fill`, and emptied once.
        *unsafe { on.empty(self.0) }
    }
}

fn fill(on: &Blocks, values: std::ops::Range<usize>) -> Vec<Full> {
    values.map(|n| Full(on.fill(Box::new(n)))).collect()
}

#[test]
fn blocks_come_home_while_they_are_filled_again() {
    let homes = Homes::new(3);
    let maker = Blocks::new(0, &homes);
    let (first, second) = (fill(&maker, 0..6), fill(&maker, 6..12));
    let seen = thread::scope(|threads| {
        let thieves = [(1, first), (2, second)].map(|(own, rooms)| {
            let homes = homes.clone();
            threads.spawn(move || {
                let blocks = Blocks::new(own, &homes);
                rooms.into_iter().map(|room| room.empty(&blocks)).sum::<usize>()
            })
        });
        for round in 0..4 {
            let rooms = fill(&maker, round..round + 3);
            let sum: usize = rooms.into_iter().map(|room| room.empty(&maker)).sum();
            assert_eq!(sum, 3 * round + 3);
            thread::yield_now();
        }
        thieves.map(|thief| thief.join().unwrap())
    });
    assert_eq!(seen, [15, 51]);
}

#[test]
fn two_makers_empty_each_others_rooms() {
    let homes = Homes::new(2);
    let makers = [0, 1].map(|own| Blocks::new(own, &homes));
    let rooms = [0, 6].map(|from| fill(&makers[from / 6], from..from + 6));
    let [low, high] = rooms;
    thread::scope(|threads| {
        for (blocks, rooms) in makers.into_iter().zip([high, low]) {
            threads.spawn(move || {
                for (n, room) in rooms.into_iter().enumerate() {
                    let value = room.empty(&blocks);
                    let [again] = <[Full; 1]>::try_from(fill(&blocks, value..value + 1))
                        .unwrap_or_else(|_| unreachable!("one was filled"));
                    assert_eq!(again.empty(&blocks) % 6, n);
                }
            });
        }
    });
}

#[test]
fn rooms_outlive_their_maker_and_more_than_are_kept_are_freed() {
    let homes = Homes::new(2);
    let maker = Blocks::new(0, &homes);
    let (ours, theirs) = (fill(&maker, 0..20), fill(&maker, 20..40));
    assert_eq!(ours.into_iter().map(|room| room.empty(&maker)).sum::<usize>(), 190);
    drop(maker);
    let thief = Blocks::new(1, &homes);
    assert_eq!(theirs.into_iter().map(|room| room.empty(&thief)).sum::<usize>(), 590);
    drop(homes);
}

#[test]
fn blocks_of_two_homes_in_turns_are_sent_in_chains_of_one() {
    let homes = Homes::new(3);
    let makers = [0, 1].map(|own| Blocks::new(own, &homes));
    let thief = Blocks::new(2, &homes);
    for _ in 0..2 {
        let rooms = [0, 1].map(|own: usize| fill(&makers[own], 0..3));
        let [left, right] = rooms;
        for (n, (left, right)) in left.into_iter().zip(right).enumerate() {
            assert_eq!([left.empty(&thief), right.empty(&thief)], [n, n]);
        }
    }
}
