//! How many threads are idle, and how: one word, a type without atomics.

/// Low half: sleeping. High half: searching. A thread that works is in neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(u32);

const ONE_SLEEPING: u32 = 1;
const ONE_SEARCHING: u32 = 1 << 16;

impl Word {
    pub(super) const IDLE_NONE: Word = Word(0);

    pub(super) fn from_bits(bits: u32) -> Self {
        Word(bits)
    }

    pub(super) fn bits(self) -> u32 {
        self.0
    }

    pub(super) fn sleeping(self) -> u32 {
        self.0 & (ONE_SEARCHING - 1)
    }

    pub(super) fn searching(self) -> u32 {
        self.0 / ONE_SEARCHING
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
    pub(super) fn fall_asleep(self) -> Option<Word> {
        Some(Word(self.0 + ONE_SLEEPING))
    }

    /// A sleeper gets up by itself.
    pub(super) fn get_up(self) -> Option<Word> {
        (self.sleeping() > 0).then(|| Word(self.0 - ONE_SLEEPING))
    }

    /// A sleeper is woken, to search.
    pub(super) fn be_woken(self) -> Option<Word> {
        (self.sleeping() > 0).then(|| Word(self.0 - ONE_SLEEPING + ONE_SEARCHING))
    }

    /// Is it worth waking somebody? Not if nobody sleeps; not if somebody
    /// searches, for that one will find the work or pass the duty on.
    pub(super) fn wants_waking(self) -> bool {
        self.sleeping() > 0 && self.searching() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::Word;

    /// Every word of up to four threads, by its counts.
    fn all() -> impl Iterator<Item = (u32, u32, Word)> {
        (0..=4).flat_map(|sleeping| {
            (0..=4 - sleeping).map(move |searching| {
                let word = Word::from_bits(sleeping | searching << 16);
                (sleeping, searching, word)
            })
        })
    }

    fn counts(word: Option<Word>) -> Option<(u32, u32)> {
        word.map(|word| (word.sleeping(), word.searching()))
    }

    #[test]
    fn every_transition_moves_one_thread_or_refuses() {
        for (sleeping, searching, word) in all() {
            assert_eq!((word.sleeping(), word.searching()), (sleeping, searching));
            let some = |condition: bool, after| condition.then_some(after);
            assert_eq!(
                counts(word.start_searching(2)),
                some(searching < 2, (sleeping, searching + 1)),
            );
            assert_eq!(
                counts(word.stop_searching()),
                some(searching > 0, (sleeping, searching.wrapping_sub(1))),
            );
            assert_eq!(counts(word.fall_asleep()), Some((sleeping + 1, searching)));
            assert_eq!(
                counts(word.get_up()),
                some(sleeping > 0, (sleeping.wrapping_sub(1), searching)),
            );
            assert_eq!(
                counts(word.be_woken()),
                some(sleeping > 0, (sleeping.wrapping_sub(1), searching + 1)),
            );
            assert_eq!(word.wants_waking(), sleeping > 0 && searching == 0);
            assert_eq!(word == Word::IDLE_NONE, sleeping + searching == 0);
        }
    }
}
