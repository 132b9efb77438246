//! heist.

use crate::{
    harness::{Runner, timed},
    work::{Board, first},
};

pub(crate) fn runner(threads: usize) -> Runner {
    let (queens, ways) = crate::size();
    let pool = heist::ThreadPool::builder().num_threads(threads).build().expect("threads");
    timed(move || assert_eq!(pool.install(|| solve(Board::empty(queens))), ways))
}

fn solve(board: Board) -> u64 {
    if board.is_small() { board.count() } else { solve_with(board, board.free()) }
}

/// The ways with a queen in one of `columns` of the next row.
fn solve_with(board: Board, columns: u32) -> u64 {
    let Some((column, rest)) = first(columns) else { return 0 };
    if rest == 0 {
        return solve(board.with(column));
    }
    let (a, b) = heist::join(|| solve(board.with(column)), || solve_with(board, rest));
    a + b
}
