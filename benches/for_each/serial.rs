//! A loop.

use crate::{
    harness::Runner,
    work::{self, Step},
};

pub(crate) fn runner(items: usize, step: impl Step) -> Runner {
    work::runner(items, step, move |items| {
        items.iter_mut().enumerate().for_each(|(index, item)| step(index, item));
    })
}
