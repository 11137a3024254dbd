//! The summary at the end of a run.

use std::io;
use std::time::Duration;

use orgwatch_host::output::Escaped;
use orgwatch_host::output::{number, plural};
use orgwatch_host::plugin::Counts;
use orgwatch_host::scan::{Tally, Totals};

/// Says on standard error what was read, how it went, and in between what came of it: names and
/// values.
pub(super) fn summarise(totals: &Totals, time: Duration, rows: &[(&str, String)]) {
    // By bytes, so that it does not pass through `say`, which makes one line of everything.
    let _ = io::Write::write_all(&mut io::stderr(), summary(totals, time, rows).as_bytes());
}

fn summary(totals: &Totals, time: Duration, rows: &[(&str, String)]) -> String {
    let counts = &totals.counts;
    let seconds = time.as_secs_f64().max(1e-6);
    let events = plural(counts.events, "event");
    let files = plural(totals.files, "file");
    let mut text = format!("{events} in {files}, {}\n", bytes(totals.bytes));
    let mut row = |name: &str, value: &str| text += &format!("  {name:<14}  {value}\n");
    for (name, value) in rows {
        row(name, value);
    }
    if let Some(forms) = forms(counts) {
        row("forms", &forms);
    }
    row("not CloudTrail", &foreign(counts));
    let trapped = match counts.trapped {
        0 => String::new(),
        trapped => format!(", on {} of which the detector failed", number(trapped)),
    };
    row("unreadable", &format!("{}{trapped}", number(counts.unreadable)));
    if counts.without_time > 0 {
        let events = plural(counts.without_time, "event");
        row("without time", &format!("{events} that a rule names: no chain has them"));
    }
    if totals.failed > 0 {
        row("failed to read", &plural(totals.failed, "path"));
    }
    let rate = number((counts.events as f64 / seconds) as u64);
    let bytes = bytes((totals.bytes as f64 / seconds) as u64);
    row("time", &format!("{seconds:.2} s: {rate} events/s, {bytes}/s"));
    text
}

/// The records that came in other forms than CloudTrail's own.
fn forms(counts: &Counts) -> Option<String> {
    let others = [
        (counts.ocsf, "OCSF"),
        (counts.ecs, "the Elastic Common Schema"),
        (counts.query_rows, "rows of a query"),
    ];
    let told = others.iter().filter(|(count, _)| *count > 0);
    let told: Vec<_> = told.map(|(count, form)| format!("{} {form}", number(*count))).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// What is not CloudTrail, and how much of it accompanies CloudTrail's records.
fn foreign(counts: &Counts) -> String {
    let kinds = [
        (counts.notifications, "notifications"),
        (counts.companions, "digests, Insights and the like"),
    ];
    let told = kinds.iter().filter(|(count, _)| *count > 0);
    let told: Vec<_> = told.map(|(count, kind)| format!("{} {kind}", number(*count))).collect();
    match told.is_empty() {
        true => number(counts.foreign),
        false => format!("{}: {}", number(counts.foreign), told.join(", ")),
    }
}

/// Counts of the events by account and source, without parsing all of them: all are counted by the
/// folders that they are in, and those that a rule names by their content.
pub(super) fn examined(totals: &Totals) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let evaluated = totals.counts.evaluated;
    if !totals.folders.ranked().is_empty() {
        rows.push(("by account", format!("{} (by their folders)", ranked(&totals.folders))));
    }
    if evaluated > 0 {
        let by_source = ranked(&totals.sources).replace(".amazonaws.com", "");
        let mut text = format!("{} that a rule names: {by_source}", plural(evaluated, "event"));
        if totals.folders.ranked().is_empty() {
            text += &format!("; of {}", ranked(&totals.accounts));
        }
        rows.push(("examined", text));
    }
    rows
}

/// The first few of a tally, and how many more there are.
pub(super) fn ranked(tally: &Tally) -> String {
    const SHOWN: usize = 5;
    let ranked = tally.ranked();
    let shown = ranked.iter().take(SHOWN);
    let mut parts: Vec<String> =
        shown.map(|(name, count)| format!("{} {}", Escaped(name), number(*count))).collect();
    let more = ranked.len().saturating_sub(SHOWN);
    if more > 0 {
        parts.push(format!("{} more", number(more as u64)));
    }
    parts.join(", ")
}

/// A number of bytes, as `415.7 kB` or `999 bytes`. `indicatif::DecimalBytes` would say `415.69 kB` and
/// `999 B`.
pub(super) fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if value < 999.95 {
            return if unit == "bytes" {
                format!("{bytes} bytes")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1000), "1,000");
        assert_eq!(number(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(plural(1, "event"), "1 event");
        assert_eq!(plural(0, "event"), "0 events");
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(415_687), "415.7 kB");
        assert_eq!(bytes(999_990), "1.0 MB");
        assert_eq!(bytes(2_000_000_000_000), "2.0 TB");
    }
}
