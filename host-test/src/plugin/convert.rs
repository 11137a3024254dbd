//! From the contract's records to ours. Nothing is believed that can be checked against what went
//! in.

use orgwatch::finding::Finding;

use super::bindings::exports::orgwatch::detector::detection as wit;
use super::{Batch, Counter, Counts, Description, Located, Place, Problem, Rule};
use super::{Screened, Span, Unreadable};

pub(super) use super::bindings::exports::orgwatch::detector::findings::Finding as WitFinding;

orgwatch::wit_conversions!(super::bindings::exports::orgwatch::detector::findings);

/// A finding, with the digest that only the host knows.
pub(super) fn finding(from: WitFinding, digest: &str) -> Finding {
    let mut finding = Finding::from(from);
    // Ours, whatever the guest says: it would be vouching for itself.
    finding.artifact.digest = Some(digest.to_owned());
    finding
}

pub(super) fn findings(from: Vec<WitFinding>, digest: &str) -> Vec<Finding> {
    from.into_iter().map(|from| finding(from, digest)).collect()
}

/// The result of a batch of `length` bytes.
pub(super) fn batch(from: wit::Batch, length: usize, digest: &str) -> Batch {
    Batch {
        findings: from
            .findings
            .into_iter()
            .map(|from| Located {
                place: place(from.place, length),
                finding: finding(from.finding, digest),
            })
            .collect(),
        counts: counts(from.counts, length),
        unreadable: unreadable(from.unreadable, length),
    }
}

/// The result of screening a batch of `length` bytes. A span that is not in the batch, or not behind the
/// one before it, is dropped.
pub(super) fn screened(from: wit::Screened, length: usize) -> Screened {
    let mut spans: Vec<Span> = from
        .spans
        .into_iter()
        .map(|from| Span {
            line: line(from.line, length),
            offset: from.offset as usize,
            length: from.length as usize,
        })
        .collect();
    let (mut behind, mut last) = (0, 0);
    spans.retain(|span| {
        let end = span.offset.checked_add(span.length).filter(|end| *end <= length);
        let fits = span.offset >= behind && span.line > last;
        end.filter(|_| fits).is_some_and(|end| {
            (behind, last) = (end, span.line);
            true
        })
    });
    Screened {
        spans,
        counts: counts(from.counts, length),
        unreadable: unreadable(from.unreadable, length),
        are_plain: false,
    }
}

/// The result of screening by the core that this program is linked with.
pub(super) fn linked(from: orgwatch::batch::Screened) -> Screened {
    let span = |from: orgwatch::batch::Span| Span {
        line: from.line,
        offset: from.offset as usize,
        length: from.length as usize,
    };
    Screened {
        spans: from.spans.into_iter().map(span).collect(),
        counts: counts_of_core(from.counts),
        unreadable: from.unreadable,
        are_plain: from.are_plain,
    }
}

pub(super) fn description(from: wit::Description, digest: String) -> Description {
    Description {
        name: from.name,
        version: from.version,
        digest,
        attack_version: from.attack_version,
        state_format: from.state_format,
        rules: from.rules.into_iter().map(rule).collect(),
        sources: from.sources,
        envelopes: from.envelopes,
    }
}

pub(super) fn rule(from: wit::Rule) -> Rule {
    Rule {
        slug: from.slug,
        id: from.id,
        title: from.title,
        description: from.description,
        severity: from.severity.into(),
        group: from.group,
        event_names: from.event_names,
        attack: from.attack,
        attack_aliases: from.attack_aliases,
        threat_catalogue: from.threat_catalogue,
        covers: from.covers,
    }
}

pub(super) fn problem(from: wit::SettingProblem) -> Problem {
    Problem { path: from.path, value: from.value, problem: from.problem }
}

pub(super) fn counter(from: wit::Counter) -> Counter {
    Counter { name: from.name, value: from.value }
}

fn unreadable(from: Vec<wit::Unreadable>, length: usize) -> Vec<Unreadable> {
    from.into_iter()
        .map(|from| Unreadable { place: place(from.place, length), reason: from.reason })
        .collect()
}

fn place(from: wit::Place, length: usize) -> Place {
    Place { line: line(from.line, length), record: from.record }
}

/// Lines count from 1, and `length` bytes cannot hold more lines than bytes. Counting them exactly
/// would cost a tenth of the time that examining them takes.
fn line(line: u32, length: usize) -> u32 {
    line.clamp(1, u32::try_from(length).unwrap_or(u32::MAX).max(1))
}

/// The counts of a guest, and those of the core, which have the same fields.
macro_rules! counts {
    ($($field:ident),*) => {
        /// A record takes a byte, and so does a line.
        fn counts(wit::Counts { $($field),* }: wit::Counts, length: usize) -> Counts {
            let most = length as u64;
            Counts { $($field: $field.min(most),)* trapped: 0 }
        }

        fn counts_of_core(orgwatch::batch::Counts { $($field),* }: orgwatch::batch::Counts) -> Counts {
            Counts { $($field,)* trapped: 0 }
        }
    };
}
counts!(
    lines,
    events,
    rejected,
    evaluated,
    unreadable,
    foreign,
    notifications,
    companions,
    ocsf,
    ecs,
    query_rows,
    without_time
);

#[cfg(test)]
mod tests {
    use super::*;

    fn lying() -> wit::Counts {
        wit::Counts {
            lines: u64::MAX,
            events: u64::MAX,
            rejected: 1,
            evaluated: 0,
            unreadable: u64::MAX,
            foreign: 0,
            notifications: 0,
            companions: 0,
            ocsf: 0,
            ecs: 0,
            query_rows: 0,
            without_time: 0,
        }
    }

    #[test]
    fn places_outside_the_batch_are_clamped() {
        assert_eq!(line(0, 10), 1);
        assert_eq!(line(u32::MAX, 10), 10);
        assert_eq!(line(7, 0), 1);
        assert_eq!(line(7, 10), 7);
    }

    #[test]
    fn spans_outside_the_batch_or_over_one_another_are_dropped() {
        let offsets = |spans: &[(u32, u32, u32)]| {
            let span = |&(line, offset, length): &_| wit::Span { line, offset, length };
            let spans = spans.iter().map(span).collect();
            let got = wit::Screened { spans, counts: lying(), unreadable: Vec::new() };
            let spans = screened(got, 10).spans;
            spans.iter().map(|span| (span.offset, span.length)).collect::<Vec<_>>()
        };
        let outside = [(1, 0, 9), (2, 1, 10), (3, u32::MAX, u32::MAX), (4, 10, 0)];
        assert_eq!(offsets(&outside), [(0, 9), (10, 0)]);
        // The same event is not examined twice.
        assert_eq!(
            offsets(&[(1, 0, 4), (2, 0, 4), (2, 3, 2), (2, 5, 1), (2, 7, 1)]),
            [(0, 4), (5, 1)]
        );
    }

    #[test]
    fn counts_are_bounded_by_the_batch() {
        let got = counts(lying(), 10);
        assert_eq!((got.lines, got.events, got.rejected, got.unreadable), (10, 10, 1, 10));
    }
}
