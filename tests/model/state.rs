//! The model: where every task is, and what the pool must have counted.

use std::collections::VecDeque;

use crate::world::Setup;

/// What a task does once its gate is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Plain,
    Panic,
    /// Spawns so many from inside.
    Parent(usize),
    Forks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not spawned yet, or it came back.
    Out,
    /// A future that waits for room.
    InLine,
    /// In a lane.
    Queued,
    /// In a deque.
    Loose,
    Running,
    Completed,
    Panicked,
    Cancelled,
}

#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) body: Body,
    pub(crate) lane: usize,
    pub(crate) stage: Stage,
    pub(crate) detached: bool,
    /// Where it has started.
    pub(crate) worker: Option<usize>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Lane {
    /// What waits here, and the places of what was cancelled.
    queue: VecDeque<usize>,
    /// Futures with a permit that nobody has polled since.
    served: Vec<usize>,
    line: VecDeque<usize>,
    /// So many places at the head may be cleared already.
    maybe_gone: usize,
}

impl Lane {
    /// So many places at the head turn out to be cleared; the line has their room.
    fn clear(&mut self, places: usize) {
        self.queue.drain(..places);
        self.maybe_gone -= places;
        let served = places.min(self.line.len());
        self.served.extend(self.line.drain(..served));
    }

    /// There turns out to be none, so nothing was cleared but what the line has.
    fn no_room(&mut self) {
        self.maybe_gone = self.maybe_gone.min(self.line.len());
    }
}

/// What the pool and its tasks have counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Accepted, rejected and waiting.
    pub(crate) lanes: [[u64; 3]; 3],
    pub(crate) spawned: u64,
    pub(crate) completed: u64,
    pub(crate) panicked: u64,
    pub(crate) cancelled: u64,
    /// Panics that the handler heard of.
    pub(crate) handled: u64,
    /// Drops of what tasks captured.
    pub(crate) dropped: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) tasks: Vec<Task>,
    pub(crate) lanes: [Lane; 3],
    pub(crate) closed: bool,
    pub(crate) expected: Expected,
    pub(crate) started: usize,
    pub(crate) guests: usize,
    /// Workers on duty.
    active: usize,
    capacity: usize,
}

/// How a spawn from outside ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted,
    Full,
    Closed,
}

impl State {
    pub(crate) fn new(Setup { threads, capacity, guests }: Setup) -> State {
        State {
            guests,
            tasks: Vec::new(),
            lanes: Default::default(),
            closed: false,
            expected: Expected::default(),
            started: 0,
            active: threads,
            capacity,
        }
    }

    /// A new task, and numbers for its children after its own.
    pub(crate) fn add(&mut self, lane: usize, body: Body) -> usize {
        let number = self.tasks.len();
        let task = Task { body, lane, stage: Stage::Out, detached: false, worker: None };
        self.tasks.push(task.clone());
        if let Body::Parent(children) = body {
            let child = Task { body: Body::Plain, ..task };
            self.tasks.extend(std::iter::repeat_n(child, children));
        }
        number
    }

    /// What the pool must have counted now.
    pub(crate) fn expected(&self) -> Expected {
        let mut expected = self.expected.clone();
        for number in self.with(Stage::Queued) {
            expected.lanes[self.tasks[number].lane][2] += 1;
        }
        expected
    }

    pub(crate) fn with(&self, stage: Stage) -> Vec<usize> {
        (0..self.tasks.len()).filter(|&number| self.tasks[number].stage == stage).collect()
    }

    /// Does any of the tasks that run do so on this worker?
    fn is_taken(&self, worker: usize) -> bool {
        let running = self.tasks.iter().filter(|task| task.stage == Stage::Running);
        running.into_iter().any(|task| task.worker == Some(worker))
    }

    /// Workers on duty that run nothing.
    fn free(&self) -> usize {
        (0..self.active).filter(|&worker| !self.is_taken(worker)).count()
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.free() == 0
    }

    /// So many workers are on duty now; these of the `threads` are to rest at once.
    pub(crate) fn set_active(&mut self, active: usize, threads: usize) -> Vec<usize> {
        self.active = active;
        (active..threads).filter(|&worker| !self.is_taken(worker)).collect()
    }

    /// What the pool may say to who wants in at once.
    pub(crate) fn allows(&self, lane: usize) -> Vec<Answer> {
        let lane = &self.lanes[lane];
        if self.closed {
            return vec![Answer::Closed];
        }
        let in_use = lane.queue.len() + lane.served.len();
        let mut answers = Vec::new();
        // What is cleared goes to the line first.
        if in_use < self.capacity + lane.maybe_gone.saturating_sub(lane.line.len())
            && (lane.line.is_empty() || lane.maybe_gone > lane.line.len())
        {
            answers.push(Answer::Accepted);
        }
        if in_use >= self.capacity || !lane.line.is_empty() {
            answers.push(Answer::Full);
        }
        answers
    }

    /// The pool has said it.
    pub(crate) fn answered(&mut self, number: usize, answer: Answer) {
        let at = self.tasks[number].lane;
        let allowed = self.allows(at);
        assert!(allowed.contains(&answer), "{answer:?}, allowed is {allowed:?}");
        let lane = &mut self.lanes[at];
        match answer {
            Answer::Accepted => {
                let in_line = lane.line.len();
                lane.clear(in_line);
                let in_use = lane.queue.len() + lane.served.len();
                lane.clear((in_use + 1).saturating_sub(self.capacity));
                self.enter(number);
            }
            Answer::Full => lane.no_room(),
            Answer::Closed => (),
        }
        if answer != Answer::Accepted {
            self.expected.lanes[at][1] += 1;
            self.expected.dropped += 1;
        }
    }

    fn enter(&mut self, number: usize) {
        let task = &mut self.tasks[number];
        task.stage = Stage::Queued;
        self.lanes[task.lane].queue.push_back(number);
        self.expected.lanes[task.lane][0] += 1;
        self.expected.spawned += 1;
    }

    /// A future was polled for the first time, and waits.
    pub(crate) fn join_line(&mut self, number: usize) {
        let at = self.tasks[number].lane;
        assert!(self.allows(at).contains(&Answer::Full), "there is room, but it waits");
        self.tasks[number].stage = Stage::InLine;
        self.lanes[at].no_room();
        self.lanes[at].line.push_back(number);
    }

    /// A future in line was polled once more: ready with an answer, or not.
    pub(crate) fn polled(&mut self, number: usize, answer: Option<Answer>) {
        let at = self.tasks[number].lane;
        let lane = &mut self.lanes[at];
        let is_served = lane.served.contains(&number);
        match answer {
            None => assert!(!is_served && !self.closed, "it is its turn"),
            Some(Answer::Accepted) => {
                assert!(!self.closed);
                if !is_served {
                    let ahead = lane.line.iter().position(|&other| other == number);
                    let cleared = ahead.expect("in line") + 1;
                    assert!(cleared <= lane.maybe_gone, "it is not its turn");
                    lane.clear(cleared);
                }
                lane.served.retain(|&other| other != number);
                self.enter(number);
            }
            Some(answer) => {
                assert_eq!((answer, self.closed), (Answer::Closed, true));
                self.tasks[number].stage = Stage::Out;
                self.expected.lanes[at][1] += 1;
                self.expected.dropped += 1;
            }
        }
    }

    /// Would who comes now be the next to get room, when a task starts that waits here?
    pub(crate) fn is_first_in_line(&self, lane: usize) -> bool {
        let lane = &self.lanes[lane];
        let waits = |&number: &usize| self.tasks[number].stage == Stage::Queued;
        lane.line.is_empty() && lane.served.is_empty() && lane.queue.iter().all(waits)
    }

    /// Its turn has come, and somebody else puts it in. False: it still waits.
    pub(crate) fn enter_if_served(&mut self, number: usize) -> bool {
        if self.lanes[self.tasks[number].lane].served.contains(&number) {
            self.polled(number, Some(Answer::Accepted));
        }
        self.tasks[number].stage != Stage::InLine
    }

    pub(crate) fn leave_line(&mut self, number: usize) {
        let at = self.tasks[number].lane;
        self.tasks[number].stage = Stage::Out;
        self.expected.dropped += 1;
        self.lanes[at].line.retain(|&other| other != number);
        if self.lanes[at].served.contains(&number) {
            self.lanes[at].served.retain(|&other| other != number);
            self.serve(at);
        }
    }

    /// Room goes to whoever is first in line.
    fn serve(&mut self, lane: usize) {
        let lane = &mut self.lanes[lane];
        if lane.queue.len() + lane.served.len() < self.capacity {
            lane.served.extend(lane.line.pop_front());
        }
    }

    pub(crate) fn close(&mut self) {
        self.closed = true;
        for lane in &mut self.lanes {
            lane.line.clear();
            lane.served.clear();
        }
    }

    /// True: it will never run.
    pub(crate) fn cancel(&mut self, number: usize) -> bool {
        let will = matches!(self.tasks[number].stage, Stage::Queued | Stage::Loose);
        if will {
            self.tasks[number].stage = Stage::Cancelled;
            self.expected.cancelled += 1;
            self.expected.dropped += 1;
        }
        will
    }

    /// Nobody will ask for its result.
    pub(crate) fn detach(&mut self, number: usize) {
        self.tasks[number].detached = true;
        self.expected.handled += u64::from(self.tasks[number].stage == Stage::Panicked);
    }

    /// A gate was opened: the task, which runs, comes to its end.
    pub(crate) fn finish(&mut self, number: usize) {
        let Task { body, detached, .. } = self.tasks[number];
        self.expected.dropped += 1;
        let (stage, count) = match body {
            Body::Panic => (Stage::Panicked, &mut self.expected.panicked),
            _ => (Stage::Completed, &mut self.expected.completed),
        };
        *count += 1;
        self.tasks[number].stage = stage;
        if detached && stage == Stage::Panicked {
            self.expected.handled += 1;
        }
        let Body::Parent(children) = body else { return };
        for child in number + 1..=number + children {
            if self.closed {
                // Spawned from inside, they are refused by the normal lane.
                self.tasks[child].stage = Stage::Cancelled;
                self.expected.lanes[1][1] += 1;
                self.expected.dropped += 1;
            } else {
                self.tasks[child].stage = Stage::Loose;
                self.expected.spawned += 1;
            }
        }
    }

    /// How many more start by themselves now.
    pub(crate) fn to_start(&self) -> usize {
        let waiting = self.with(Stage::Queued).len() + self.with(Stage::Loose).len();
        waiting.min(self.free())
    }

    /// These have started, there: in each lane the oldest. Afterwards a worker that was
    /// free for a moment may have cleared what was cancelled.
    pub(crate) fn start(&mut self, started: &[(usize, Option<usize>)]) {
        self.started += started.len();
        for &(number, worker) in started {
            let on_duty = worker.is_some_and(|worker| worker < self.active);
            assert!(on_duty, "{number} on {worker:?} of {}", self.active);
            self.tasks[number].worker = worker;
        }
        let tasks: Vec<_> = started.iter().map(|&(number, _)| number).collect();
        for at in 0..self.lanes.len() {
            let is_here = |&&number: &&usize| {
                self.tasks[number].lane == at && self.tasks[number].stage == Stage::Queued
            };
            for _ in 0..tasks.iter().filter(is_here).count() {
                let lane = &mut self.lanes[at];
                let place = lane.queue.iter().position(|&n| self.tasks[n].stage == Stage::Queued);
                let place = place.expect("it waited in this lane");
                let oldest = lane.queue[place];
                assert!(tasks.contains(&oldest), "{tasks:?} overtook {oldest}");
                // With it go the places of what was cancelled before.
                lane.queue.drain(..=place);
                lane.maybe_gone = 0;
                self.tasks[oldest].stage = Stage::Running;
                (0..=place).for_each(|_| self.serve(at));
            }
        }
        for number in tasks {
            let stage = &mut self.tasks[number].stage;
            assert!(matches!(stage, Stage::Loose | Stage::Running), "{number} was {stage:?}");
            *stage = Stage::Running;
        }
        for lane in &mut self.lanes {
            let stage = |&&number: &&usize| self.tasks[number].stage == Stage::Cancelled;
            lane.maybe_gone = lane.queue.iter().take_while(stage).count();
        }
    }
}
