//! The state of a set of permits: one word, a type without atomics.

/// Low half: permits available. High half but for its top bit: how many wait
/// in line. Top bit: closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(u64);

const ONE_WAITING: u64 = 1 << 32;
const CLOSED: u64 = 1 << 63;

/// What a word says to somebody who wants a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// There is one: this is the word without it.
    Take(Word),
    /// There is none, or others wait for it.
    Wait,
    Closed,
}

impl Word {
    pub(super) fn new(available: u32) -> Self {
        Word(u64::from(available))
    }

    pub(super) fn from_bits(bits: u64) -> Self {
        Word(bits)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    pub(super) fn available(self) -> usize {
        (self.0 & (ONE_WAITING - 1)) as usize
    }

    pub(super) fn waiting(self) -> usize {
        ((self.0 & !CLOSED) / ONE_WAITING) as usize
    }

    pub(super) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    pub(super) fn acquire(self) -> Answer {
        match self {
            _ if self.is_closed() => Answer::Closed,
            _ if self.available() > 0 && self.waiting() == 0 => Answer::Take(Word(self.0 - 1)),
            _ => Answer::Wait,
        }
    }

    /// One more waits.
    pub(super) fn join_line(self) -> Word {
        Word(self.0 + ONE_WAITING)
    }

    /// One that waited does so no more, with a permit or without.
    pub(super) fn leave_line(self) -> Option<Word> {
        (self.waiting() > 0).then(|| Word(self.0 - ONE_WAITING))
    }

    /// `n` permits come back; none if somebody in line is to have them.
    pub(super) fn release(self, n: u32) -> Option<Word> {
        (self.waiting() == 0).then(|| Word(self.0 + u64::from(n)))
    }

    pub(super) fn close(self) -> Word {
        Word(self.0 | CLOSED)
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Word};

    fn all() -> impl Iterator<Item = (usize, usize, bool, Word)> {
        (0..=3u32).flat_map(|available| {
            (0..=3usize).flat_map(move |waiting| {
                [false, true].map(|closed| {
                    let line = (0..waiting).fold(Word::new(available), |word, _| word.join_line());
                    let word = if closed { line.close() } else { line };
                    (available as usize, waiting, closed, word)
                })
            })
        })
    }

    #[test]
    fn every_transition_keeps_the_other_two_fields() {
        let fields = |word: Word| (word.available(), word.waiting(), word.is_closed());
        for (available, waiting, closed, word) in all() {
            assert_eq!(fields(word), (available, waiting, closed));
            assert_eq!(fields(word.join_line()), (available, waiting + 1, closed));
            assert_eq!(fields(word.close()), (available, waiting, true));
            assert_eq!(
                word.leave_line().map(fields),
                (waiting > 0).then(|| (available, waiting - 1, closed)),
            );
            assert_eq!(
                word.release(2).map(fields),
                (waiting == 0).then_some((available + 2, waiting, closed)),
            );
        }
    }

    #[test]
    fn a_permit_is_taken_only_if_nobody_was_there_before() {
        for (available, waiting, closed, word) in all() {
            match word.acquire() {
                Answer::Closed => assert!(closed),
                Answer::Wait => assert!(!closed && (available == 0 || waiting > 0)),
                Answer::Take(rest) => {
                    assert!(!closed && waiting == 0);
                    assert_eq!(rest.available() + 1, available);
                }
            }
        }
    }
}
