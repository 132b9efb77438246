//! Thread-locals of whatever the threads are.

/// As `std`'s, also where loom runs its threads on one of the system's: those
/// would share what is the system thread's.
#[cfg(loom)]
macro_rules! local {
    ($(#[$attr:meta])* static $name:ident: $type:ty = const { $init:expr };) => {
        loom::thread_local! { $(#[$attr])* static $name: $type = $init; }
    };
    ($(#[$attr:meta])* static $name:ident: $type:ty = $init:expr;) => {
        loom::thread_local! { $(#[$attr])* static $name: $type = $init; }
    };
}

#[cfg(loom)]
pub(crate) use local as thread_local;

#[cfg(shuttle)]
pub(crate) use shuttle::thread_local;

#[cfg(not(any(loom, shuttle)))]
pub(crate) use std::thread_local;
