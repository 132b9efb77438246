//! A loop.

use crate::{harness::Runner, work};

pub(crate) fn runner() -> Runner {
    work::runner(|factors, size, product| {
        let rows = product.chunks_mut(size).enumerate();
        rows.for_each(|(number, row)| factors.row(number, row));
    })
}
