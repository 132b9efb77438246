//! What the usual order of a search would starve has its turn now and then.

use super::{Worker, search::Job};
use crate::{registry::Share, sleep::Appetite, sync::MODELLED};

/// Looks between those at what the usual order might starve: the lanes, while deques
/// are full or jobs come by mail or the side door, and those in turn; the oldest of
/// the own deque, while newer ones keep coming; and what lies with others who block.
/// A prime, so as not to beat with loops of the user's; Go's scheduler looks at its global
/// queue as often.
const FAIRNESS_TICK: u32 = if MODELLED { 3 } else { 61 };

impl Worker {
    /// Every so many jobs, one from where the usual order seldom gets.
    pub(super) fn overdue_job(&self) -> Option<Job> {
        // In turns, so that none starves another.
        let turn = self.fair_turn()?;
        in_turn(turn, 2, |place| match place {
            0 => self.job_from_elsewhere(turn / 2),
            _ => self.registry.take_oldest(self.index),
        })
    }

    /// Of the outside world's, of what was sent here and of others', from each first in its turn.
    fn job_from_elsewhere(&self, turn: u32) -> Option<Job> {
        in_turn(turn, 4, |place| match place {
            0 => self.take_task(),
            1 => self.registry.take_mail(self.index),
            2 => self.take_side(),
            _ => self.steal(Share::One),
        })
    }

    /// The same for a thread that waits, of what it has an appetite for, and if `any` of its own
    /// will do.
    pub(super) fn overdue_help(&self, appetite: Appetite, any: bool) -> Option<Job> {
        let turn = self.fair_turn()?;
        in_turn(turn, 5, |place| match place {
            0 if any => self.registry.take_oldest(self.index),
            1 => self.take_sent(appetite),
            2 => self.take_side(),
            3 if appetite.deques => self.steal(Share::One),
            4 if appetite.lanes => self.take_task(),
            _ => None,
        })
    }

    /// Which turn it is, once in so many looks.
    pub(super) fn fair_turn(&self) -> Option<u32> {
        let ticks = self.ticks.get().wrapping_add(1);
        self.ticks.set(ticks);
        (ticks % FAIRNESS_TICK == 0).then_some(ticks / FAIRNESS_TICK)
    }

    /// The same for the stand-in at the door.
    pub(super) fn overdue_task(&self) -> Option<Job> {
        let turn = self.fair_turn()?;
        in_turn(turn, 3, |place| match place {
            0 => self.take_head(),
            1 => self.registry.take_oldest(self.index),
            _ => self.task_left_behind(),
        })
    }
}

/// The first that `look` finds in so many `places`, beginning with another one each turn.
pub(super) fn in_turn(turn: u32, places: u32, look: impl Fn(u32) -> Option<Job>) -> Option<Job> {
    (0..places).find_map(|place| look((turn + place) % places))
}
