//! A box that goes from hand to hand.

use crate::{raw::Spot, sync::thread};

#[test]
fn whoever_has_the_box_has_it_alone() {
    let spot = Spot::new(Some(Box::new(String::new())));
    let rounds = if cfg!(miri) { 20 } else { 2000 };
    let visit = || {
        let visits = (0..rounds).filter(|_| {
            let taken = spot.take();
            taken.is_some_and(|mut text| {
                text.push('x');
                spot.put(text);
                true
            })
        });
        visits.count()
    };
    let visits = thread::scope(|threads| {
        let others = [threads.spawn(visit), threads.spawn(visit)];
        visit() + others.map(|other| other.join().unwrap()).iter().sum::<usize>()
    });
    let text = spot.take().expect("everybody has put it back");
    assert!(visits > 0 && text.len() == visits);
    assert!(spot.take().is_none());
    // And with its box in it a spot is dropped whole.
    spot.put(text);
}
