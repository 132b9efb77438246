//! chili: a scope for every burst. It has no tasks.

use chili::{Scope, ThreadPool};

pub(crate) fn new() -> ThreadPool {
    crate::harness::chili(2)
}

impl crate::Burst for ThreadPool {
    fn burst(&self, pieces: usize, piece: impl Fn() + Send + Sync + Copy + 'static) {
        halve(&mut self.scope(), pieces, piece);
    }
}

fn halve(scope: &mut Scope<'_>, pieces: usize, piece: impl Fn() + Send + Sync + Copy) {
    if pieces == 1 {
        return piece();
    }
    let low = pieces / 2;
    scope.join(|scope| halve(scope, low, piece), |scope| halve(scope, pieces - low, piece));
}
