//! What was measured, and the goals of 8-performance beside it.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::Value;

use crate::{Who, meter::median};

/// A line of the result.
struct Row {
    name: &'static str,
    task: &'static str,
    metric: &'static str,
    unit: &'static str,
    /// At most so many times the floor under the same lock.
    ratio: Option<f64>,
    /// The lock at most so many times the plain floor.
    lock: Option<f64>,
    /// At most so much, on two slow cores.
    most: Option<f64>,
}

const fn row(
    name: &'static str,
    (task, metric): (&'static str, &'static str),
    unit: &'static str,
    ratio: Option<f64>,
    lock: Option<f64>,
    most: Option<f64>,
) -> Row {
    Row { name, task, metric, unit, ratio, lock, most }
}

const ROWS: &[Row] = &[
    row("first sync with search, CPU", ("sync", "cpu_ms"), "ms", Some(1.25), Some(1.35), Some(1500.0)),
    row("first sync with search, wall", ("sync", "wall_ms"), "ms", Some(1.25), Some(1.35), Some(1400.0)),
    row("peak memory of it", ("sync", "peak_mb"), "MB", Some(1.3), None, Some(40.0)),
    row("first list of 50, 50 ms away", ("first", "first_ms"), "ms", None, None, Some(300.0)),
    row("  received until then", ("first", "first_kb"), "KB", None, None, Some(64.0)),
    row("wire, both ways", ("first", "wire_mb"), "MB", Some(1.03), None, Some(11.0)),
    row("disk after it", ("sync", "disk_mb"), "MB", Some(1.15), None, Some(63.0)),
    row("merging at idle, CPU", ("idle", "cpu_ms"), "ms", None, None, None),
    row("disk after merging", ("idle", "disk_mb"), "MB", Some(1.15), None, Some(63.0)),
    row("one offline write, median", ("write", "median_ms"), "ms", Some(1.3), Some(1.15), Some(0.27)),
    row("  99 of 100 within", ("write", "p99_ms"), "ms", None, None, Some(1.5)),
    row("  CPU", ("write", "cpu_ms"), "ms", None, None, None),
    row("  fsyncs", ("write", "fsyncs"), "", None, None, Some(1.0)),
    row("push of 1,000 comments, CPU", ("push", "cpu_ms"), "ms", Some(2.0), Some(1.5), None),
    row("  wall", ("push", "wall_ms"), "ms", None, None, None),
    row("  requests with ops", ("push", "pushes"), "", None, None, Some(2.0)),
    row("  requests in all", ("push", "requests"), "", None, None, None),
    row("  rows that came back", ("push", "rows"), "", None, None, None),
    row("delta of one ticket, shown", ("delta", "wall_ms"), "ms", Some(2.0), Some(1.5), Some(4.0)),
    row("  CPU", ("delta", "cpu_ms"), "ms", Some(2.0), None, None),
    row("  requests", ("delta", "requests"), "", None, None, Some(1.0)),
    row("  wire, with the live hint", ("delta", "wire_kb"), "KB", None, None, Some(1.6)),
    row("newest 50", ("reads", "list_ms"), "ms", Some(1.3), Some(1.15), Some(0.075)),
    row("ticket with its comments", ("reads", "ticket_ms"), "ms", Some(1.3), Some(1.15), Some(0.075)),
    row("search, newest first", ("reads", "newest_ms"), "ms", Some(1.5), None, Some(0.26)),
    row("search, ranked", ("reads", "ranked_ms"), "ms", Some(1.2), None, Some(10.0)),
    row("cold start to the list, cached", ("cold", "wall_ms"), "ms", Some(1.6), Some(1.5), Some(7.0)),
    row("  CPU", ("cold", "cpu_ms"), "ms", Some(1.6), None, None),
    row("cold start, from the disk", ("cold-disk", "wall_ms"), "ms", Some(1.6), Some(1.5), Some(12.0)),
];

/// Everything measured: by task, metric and whose.
#[derive(Default)]
pub struct Table(BTreeMap<(String, String, Who), Vec<f64>>);

impl Table {
    pub fn add(&mut self, task: &str, who: Who, metric: &str, value: f64) {
        self.0.entry((task.to_owned(), metric.to_owned(), who)).or_default().push(value);
    }

    /// All numbers of a child's answer.
    pub fn take(&mut self, task: &str, who: Who, measured: &Value) {
        for (metric, value) in measured.as_object().into_iter().flatten() {
            if let Some(value) = value.as_f64() {
                self.add(task, who, metric, value);
            }
        }
    }

    fn of(&self, row: &Row, who: Who) -> Option<(f64, f64)> {
        let values = self.0.get(&(row.task.to_owned(), row.metric.to_owned(), who))?;
        Some((values.iter().copied().fold(f64::INFINITY, f64::min), median(values)))
    }

    /// As Markdown: the median of each and, in brackets, the least; ratios of both.
    pub fn printed(&self) -> String {
        let mut out = String::from(
            "| work | floor | floor under lock | core | core ÷ floor under lock | goal | lock ÷ plain | goal | core ÷ plain floor | about |\n\
             |---|---|---|---|---|---|---|---|---|---|\n",
        );
        for row in ROWS {
            let [plain, core, sealed] = Who::ALL.map(|who| self.of(row, who));
            if [plain, core, sealed].iter().all(Option::is_none) {
                continue;
            }
            let value = |value: Option<(f64, f64)>| {
                value.map_or("–".into(), |(least, median)| format!("{} [{}]", short(median), short(least)))
            };
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} {} | {} | {} | {} | {} | {} | {} |",
                row.name,
                value(plain),
                value(sealed),
                value(core),
                row.unit,
                ratio(core, sealed),
                goal(row.ratio, core, sealed),
                ratio(sealed, plain),
                goal(row.lock, sealed, plain),
                ratio(core, plain),
                row.most.map_or("–".into(), |most| {
                    let met = core.is_some_and(|(_, median)| median <= most * 1.005);
                    format!("≤ {} {}{}", short(most), row.unit, if met { " ✓" } else { " ✗" })
                }),
            );
        }
        out
    }
}

fn ratio(one: Option<(f64, f64)>, other: Option<(f64, f64)>) -> String {
    match (one, other) {
        (Some(one), Some(other)) if other.0 > 0.0 => {
            format!("{:.2} [{:.2}]", one.1 / other.1, one.0 / other.0)
        }
        _ => "–".into(),
    }
}

/// Met when the medians or the least values say so: noise of others only ever adds.
fn goal(goal: Option<f64>, one: Option<(f64, f64)>, other: Option<(f64, f64)>) -> String {
    match (goal, one, other) {
        (Some(goal), Some(one), Some(other)) => {
            let met = (one.1 / other.1).min(one.0 / other.0) <= goal + 0.005;
            format!("≤ {goal} {}", if met { "✓" } else { "✗" })
        }
        _ => "–".into(),
    }
}

fn short(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        value if value.abs() < 0.995 => format!("{value:.3}"),
        value if value.abs() < 99.5 => format!("{value:.2}"),
        value => format!("{value:.0}"),
    }
}
