//! Which change is on, and which were come by. This file is put into the library that
//! is changed, and has to work before `main` and while memory is refused.

use std::{
    ffi::CStr,
    ptr,
    sync::atomic::{AtomicPtr, AtomicUsize, Ordering},
};

unsafe extern "C" {
    fn getenv(name: *const u8) -> *const i8;
    fn atoi(text: *const i8) -> i32;
    fn open(path: *const i8, flags: i32, mode: u32) -> i32;
    fn ftruncate(file: i32, size: i64) -> i32;
    fn mmap(at: *mut u8, size: usize, may: i32, flags: i32, file: i32, offset: i64) -> *mut u8;
}

static ON: AtomicUsize = AtomicUsize::new(0);
static SEEN: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

/// A byte for each change.
const SIZE: usize = 1 << 16;

fn variable(name: &CStr) -> Option<*const i8> {
    // SAFETY: nobody changes the environment this early.
    let value = unsafe { getenv(name.as_ptr().cast()) };
    (!value.is_null()).then_some(value)
}

extern "C" fn start() {
    if let Some(number) = variable(c"CHANGES_ON") {
        // SAFETY: a text of the environment.
        ON.store(unsafe { atoi(number) } as usize, Ordering::Relaxed);
    }
    if let Some(path) = variable(c"CHANGES_SEEN") {
        // Shared, so that it holds whatever becomes of the process.
        // SAFETY: a new mapping of a file of that size, for reading and writing.
        let seen = unsafe {
            let file = open(path, 0o102, 0o644);
            ftruncate(file, SIZE as i64);
            mmap(ptr::null_mut(), SIZE, 3, 1, file, 0)
        };
        SEEN.store(seen, Ordering::Relaxed);
    }
}

#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;

/// Is this change to be made?
#[inline(never)]
pub fn on(change: usize) -> bool {
    let seen = SEEN.load(Ordering::Relaxed);
    if !seen.is_null() {
        // SAFETY: within the mapping.
        unsafe { seen.add(change).write(1) };
    }
    ON.load(Ordering::Relaxed) == change
}
