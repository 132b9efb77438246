//! One thread behind a channel.

use std::{
    sync::mpsc::{self, Sender},
    thread::{self, JoinHandle},
};

type Task = Box<dyn FnOnce() + Send>;

pub(crate) struct Channel {
    /// None when it is being dropped, which is how the thread learns of it.
    sender: Option<Sender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl Channel {
    pub(crate) fn new() -> Channel {
        let (sender, receiver) = mpsc::channel::<Task>();
        let thread = thread::spawn(move || receiver.iter().for_each(|task| task()));
        Channel { sender: Some(sender), thread: Some(thread) }
    }
}

impl crate::Spawn for Channel {
    fn spawn(&self, task: impl FnOnce() + Send + 'static) {
        let sender = self.sender.as_ref().expect("not dropped");
        sender.send(Box::new(task)).expect("the thread lives");
    }
}

impl crate::Burst for Channel {
    fn burst(&self, pieces: usize, piece: impl Fn() + Send + Sync + Copy + 'static) {
        let half = move |pieces| (0..pieces).for_each(|_| piece());
        let (done, is_done) = mpsc::sync_channel(1);
        crate::Spawn::spawn(self, move || {
            half(pieces / 2);
            done.send(()).expect("somebody waits");
        });
        half(pieces - pieces / 2);
        is_done.recv().expect("the half is done");
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.sender = None;
        let ended = self.thread.take().expect("not dropped").join();
        ended.expect("no panic");
    }
}
