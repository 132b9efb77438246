//! Three priorities and the round in which their lanes are served.

/// How soon a task is taken from the entrance, against tasks of other
/// priorities.
///
/// Waiting tasks are taken in the ratio 4 : 2 : 1 (high, normal, low). A lane
/// with nothing in it passes its turn on, so no turn is wasted and no lane
/// starves, whatever floods the others. Within a lane the order is that of
/// arrival, but for up to 16 short tasks that a worker takes together from a long line.
///
/// The priority matters at the entrance only: a task that a worker spawns goes
/// to that worker's own deque, which has no lanes.
///
/// ```
/// use heist::{Priority, ThreadPool};
///
/// let pool = ThreadPool::new()?;
/// let report = pool.task().priority(Priority::Low).spawn(|| "written at leisure");
/// assert_eq!(report.join().unwrap(), "written at leisure");
/// # Ok::<(), heist::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Priority {
    /// Four turns of seven.
    High,
    /// Two turns of seven.
    #[default]
    Normal,
    /// One turn of seven.
    Low,
}

impl Priority {
    /// Every priority, highest first: the order of `Metrics::lanes`.
    ///
    /// ```
    /// use heist::Priority;
    ///
    /// let pool = heist::ThreadPool::builder().num_threads(1).build()?;
    /// pool.task().priority(Priority::Low).spawn(|| ());
    /// let metrics = pool.metrics();
    /// let accepted = Priority::ALL.iter().zip(&metrics.lanes).map(|(_, l)| l.accepted);
    /// assert!(accepted.eq([0, 0, 1]));
    /// # Ok::<(), heist::BuildError>(())
    /// ```
    pub const ALL: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];

    /// The number of this priority's lane: 0 is high.
    pub(crate) const fn lane(self) -> usize {
        self as usize
    }
}

/// The turns, interleaved so that no priority waits for a run of another.
const ROUND: [Priority; 7] = [
    Priority::High,
    Priority::Normal,
    Priority::High,
    Priority::Low,
    Priority::High,
    Priority::Normal,
    Priority::High,
];

/// Where one worker stands in the round.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Turn {
    place: u8,
    looks: Looks,
}

/// Counts for what takes turns within a lane's turns: each of its own, since two that step
/// together may never meet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Looks {
    /// At the normal lane.
    normal: u32,
    /// At errands.
    errands: u32,
}

impl Looks {
    pub(crate) fn next_normal(&mut self) -> u32 {
        self.normal = self.normal.wrapping_add(1);
        self.normal
    }

    pub(crate) fn next_errand(&mut self) -> u32 {
        self.errands = self.errands.wrapping_add(1);
        self.errands
    }
}

impl Turn {
    /// The first `Some` that `lane` gives, asked from this turn on; the next
    /// turn is the one after it.
    pub(crate) fn pass<R>(
        &mut self,
        mut lane: impl FnMut(Priority, &mut Looks) -> Option<R>,
    ) -> Option<R> {
        (0..ROUND.len()).find_map(|_| {
            let priority = ROUND[usize::from(self.place)];
            self.place = (self.place + 1) % ROUND.len() as u8;
            lane(priority, &mut self.looks)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Priority, Turn};

    fn shares(turns: usize, open: impl Fn(Priority) -> bool) -> [usize; 3] {
        let mut turn = Turn::default();
        let mut taken = [0; 3];
        for _ in 0..turns {
            if let Some(lane) = turn.pass(|priority, _| open(priority).then_some(priority.lane())) {
                taken[lane] += 1;
            }
        }
        taken
    }

    #[test]
    fn full_lanes_are_served_four_to_two_to_one() {
        assert_eq!(shares(7_000, |_| true), [4_000, 2_000, 1_000]);
    }

    #[test]
    fn an_empty_lane_passes_its_turn_on() {
        assert_eq!(shares(100, |priority| priority == Priority::Low), [0, 0, 100]);
        assert_eq!(shares(100, |_| false), [0, 0, 0]);
    }
}
