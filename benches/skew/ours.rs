//! heist. Not called from outside the pool, so that nobody helps the two workers.

use crate::{
    harness::Runner,
    work::{self, Measure, WORKERS},
};

pub(crate) fn runner(measure: Measure) -> Runner {
    let pool = heist::ThreadPool::builder().num_threads(WORKERS).build().expect("threads");
    work::runner(measure, move |items| {
        items.begin();
        pool.install(|| {
            heist::scope(|scope| {
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
