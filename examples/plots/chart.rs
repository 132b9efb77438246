//! A picture of a workload: for every case a bar a contender.
//!
//! Text stays text, which the reader's browser sets in a font of its own: none
//! is needed here, and so nothing here can measure text. Hence columns.

use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use std::{error::Error, path::Path};

use crate::{
    compare::{self, Comparison, Role, Row},
    data::{Unit, Workload},
};

type Result = std::result::Result<(), Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const WIDTH: i32 = 800;
const MARGIN: i32 = 20;

/// Where names end and bars begin.
const NAMES_END: i32 = 150;
const BARS: i32 = 160;
const BARS_END: i32 = 590;
/// Where the numbers of a row end.
const RATIOS_END: i32 = 660;
const VALUES_END: i32 = WIDTH - MARGIN;

const HEAD: i32 = 64;
const CASE_HEAD: i32 = 34;
const ROW: i32 = 24;
const CASE_FOOT: i32 = 16;
const FOOT: i32 = 40;

/// A bar that is longer is cut off: one hopeless contender should not make
/// hairs of the others.
const LONGEST: f64 = 2.5;

const INK: RGBColor = RGBColor(31, 35, 40);
const FAINT: RGBColor = RGBColor(101, 109, 118);
const LINE: RGBColor = RGBColor(222, 226, 230);
// Blue and orange: told apart by most who tell few colours apart.
const OURS: RGBColor = RGBColor(9, 105, 218);
const OURS_LOST: RGBColor = RGBColor(207, 98, 10);
const REFERENCE: RGBColor = RGBColor(140, 149, 159);
const OTHER: RGBColor = RGBColor(190, 197, 204);

pub(crate) fn draw(file: &Path, workload: &Workload, machine: &str) -> Result {
    let comparisons: Vec<_> = workload.cases.iter().map(compare::compare).collect();
    let height: i32 = comparisons.iter().map(case_height).sum();
    let size = (WIDTH as u32, (HEAD + height + FOOT) as u32);
    let area = SVGBackend::new(file, size).into_drawing_area();
    // A README may be dark; the picture is not.
    area.fill(&WHITE)?;

    let title = Text { size: 20, bold: true, ..TEXT };
    title.write(&area, &workload.name, (MARGIN, 26))?;
    Text { color: FAINT, ..TEXT }.write(&area, machine, (MARGIN, 48))?;

    let scale = Scale::of(&comparisons);
    let mut top = HEAD;
    for (case, comparison) in workload.cases.iter().zip(&comparisons) {
        let title = Text { size: 14, bold: true, ..TEXT };
        title.write(&area, &format!("{} / {}", workload.name, case.name), (MARGIN, top + 14))?;
        let legend = legend(comparison.reference, case.unit);
        let text = Text { color: FAINT, at: HPos::Right, ..TEXT };
        text.write(&area, &legend, (VALUES_END, top + 14))?;
        draw_case(&area, comparison, &scale, top + CASE_HEAD)?;
        top += case_height(comparison);
    }
    draw_foot(&area, workload, top)?;
    area.present()?;
    Ok(())
}

fn case_height(comparison: &Comparison<'_>) -> i32 {
    CASE_HEAD + ROW * comparison.rows.len() as i32 + CASE_FOOT
}

/// What the numbers of a case are.
fn legend(reference: Option<&str>, unit: Unit) -> String {
    let what = match unit {
        Unit::Wall => "time, less is better",
        Unit::Cpu => "processor time, less is better",
        Unit::Percent => "percent, more is better",
    };
    match reference {
        Some(reference) => format!("{what}; {reference} = 1"),
        None => format!("{what}; nothing to divide by"),
    }
}

/// Where a ratio lies; the same in all cases of a picture.
struct Scale {
    end: f64,
}

impl Scale {
    fn of(comparisons: &[Comparison<'_>]) -> Scale {
        let rows = comparisons.iter().flat_map(|comparison| &comparison.rows);
        let longest = rows.filter_map(|row| row.ratios).map(|[.., high]| high).fold(1.0, f64::max);
        Scale { end: (longest * 1.05).min(LONGEST) }
    }

    fn x(&self, ratio: f64) -> i32 {
        let part = (ratio / self.end).min(1.0);
        BARS + (f64::from(BARS_END - BARS) * part).round() as i32
    }
}

fn draw_case(area: &Area<'_>, comparison: &Comparison<'_>, scale: &Scale, top: i32) -> Result {
    let bottom = top + ROW * comparison.rows.len() as i32;
    for half in 0..=(scale.end * 2.0) as i32 {
        let x = scale.x(f64::from(half) / 2.0);
        area.draw(&PathElement::new([(x, top), (x, bottom)], LINE))?;
    }
    for (row, top) in comparison.rows.iter().zip((top..).step_by(ROW as usize)) {
        draw_row(area, row, scale, top)?;
    }
    if comparison.reference.is_some() {
        // In front of the bars: who crosses it is slower.
        let x = scale.x(1.0);
        area.draw(&PathElement::new([(x, top - 2), (x, bottom + 2)], INK))?;
    }
    Ok(())
}

fn draw_row(area: &Area<'_>, row: &Row<'_>, scale: &Scale, top: i32) -> Result {
    let (fill, color, bold) = match row.role {
        Role::Ours => (OURS, OURS, true),
        Role::OursLost => (OURS_LOST, OURS_LOST, true),
        Role::Reference => (REFERENCE, INK, false),
        Role::Other => (OTHER, INK, false),
    };
    let middle = top + ROW / 2;
    let text = Text { color, bold, at: HPos::Right, ..TEXT };
    text.write(area, row.name, (NAMES_END, middle))?;
    text.write(area, &row.value, (VALUES_END, middle))?;

    let Some([low, median, high]) = row.ratios else { return Ok(()) };
    let bar = [(BARS, top + 4), (scale.x(median), top + ROW - 4)];
    area.draw(&Rectangle::new(bar, fill.filled()))?;
    if median > scale.end {
        // Torn off.
        let tear = [(BARS_END - 14, top + ROW - 3), (BARS_END - 6, top + 3)];
        area.draw(&PathElement::new(tear, WHITE.stroke_width(3)))?;
    } else if low < high {
        for [from, to] in [
            [(scale.x(low), middle), (scale.x(high), middle)],
            [(scale.x(low), middle - 4), (scale.x(low), middle + 4)],
            [(scale.x(high), middle - 4), (scale.x(high), middle + 4)],
        ] {
            area.draw(&PathElement::new([from, to], INK))?;
        }
    }
    let places = if median < 100.0 { 3 } else { 0 };
    text.write(area, &format!("{median:.places$}"), (RATIOS_END, middle))
}

fn draw_foot(area: &Area<'_>, workload: &Workload, top: i32) -> Result {
    let rounds = workload.cases.iter().map(|case| case.contenders[0].samples.len());
    let rounds = match (rounds.clone().min(), rounds.max()) {
        (Some(least), Some(most)) if least != most => format!("{least} to {most}"),
        (least, _) => least.unwrap_or_default().to_string(),
    };
    let note = format!("Medians of {rounds} rounds in turns; whiskers are the quartiles.");
    Text { color: FAINT, ..TEXT }.write(area, &note, (MARGIN, top + 14))?;
    let won = Text { color: OURS, bold: true, at: HPos::Right, ..TEXT };
    won.write(area, "■ heist", (VALUES_END - 170, top + 14))?;
    let lost = Text { color: OURS_LOST, ..won };
    lost.write(area, "■ heist, where it loses", (VALUES_END, top + 14))
}

/// How a text looks, and which end of it is at its place.
struct Text {
    size: u32,
    color: RGBColor,
    bold: bool,
    at: HPos,
}

const TEXT: Text = Text { size: 12, color: INK, bold: false, at: HPos::Left };

impl Text {
    /// Writes with the middle of the letters' height at `place`.
    fn write(&self, area: &Area<'_>, text: &str, place: (i32, i32)) -> Result {
        let style = if self.bold { FontStyle::Bold } else { FontStyle::Normal };
        // The SVG backend divides sizes by this.
        let size = f64::from(self.size) * 1.24;
        let font = (FontFamily::SansSerif, size, style).into_font();
        let style = font.color(&self.color).pos(Pos::new(self.at, VPos::Center));
        area.draw_text(text, &style, place)?;
        Ok(())
    }
}
