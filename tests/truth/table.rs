//! The table of figures, in Markdown.
use crate::compare::Outcome;
use crate::matrix::{Cell, RANGES};
use std::collections::BTreeMap;
use std::fmt::Write;

/// How many figures have each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    right: usize,
    marked: usize,
    wrong: usize,
    missing: usize,
}

impl Counts {
    fn of<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> Self {
        let mut counts = Self::default();
        for cell in cells {
            *match cell.compared.outcome {
                Outcome::Right => &mut counts.right,
                Outcome::Marked => &mut counts.marked,
                Outcome::Wrong => &mut counts.wrong,
                Outcome::Missing => &mut counts.missing,
            } += 1;
        }
        counts
    }

    /// Figures that are not true and do not say so.
    pub(crate) fn untrue(self) -> usize {
        self.wrong + self.missing
    }

    fn text(self) -> String {
        let Self { right, marked, wrong, missing } = self;
        let parts = [(wrong, "wrong"), (missing, "missing"), (marked, "≈")];
        let parts: Vec<String> =
            parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        if parts.is_empty() { format!("{right} ok") } else { format!("{right} ok, **{}**", parts.join(", ")) }
    }
}

/// The counts of all cells.
pub(crate) fn counts(cells: &[Cell]) -> Counts {
    Counts::of(cells)
}

/// Which figure of which world: its row in the summary.
fn row_name(cell: &Cell) -> String {
    let figure = cell.compared.figure;
    let words = [cell.world, figure.graph, figure.line];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    format!("{} · {:?}", words.join(" · "), figure.place)
}

/// For each backend a table of figures by range, over all moments, and then all figures that are not true.
pub(crate) fn table(cells: &[Cell]) -> String {
    let mut text = String::new();
    let mut by_backend: BTreeMap<&str, Vec<&Cell>> = BTreeMap::new();
    for cell in cells {
        by_backend.entry(cell.backend).or_default().push(cell);
    }
    for (backend, cells) in &by_backend {
        let ranges: Vec<&str> =
            RANGES.iter().map(|(name, _)| *name).filter(|name| cells.iter().any(|cell| cell.range == *name)).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n| {backend} | {} |", ranges.join(" | "));
        let _ = writeln!(text, "| --- |{}", " --- |".repeat(ranges.len()));
        let mut by_row: BTreeMap<String, Vec<&Cell>> = BTreeMap::new();
        for cell in cells {
            by_row.entry(row_name(cell)).or_default().push(cell);
        }
        for (name, own) in by_row.iter().chain([(&"**all**".to_owned(), cells)]) {
            let of = |range: &&str| Counts::of(own.iter().copied().filter(|cell| cell.range == *range)).text();
            let _ = writeln!(text, "| {name} | {} |", ranges.iter().map(of).collect::<Vec<_>>().join(" | "));
        }
    }
    let mut untrue: Vec<&Cell> = cells.iter().filter(|cell| cell.compared.outcome != Outcome::Right).collect();
    untrue.sort_by_key(|cell| (cell.compared.outcome == Outcome::Marked, cell.backend));
    if !untrue.is_empty() {
        text.push_str("\n| backend | range | moment | figure | shown | true | outcome |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    }
    for cell in untrue {
        let Cell { backend, range, moment, compared, .. } = cell;
        let outcome = match compared.outcome {
            Outcome::Right => "ok",
            Outcome::Marked => "marked ≈",
            Outcome::Wrong => "wrong",
            Outcome::Missing => "missing",
        };
        let (name, shown, truth) = (row_name(cell), &compared.shown, &compared.truth);
        let _ = writeln!(text, "| {backend} | {range} | {moment} | {name} | {shown} | {truth} | {outcome} |");
    }
    text
}
