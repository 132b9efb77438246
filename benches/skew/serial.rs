//! A loop. It leaves one of the two workers out.

use crate::{
    harness::Runner,
    work::{self, Measure},
};

pub(crate) fn runner(measure: Measure) -> Runner {
    work::runner(measure, |items| {
        items.begin();
        work::producers().flatten().for_each(|item| items.process(item));
    })
}
