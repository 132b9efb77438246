//! rayon.

use crate::{
    harness::Runner,
    work::{self, Measure, WORKERS},
};

pub(crate) fn runner(measure: Measure) -> Runner {
    let pool = ::rayon::ThreadPoolBuilder::new().num_threads(WORKERS).build().expect("threads");
    work::runner(measure, move |items| {
        items.begin();
        pool.install(|| {
            ::rayon::scope(|scope| {
                for producer in work::producers() {
                    scope.spawn(move |scope| {
                        for item in producer {
                            scope.spawn(move |_| items.process(item));
                        }
                    });
                }
            });
        });
    })
}
