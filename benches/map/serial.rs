//! An iterator.

use crate::{
    harness::Runner,
    work::{self, Function},
};

pub(crate) fn runner(items: usize, f: impl Function) -> Runner {
    work::runner(items, f, move |items| items.iter().map(f).collect())
}
