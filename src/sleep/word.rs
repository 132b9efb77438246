//! How many threads are idle, and how: one word, a type without atomics.

/// From the lowest bits on: those that sleep and take what lies in deques, 16 bits as all;
/// those that sleep and do not; those that search. A thread that works is in none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(u64);

const ONE_HUNGRY: u64 = 1;
const ONE_PICKY: u64 = 1 << 16;
const ONE_SEARCHING: u64 = 1 << 32;

/// Does a sleeper take what lies in deques?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taste {
    Hungry,
    /// At most what lies elsewhere.
    Picky,
}

impl Taste {
    fn one(self) -> u64 {
        match self {
            Taste::Hungry => ONE_HUNGRY,
            Taste::Picky => ONE_PICKY,
        }
    }
}

impl Word {
    pub(super) const IDLE_NONE: Word = Word(0);

    pub(super) fn from_bits(bits: u64) -> Self {
        Word(bits)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn sleeping(self) -> u32 {
        self.sleep(Taste::Hungry) + self.sleep(Taste::Picky)
    }

    /// So many of this taste sleep.
    pub(super) fn sleep(self, taste: Taste) -> u32 {
        (self.0 / taste.one() % ONE_PICKY) as u32
    }

    pub(super) fn searching(self) -> u32 {
        (self.0 / ONE_SEARCHING) as u32
    }

    /// One more searches, if fewer than `most` do.
    pub(super) fn start_searching(self, most: u32) -> Option<Word> {
        (self.searching() < most).then(|| Word(self.0 + ONE_SEARCHING))
    }

    /// One that searched works.
    pub(super) fn stop_searching(self) -> Option<Word> {
        (self.searching() > 0).then(|| Word(self.0 - ONE_SEARCHING))
    }

    /// One that did not count as searching sleeps.
    pub(super) fn fall_asleep(self, taste: Taste) -> Option<Word> {
        Some(Word(self.0 + taste.one()))
    }

    /// A sleeper gets up by itself.
    pub(super) fn get_up(self, taste: Taste) -> Option<Word> {
        (self.sleep(taste) > 0).then(|| Word(self.0 - taste.one()))
    }

    /// A sleeper is woken, to search.
    pub(super) fn be_woken(self, taste: Taste) -> Option<Word> {
        (self.sleep(taste) > 0).then(|| Word(self.0 - taste.one() + ONE_SEARCHING))
    }

    /// Is it worth waking somebody? Not if nobody sleeps; not if somebody
    /// searches, for that one will find the work or pass the duty on.
    pub(super) fn wants_waking(self) -> bool {
        self.sleeping() > 0 && self.searching() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::{Taste, Word};

    /// Every word of up to four threads, by its counts.
    fn all() -> impl Iterator<Item = ([u32; 3], Word)> {
        let counts = (0..125).map(|n| [n % 5, n / 5 % 5, n / 25]);
        counts.filter(|counts| counts.iter().sum::<u32>() <= 4).map(|counts| {
            let [hungry, picky, searching] = counts.map(u64::from);
            (counts, Word::from_bits(hungry | picky << 16 | searching << 32))
        })
    }

    fn counts(word: Word) -> [u32; 3] {
        [word.sleep(Taste::Hungry), word.sleep(Taste::Picky), word.searching()]
    }

    #[test]
    fn every_transition_moves_one_thread_or_refuses() {
        for (before, word) in all() {
            assert_eq!(counts(word), before);
            let [hungry, picky, searching] = before;
            assert_eq!(word.sleeping(), hungry + picky);
            let after = |condition: bool, changes: [i32; 3]| {
                condition.then(|| [0, 1, 2].map(|at| before[at].wrapping_add_signed(changes[at])))
            };
            assert_eq!(word.start_searching(2).map(counts), after(searching < 2, [0, 0, 1]));
            assert_eq!(word.stop_searching().map(counts), after(searching > 0, [0, 0, -1]));
            assert_eq!(word.fall_asleep(Taste::Hungry).map(counts), after(true, [1, 0, 0]));
            assert_eq!(word.fall_asleep(Taste::Picky).map(counts), after(true, [0, 1, 0]));
            assert_eq!(word.get_up(Taste::Hungry).map(counts), after(hungry > 0, [-1, 0, 0]));
            assert_eq!(word.get_up(Taste::Picky).map(counts), after(picky > 0, [0, -1, 0]));
            assert_eq!(word.be_woken(Taste::Hungry).map(counts), after(hungry > 0, [-1, 0, 1]));
            assert_eq!(word.be_woken(Taste::Picky).map(counts), after(picky > 0, [0, -1, 1]));
            assert_eq!(word.wants_waking(), hungry + picky > 0 && searching == 0);
            assert_eq!(word == Word::IDLE_NONE, before == [0; 3]);
        }
    }
}
