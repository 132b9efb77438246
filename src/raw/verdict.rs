//! What a task came to, in three bits of its state.

/// The first of them.
const SHIFT: u32 = 9;
const MASK: u32 = 7;

/// What a task came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Completed,
    Failed,
    /// It never ran.
    Cancelled,
    /// It never ran, since it had not started in time.
    Overdue,
    /// It ran on when its time was over.
    TimedOut,
}

impl Verdict {
    const ALL: [Verdict; 5] = [
        Verdict::Completed,
        Verdict::Failed,
        Verdict::Cancelled,
        Verdict::Overdue,
        Verdict::TimedOut,
    ];

    pub(super) fn bits(self) -> u32 {
        (self as u32) << SHIFT
    }

    /// Of a task that is done, whose state this is.
    pub(super) fn of(state: u32) -> Self {
        Verdict::ALL[(state >> SHIFT & MASK) as usize]
    }
}
