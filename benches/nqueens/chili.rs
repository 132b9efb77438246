//! chili. It counts the calling thread as one of its threads.

use chili::Scope;

use crate::{
    harness::{self, Runner, timed},
    work::{Board, first},
};

pub(crate) fn runner(threads: usize) -> Runner {
    let (queens, ways) = crate::size();
    let pool = harness::chili(threads);
    timed(move || assert_eq!(solve(&mut pool.scope(), Board::empty(queens)), ways))
}

fn solve(scope: &mut Scope<'_>, board: Board) -> u64 {
    if board.is_small() { board.count() } else { solve_with(scope, board, board.free()) }
}

/// The ways with a queen in one of `columns` of the next row.
fn solve_with(scope: &mut Scope<'_>, board: Board, columns: u32) -> u64 {
    let Some((column, rest)) = first(columns) else { return 0 };
    if rest == 0 {
        return solve(scope, board.with(column));
    }
    let (a, b) = scope
        .join(|scope| solve(scope, board.with(column)), |scope| solve_with(scope, board, rest));
    a + b
}
