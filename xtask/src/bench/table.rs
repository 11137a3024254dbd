//! The tables of measurements, for a person to read.

use serde::Serialize;

use super::measure::{PER_MILLE, Row, Waits};

/// Rows that belong together: contenders at the same work, or one of them at more and more of it.
#[derive(Debug, Serialize)]
pub struct Section {
    /// The title: the work that is compared.
    pub title: String,
    /// Which row the others are set against.
    pub ours: usize,
    /// The rows.
    pub rows: Vec<Row>,
    /// Rows are the same work in so many sizes each, from the smallest.
    #[serde(skip_serializing_if = "is_zero")]
    pub sizes: usize,
    /// In place of rows: how long batches took.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Waits>,
}

impl Section {
    /// Rows, the first of which is ours.
    pub fn new(title: impl Into<String>, rows: Vec<Row>) -> Self {
        Section { title: title.into(), ours: 0, rows, sizes: 0, waits: Vec::new() }
    }

    /// The rows of each work.
    pub fn growths(&self) -> impl Iterator<Item = &[Row]> {
        self.rows.chunks(self.sizes.max(1))
    }
}

fn is_zero(sizes: &usize) -> bool {
    *sizes == 0
}

/// The processor time of the last row over that of the first, and the same of their bytes.
pub fn growth(rows: &[Row]) -> Option<(f64, f64)> {
    let (first, last) = (rows.first()?, rows.last()?);
    Some((last.cpu()? / first.cpu()?, last.load.bytes as f64 / first.load.bytes as f64))
}

const HEAD: [&str; 7] = ["", "events/s", "GB/s", "wall", "CPU", "memory", "speed to ours"];

/// A section as lines: speeds are by wall time, the last column by wall and by processor time.
pub fn lines(section: &Section) -> Vec<String> {
    let mut cells: Vec<Vec<String>> = Vec::new();
    if section.sizes > 0 {
        cells.extend(growth_cells(section));
    } else if section.waits.is_empty() {
        let ours = section.rows.get(section.ours);
        cells.push(HEAD.map(str::to_owned).into());
        cells.extend(section.rows.iter().map(|row| row_cells(row, ours.unwrap_or(row)).into()));
    } else {
        let percentiles = PER_MILLE.map(|count| format!("{}%", count as f64 / 10.0));
        cells.push(["".to_owned(), "batches".into()].into_iter().chain(percentiles).collect());
        for waits in &section.waits {
            let head = [waits.name.clone(), waits.batches.to_string()];
            let times = waits.percentiles.iter().map(|time| seconds(*time));
            cells.push(head.into_iter().chain(times).collect());
        }
    }
    cells[0][0].clone_from(&section.title);
    // The head is its own row: what is missing says why, in place of figures.
    let missing = |at: usize| section.rows.get(at.checked_sub(1)?)?.missing.as_ref();
    aligned(&cells, missing)
}

fn aligned<'a>(
    cells: &[Vec<String>],
    missing: impl Fn(usize) -> Option<&'a String>,
) -> Vec<String> {
    let widths: Vec<usize> = (0..cells[0].len())
        .map(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut lines: Vec<String> = Vec::new();
    for (at, row) in cells.iter().enumerate() {
        let mut line = format!("{:width$}", row[0], width = widths[0]);
        match missing(at) {
            Some(why) => line.push_str(&format!("  missing: {why}")),
            None => {
                for (cell, width) in row.iter().zip(&widths).skip(1) {
                    line.push_str(&format!("  {cell:>width$}"));
                }
            }
        }
        lines.push(line.trim_end().to_owned());
        if at == 0 {
            let total = widths.iter().sum::<usize>() + 2 * (widths.len() - 1);
            lines.push("-".repeat(total));
        }
    }
    lines
}

/// Processor time against size, and how many times as long the greatest size takes as the smallest.
fn growth_cells(section: &Section) -> Vec<Vec<String>> {
    let sizes = section.rows.iter().take(section.sizes);
    let sizes = sizes.map(|row| format!("{} MiB", row.load.bytes >> 20));
    let last = section.growths().next().and_then(growth).map_or(0.0, |(_, size)| size);
    let head = ["".to_owned()].into_iter().chain(sizes).chain([format!("for {last:.0} times")]);
    let mut cells: Vec<Vec<String>> = vec![head.collect()];
    for rows in section.growths() {
        let times = rows.iter().map(|row| row.cpu().map_or(String::new(), seconds));
        let growth = growth(rows).map_or(String::new(), |(time, _)| format!("{time:.1}"));
        cells.push([rows[0].name.clone()].into_iter().chain(times).chain([growth]).collect());
    }
    cells
}

fn row_cells(row: &Row, ours: &Row) -> [String; 7] {
    let (Some(wall), Some(cpu)) = (row.wall(), row.cpu()) else {
        let mut cells: [String; 7] = Default::default();
        cells[0].clone_from(&row.name);
        return cells;
    };
    let ratio = |ours: Option<f64>, theirs: f64| ours.map_or(0.0, |ours| ours / theirs);
    let scale = row.load.bytes as f64 / ours.load.bytes as f64;
    [
        row.name.clone(),
        number(row.load.events as f64 / wall),
        format!("{:.3}", row.load.bytes as f64 / wall / 1e9),
        seconds(wall),
        seconds(cpu),
        row.memory().map_or(String::new(), |bytes| format!("{} MB", bytes / 1_000_000)),
        format!(
            "{} / {}",
            times(scale * ratio(ours.wall(), wall)),
            times(scale * ratio(ours.cpu(), cpu))
        ),
    ]
}

/// With three figures: `1.23 M`, `45.6 k`, `789`.
fn number(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.2} M", v / 1e6),
        v if v >= 1e3 => format!("{:.1} k", v / 1e3),
        v => format!("{v:.0}"),
    }
}

/// Milliseconds, and seconds from one on.
pub fn seconds(value: f64) -> String {
    match value {
        v if v >= 1.0 => format!("{v:.2} s"),
        v => format!("{:.1} ms", v * 1e3),
    }
}

fn times(value: f64) -> String {
    match value {
        v if v >= 10.0 => format!("{v:.0}"),
        v if v >= 0.1 => format!("{v:.2}"),
        v => format!("{v:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::{Load, Sample};
    use super::*;

    fn row(name: &str, wall: f64, cpu: f64) -> Row {
        let load = Load { events: 1000, bytes: 2_000_000_000 };
        let sample = Sample { wall, cpu, user: None, memory: Some(123_456_789) };
        Row { samples: vec![sample], ..Row::missing(name, load, "") }
    }

    fn section(mut rows: Vec<Row>) -> Section {
        rows.iter_mut().filter(|row| !row.samples.is_empty()).for_each(|row| row.missing = None);
        Section::new("one file", rows)
    }

    #[test]
    fn speeds_are_set_against_ours() {
        let shown = lines(&section(vec![row("ours", 1.0, 0.5), row("slower", 4.0, 5.0)]));
        assert_eq!(
            shown,
            [
                "one file  events/s   GB/s    wall       CPU  memory  speed to ours",
                "------------------------------------------------------------------",
                "ours         1.0 k  2.000  1.00 s  500.0 ms  123 MB    1.00 / 1.00",
                "slower         250  0.500  4.00 s    5.00 s  123 MB    0.25 / 0.10",
            ]
        );
    }

    #[test]
    fn more_work_in_the_same_time_is_faster() {
        let mut twice = row("twice", 1.0, 1.0);
        twice.load.bytes *= 2;
        let shown = lines(&section(vec![row("once", 1.0, 1.0), twice]));
        assert!(shown[3].ends_with("2.00 / 2.00"), "{shown:#?}");
    }

    #[test]
    fn what_is_missing_says_why() {
        let load = Load { events: 1, bytes: 1 };
        let shown = lines(&section(vec![
            row("ours", 1.0, 1.0),
            Row::missing("jq", load, "there is no jq on the PATH"),
        ]));
        assert_eq!(shown[3], "jq        missing: there is no jq on the PATH");
    }

    #[test]
    fn waits_stand_by_their_percentiles() {
        let mut section = Section::new("a batch", Vec::new());
        let percentiles = [0.001, 0.002, 0.0034, 1.5];
        section.waits = vec![Waits { name: "direct".into(), batches: 20, percentiles }];
        let shown = lines(&section);
        assert_eq!(
            shown,
            [
                "a batch  batches     50%     90%     99%   99.9%",
                "------------------------------------------------",
                "direct        20  1.0 ms  2.0 ms  3.4 ms  1.50 s",
            ]
        );
    }

    #[test]
    fn times_stand_against_sizes() {
        let sized = |mib: u64, cpu: f64| {
            let mut row = row("nested", cpu, cpu);
            row.load.bytes = mib << 20;
            row
        };
        let rows = vec![sized(1, 0.01), sized(2, 0.02), sized(16, 0.5)];
        let shown = lines(&Section { sizes: 3, ..section(rows) });
        assert_eq!(
            shown,
            [
                "one file    1 MiB    2 MiB    16 MiB  for 16 times",
                "--------------------------------------------------",
                "nested    10.0 ms  20.0 ms  500.0 ms          50.0",
            ]
        );
    }

    #[test]
    fn numbers_keep_three_figures() {
        assert_eq!([number(12.3), number(4567.0), number(8.9e6)], ["12", "4.6 k", "8.90 M"]);
        assert_eq!([seconds(0.0123), seconds(2.0)], ["12.3 ms", "2.00 s"]);
        assert_eq!([times(20.3), times(0.62), times(0.0412)], ["20", "0.62", "0.0412"]);
    }
}
