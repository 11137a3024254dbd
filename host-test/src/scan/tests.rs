//! Any number of threads give the same, and none of them goes missing.

mod bounds;
mod faults;

use std::fmt::Display;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::plugin::{Artifact, Plugin};
use crate::{input, plugin};

/// Everything that an observer is told, in order.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told(pub(super) Vec<String>);

impl Observer for Told {
    fn finding(&mut self, found: Found<'_>) -> io::Result<()> {
        let raw = found.raw();
        let Found { finding, source, line, .. } = &found;
        let raw = String::from_utf8_lossy(&raw);
        self.0.push(format!("{source}:{line}: {finding:?} in {raw}"));
        Ok(())
    }

    fn unreadable(&mut self, source: &Source, line: u64, reason: &str) -> io::Result<()> {
        self.0.push(format!("{source}:{line}: {reason}"));
        Ok(())
    }

    fn failed(&mut self, what: &dyn Display, err: &dyn StdError) -> io::Result<()> {
        self.0.push(format!("{what}: {err}"));
        Ok(())
    }

    fn end(&mut self, source: &Source, held: &FileTally) -> io::Result<()> {
        self.0.push(format!("{source} ends: {}", held.unreadable));
        Ok(())
    }
}

pub(super) fn options(threads: usize) -> Options {
    Options { threads: NonZeroUsize::new(threads).unwrap(), ..Options::default() }
}

pub(super) fn scan_with(
    mut detector: Detector,
    paths: &[PathBuf],
    options: &Options,
) -> (Told, Totals) {
    let mut told = Told::default();
    let totals = scan(input::walk(paths), options, &mut detector, &mut told).unwrap();
    (told, totals)
}

/// The component as it is shipped.
pub(super) fn real() -> Detector {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    let plugin = PLUGIN.get_or_init(|| {
        let artifact = Artifact::find(None).expect("cargo xtask test builds the component first");
        Plugin::load(artifact.bytes(), &plugin::Options::default()).unwrap()
    });
    plugin.open("{}").unwrap()
}

pub(super) fn event(id: usize, name: &str) -> Value {
    json!({
        "eventVersion": "1.09", "eventID": format!("{id:08}"), "eventName": name,
        "eventTime": format!("2026-05-04T03:{:02}:{:02}Z", id / 60 % 60, id % 60),
        "eventSource": "organizations.amazonaws.com", "recipientAccountId": "111122223333",
        "userIdentity": { "type": "Root", "accountId": "111122223333" },
    })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A file of a shape, with events from this id on.
fn file(shape: u8, id: usize) -> Vec<u8> {
    let events: Vec<Value> = (id..id + 5)
        .map(|id| event(id, if id.is_multiple_of(3) { "LeaveOrganization" } else { "DescribeX" }))
        .collect();
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    let records = json!({ "Records": events });
    let text = match shape % 14 {
        0 => lines,
        1 => records.to_string(),
        2 => serde_json::to_string_pretty(&records).unwrap(),
        3 => serde_json::to_string_pretty(&events).unwrap(),
        4 => format!("\u{feff}{lines}nonsense\n{{\"eventName\":\"LeaveOrganization\"\n\n{{}}"),
        5 => String::new(),
        6 => format!("{{}}\n{}", "nonsense\n".repeat(150)),
        7 => format!("{{\"eventName\":\"LeaveOrganization\",}}\n{lines}").repeat(40),
        8 => events.iter().map(ToString::to_string).collect(),
        9 => json!({ "Records": [event(id, "DescribeX"), event(id + 1, "DescribeY")] }).to_string(),
        10 => {
            serde_json::to_string_pretty(&json!({ "Records": [event(id, "DescribeX")] })).unwrap()
        }
        11 => format!("{{\n\"Records\": [\n{}", lines.replace("}\n", "},\n")),
        12 => json!({ "Records": [1, event(id, "LeaveOrganization"), {}] }).to_string(),
        _ => events
            .iter()
            .map(|event| json!({ "message": event.to_string() }).to_string() + "\n")
            .collect(),
    };
    match shape / 14 % 4 {
        0 | 1 => text.into_bytes(),
        2 => gzip(text.as_bytes()),
        _ => {
            let whole = gzip(text.as_bytes());
            whole[..whole.len() - 5].to_vec()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_tree_gives_the_same_with_any_number_of_threads(
        shapes in prop::collection::vec((any::<u8>(), 0_u8..4), 1..60),
        since in prop::option::of(0_i64..600),
    ) {
        let root = tempfile::tempdir().unwrap();
        for (number, (shape, folder)) in shapes.iter().enumerate() {
            let folder = root.path().join(format!("AWSLogs/11112222333{folder}/CloudTrail/x"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("{number:03}")), file(*shape, number * 7)).unwrap();
        }
        let paths = [root.path().to_owned(), root.path().join("missing")];
        let base = orgwatch::time::parse("2026-05-04T03:00:00Z").unwrap();
        let filter = Filter { since: since.map(|since| base + since), ..Filter::default() };
        let run = |threads| {
            scan_with(real(), &paths, &Options { filter: filter.clone(), ..options(threads) })
        };
        let (told, totals) = run(1);
        for threads in [2, 8] {
            let (other, others) = run(threads);
            prop_assert_eq!(&told, &other, "{} threads", threads);
            prop_assert_eq!(&totals, &others, "{} threads", threads);
        }
        prop_assert_eq!(totals.files, shapes.len() as u64);
        prop_assert_eq!(totals.folders.ranked().iter().map(|(_, events)| events).sum::<u64>(), totals.counts.events);
        let Counts { events, rejected, evaluated, unreadable, foreign, .. } = totals.counts;
        prop_assert_eq!(events, rejected + evaluated + unreadable + foreign + totals.filtered_out.all());
    }
}

#[test]
fn every_form_counts_the_same_events() {
    let root = tempfile::tempdir().unwrap();
    for (shape, expected) in [
        (0, 5),
        (1, 5),
        (2, 5),
        (3, 5),
        (5, 0),
        (6, 151),
        (7, 240),
        (8, 5),
        (9, 2),
        (10, 1),
        (12, 3),
        (13, 5),
    ] {
        let path = root.path().join("file");
        fs::write(&path, file(shape, 0)).unwrap();
        let (_, totals) = scan_with(real(), &[path], &options(1));
        assert_eq!(totals.counts.events, expected, "shape {shape}");
    }
}

#[test]
fn the_record_comes_with_its_finding() {
    let root = tempfile::tempdir().unwrap();
    for shape in [0, 1, 2, 3, 8, 13] {
        let path = root.path().join(shape.to_string());
        fs::write(&path, file(shape, 1)).unwrap();
        let (told, _) = scan_with(real(), &[path], &options(1));
        let found = told.0.iter().find(|text| text.contains("member-left-organization")).unwrap();
        let raw: Value = serde_json::from_str(found.rsplit_once(" in ").unwrap().1).unwrap();
        assert_eq!(raw, event(3, "LeaveOrganization"), "shape {shape}");
    }
}

#[test]
fn files_of_other_times_and_accounts_are_not_opened() {
    let root = tempfile::tempdir().unwrap();
    for (account, day) in [("111122223333", "01"), ("111122223333", "04"), ("444455556666", "04")] {
        let folder = format!("AWSLogs/{account}/CloudTrail/us-east-1/2026/05/{day}");
        fs::create_dir_all(root.path().join(&folder)).unwrap();
        fs::write(root.path().join(folder).join("a.json"), file(0, 0)).unwrap();
    }
    let filter = Filter {
        since: orgwatch::time::parse("2026-05-03T00:00:00Z"),
        accounts: ["111122223333".to_owned()].into(),
        ..Filter::default()
    };
    let paths = [root.path().to_owned()];
    let (_, totals) = scan_with(real(), &paths, &Options { filter, ..options(2) });
    assert_eq!((totals.files, totals.counts.evaluated), (1, 2));
    assert_eq!(totals.files_filtered_out, FilteredOut { before: 1, after: 0, account: 1 });
}
