//! How a builder starts threads.

use std::{fmt, io};

use crate::{config, pool::ThreadBuilder, sync::thread};

/// How a builder starts threads unless told otherwise: with
/// [`std::thread::Builder`].
///
/// ```
/// let _: heist::ThreadPoolBuilder<heist::OsThreads> = heist::ThreadPool::builder();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct OsThreads(pub(super) ());

/// How a builder starts threads after
/// [`spawn_handler`](crate::ThreadPoolBuilder::spawn_handler).
///
/// ```
/// let builder = heist::ThreadPool::builder().spawn_handler(|_| Ok(()));
/// let _: heist::ThreadPoolBuilder<heist::CustomThreads<_>> = builder;
/// ```
#[derive(Clone, Copy)]
pub struct CustomThreads<F>(pub(super) F);

/// What starts one of the pool's threads; sealed.
///
/// ```
/// fn is_spawner(_: impl heist::Spawner) {}
/// is_spawner(heist::OsThreads::default());
/// ```
pub trait Spawner: sealed::Spawn {}

pub(super) mod sealed {
    use crate::{pool::ThreadBuilder, sync::thread::JoinHandle};

    pub trait Spawn {
        fn spawn(&mut self, thread: ThreadBuilder) -> std::io::Result<Option<JoinHandle<()>>>;
    }
}

impl Spawner for OsThreads {}

impl sealed::Spawn for OsThreads {
    fn spawn(&mut self, thread: ThreadBuilder) -> io::Result<Option<thread::JoinHandle<()>>> {
        let mut builder = thread::Builder::new();
        if let Some(name) = thread.name() {
            builder = builder.name(name.into());
        }
        let (builder, bytes) = config::with_stack(builder, thread.stack_size());
        builder.spawn(move || thread.run_on(bytes)).map(Some)
    }
}

impl<F: FnMut(ThreadBuilder) -> io::Result<()>> Spawner for CustomThreads<F> {}

impl<F: FnMut(ThreadBuilder) -> io::Result<()>> sealed::Spawn for CustomThreads<F> {
    fn spawn(&mut self, thread: ThreadBuilder) -> io::Result<Option<thread::JoinHandle<()>>> {
        (self.0)(thread).map(|()| None)
    }
}

impl<F> fmt::Debug for CustomThreads<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomThreads").finish_non_exhaustive()
    }
}
