//! What a fork of the whole process means to the child.

use std::{io, ptr, ptr::NonNull};

use crate::{
    process::Process,
    sync::{AtomicPtr, Ordering},
};

/// A value that each process makes for itself, when it first asks: the children
/// of a fork do not share it. Never dropped.
pub(crate) struct OfProcess<T>(AtomicPtr<Made<T>>);

struct Made<T> {
    process: Process,
    value: T,
}

impl<T: Default + Send + Sync + 'static> OfProcess<T> {
    #[cfg(not(any(loom, shuttle)))]
    pub(crate) const fn new() -> Self {
        OfProcess(AtomicPtr::new(ptr::null_mut()))
    }

    #[cfg(any(loom, shuttle))]
    pub(crate) fn new() -> Self {
        OfProcess(AtomicPtr::new(ptr::null_mut()))
    }

    /// This process's value. No lock: it might be held for ever.
    pub(crate) fn get(&'static self) -> &'static T {
        // ORDERING(process): acquires the value that `make` put there.
        let found = self.0.load(Ordering::Acquire);
        // SAFETY: null, or leaked by `make`.
        match unsafe { found.as_ref() } {
            Some(made) if made.process.is_current() => &made.value,
            _ => self.make(found),
        }
    }

    #[cold]
    fn make(&'static self, found: *mut Made<T>) -> &'static T {
        let made = Box::new(Made { process: Process::current(), value: T::default() });
        let made = NonNull::from(Box::leak(made));
        let exchange = self.0.compare_exchange(
            found,
            made.as_ptr(),
            Ordering::Release, // ORDERING(process): releases the value to `get`.
            Ordering::Acquire, // ORDERING(process): acquires another thread's.
        );
        let winner = match exchange {
            Ok(_) => made,
            Err(theirs) => {
                // SAFETY: leaked above, and nobody has seen it.
                drop(unsafe { Box::from_raw(made.as_ptr()) });
                NonNull::new(theirs).expect("null is replaced once, and never comes back")
            }
        };
        // SAFETY: leaked here or by the thread that was quicker.
        let winner = unsafe { winner.as_ref() };
        &winner.value
    }
}

/// From now on `child` is called in the child of every fork, on the thread that
/// called it, before anything else; perhaps more than once.
#[cfg(all(unix, not(miri), not(loom), not(shuttle)))]
pub(crate) fn at_fork(child: extern "C" fn()) -> io::Result<()> {
    use std::ffi::c_int;

    use crate::sync::AtomicBool;

    type Handler = Option<extern "C" fn()>;

    unsafe extern "C" {
        fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> c_int;
    }

    static DONE: AtomicBool = AtomicBool::new(false);

    // Not a lock: a fork in the middle would leave it locked. Two threads at once
    // both do it, and `child` bears that.
    // ORDERING(process): the handler is there when this says so.
    if DONE.load(Ordering::Acquire) {
        return Ok(());
    }
    // SAFETY: as POSIX declares it; the handlers do not unwind.
    match unsafe { pthread_atfork(None, None, Some(child)) } {
        0 => {
            // ORDERING(process): as above.
            DONE.store(true, Ordering::Release);
            Ok(())
        }
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// No forks are known of here.
#[cfg(not(all(unix, not(miri), not(loom), not(shuttle))))]
pub(crate) fn at_fork(_child: extern "C" fn()) -> io::Result<()> {
    Ok(())
}
