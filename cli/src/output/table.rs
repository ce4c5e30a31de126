//! Aligned columns, with wide characters measured as a terminal draws them.

use console::{measure_text_width, truncate_str};

use super::{Output, Tone, parts::one_line};
use crate::failure::Stop;

/// One field of a row.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A field; what came from outside is made fit for a terminal.
    pub fn new(tone: Tone, text: impl AsRef<str>) -> Self {
        Self { text: one_line(text.as_ref()), tone }
    }
}

/// Rows whose columns are aligned; the column `stretch` is cut on a terminal that is too narrow.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<Cell>>,
    stretch: usize,
}

/// Columns between two fields.
const GAP: usize = 2;
/// The stretching column is never cut below this.
const LEAST: usize = 12;

impl Table {
    /// An empty table.
    pub fn new(stretch: usize) -> Self {
        Self { rows: Vec::new(), stretch }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Prints it.
    pub fn print(&self, out: &Output) -> Result<(), Stop> {
        self.lines(out.columns, |tone, text| out.tone(tone, text)).iter().try_for_each(|line| out.line(line))
    }

    fn lines(&self, columns: Option<usize>, paint: impl Fn(Tone, &str) -> String) -> Vec<String> {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            for (at, cell) in row.iter().enumerate() {
                let width = measure_text_width(&cell.text);
                match widths.get_mut(at) {
                    Some(known) => *known = width.max(*known),
                    None => widths.push(width),
                }
            }
        }
        // A column that is empty in every row takes no room.
        let whole: usize = widths.iter().filter(|width| **width > 0).map(|width| width + GAP).sum::<usize>();
        if let (Some(columns), Some(stretched)) = (columns, widths.get(self.stretch).copied()) {
            let over = whole.saturating_sub(GAP).saturating_sub(columns);
            widths[self.stretch] = stretched.saturating_sub(over).max(LEAST.min(stretched));
        }
        let mut lines = Vec::new();
        for row in &self.rows {
            let mut line = String::new();
            let mut room = 0;
            for (at, cell) in row.iter().enumerate().filter(|(at, _)| widths[*at] > 0) {
                let text = truncate_str(&cell.text, widths[at], "…");
                line.push_str(&" ".repeat(room));
                line.push_str(&paint(cell.tone, &text));
                room = widths[at].saturating_sub(measure_text_width(&text)) + GAP;
            }
            lines.push(line.trim_end().to_owned());
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(1);
        let row = |cells: [&str; 3]| cells.map(|text| Cell::new(Tone::Plain, text)).to_vec();
        table.row(row(["№1", "Каса №2 не бачить сканер", "У роботі"]));
        table.row(row(["№12", "注文が印刷されない", "new"]));
        table
    }

    #[test]
    fn columns_stay_aligned_whatever_the_letters_width() {
        let lines = table().lines(None, |_, text| text.to_owned());
        assert_eq!(lines[0], "№1   Каса №2 не бачить сканер  У роботі");
        assert_eq!(lines[1], "№12  注文が印刷されない        new");
    }

    #[test]
    fn a_narrow_terminal_cuts_the_subject_and_not_the_state() {
        for line in table().lines(Some(30), |_, text| text.to_owned()) {
            assert!(measure_text_width(&line) <= 30, "{line:?}");
            assert!(line.contains('…'), "{line:?}");
            assert!(line.ends_with("У роботі") || line.ends_with("new"), "{line:?}");
        }
    }
}
