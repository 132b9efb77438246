//! A board, filled row by row.

/// What the queens of the rows so far attack in the next row, a bit a column.
#[derive(Clone, Copy)]
pub(crate) struct Board {
    rows_left: u32,
    /// The columns there are.
    width: u32,
    columns: u32,
    /// Diagonals, which a row further attack the column beside.
    falling: u32,
    rising: u32,
}

impl Board {
    pub(crate) fn empty(queens: u32) -> Board {
        Board { rows_left: queens, width: (1 << queens) - 1, columns: 0, falling: 0, rising: 0 }
    }

    /// The columns of the next row where a queen may be.
    pub(crate) fn free(self) -> u32 {
        self.width & !(self.columns | self.falling | self.rising)
    }

    /// With a queen in the next row, in `column`.
    pub(crate) fn with(self, column: u32) -> Board {
        Board {
            rows_left: self.rows_left - 1,
            width: self.width,
            columns: self.columns | column,
            falling: (self.falling | column) >> 1,
            rising: (self.rising | column) << 1,
        }
    }

    /// So few rows are left, some 80 ns of counting, that half of them is not
    /// worth a fork.
    pub(crate) fn is_small(self) -> bool {
        self.rows_left <= 6
    }

    /// The ways to fill the rows that are left.
    pub(crate) fn count(self) -> u64 {
        if self.rows_left == 0 {
            return 1;
        }
        let (mut free, mut ways) = (self.free(), 0);
        while let Some((column, rest)) = first(free) {
            ways += self.with(column).count();
            free = rest;
        }
        ways
    }
}

/// One of some columns, and the rest; none of none.
pub(crate) fn first(columns: u32) -> Option<(u32, u32)> {
    let column = columns & columns.wrapping_neg();
    (column != 0).then_some((column, columns ^ column))
}
