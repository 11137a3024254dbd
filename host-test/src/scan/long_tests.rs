//! Events of many megabytes.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use serde_json::json;

use super::tests::{event, options, real, scan_with};
use super::*;

/// An event of so many bytes and some more.
fn long(id: usize, name: &str, bytes: usize) -> String {
    let mut event = event(id, name);
    event["requestParameters"] = json!({ "text": "x".repeat(bytes) });
    event.to_string()
}

/// At the first finding, waits for whatever the threads do meanwhile, and ends the scan.
struct Ahead {
    progress: ReadProgress,
    /// How many bytes were read by then.
    bytes: u64,
}

impl Ahead {
    fn new(options: &Options) -> Self {
        Ahead { progress: options.progress.clone(), bytes: 0 }
    }
}

impl Observer for Ahead {
    fn finding(&mut self, _: Found<'_>) -> io::Result<()> {
        while self.bytes != self.progress.bytes() {
            self.bytes = self.progress.bytes();
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn unreadable(&mut self, _: &Source, _: u64, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn failed(&mut self, _: &dyn Display, _: &dyn StdError) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self, _: &Source, _: &FileTally) -> io::Result<()> {
        Ok(())
    }
}

/// How many bytes of a file are read when its first event is told.
pub(super) fn read_ahead(path: &Path, threads: usize) -> u64 {
    let options = options(threads);
    let mut ahead = Ahead::new(&options);
    let found = [Ok(Source::File(path.to_owned()))].into_iter();
    let result = scan(found, &options, &mut real(), &mut ahead);
    assert!(matches!(result, Err(Error::Observer(_))), "{result:?}");
    ahead.bytes
}

#[test]
fn nothing_is_read_ahead_of_a_long_event() {
    const LONG: usize = 12 << 20;
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("file");
    let lines: Vec<_> = (0..4).map(|id| long(id, "LeaveOrganization", LONG)).collect();
    fs::write(&path, lines.join("\n")).unwrap();
    for threads in [1, 2, 8] {
        let ahead = read_ahead(&path, threads);
        let most = (LONG + (1 << 20)) as u64;
        assert!(ahead < most, "{ahead} bytes read by {threads} threads");
    }
}

#[test]
fn long_events_give_the_same_with_any_number_of_threads() {
    let root = tempfile::tempdir().unwrap();
    let leave = |id| event(id, "LeaveOrganization").to_string();
    let wrapped: Vec<_> = (20..40).map(|id| json!({ "message": leave(id) })).collect();
    let wrapped = json!({ "logEvents": wrapped, "text": "x".repeat(3 << 20) }).to_string();
    let lines = [
        leave(1),
        event(2, "DescribeX").to_string(),
        long(3, "LeaveOrganization", 3 << 20),
        long(4, "DescribeX", 9 << 20),
        leave(5),
        wrapped,
        "nonsense".repeat(400_000),
        long(6, "LeaveOrganization", 9 << 20)[..9 << 20].to_owned(),
        // Longer than an event may be.
        long(7, "LeaveOrganization", 17 << 20),
        long(8, "LeaveOrganization", 700 << 10),
        leave(9),
    ];
    for (name, end) in [("a", "\n"), ("b", "\r\n")] {
        fs::write(root.path().join(name), lines.join(end)).unwrap();
    }
    let paths = [root.path().to_owned()];
    for since in [None, orgwatch::time::parse("2026-05-04T03:00:04Z")] {
        let filter = Filter { since, ..Filter::default() };
        let run = |threads| {
            scan_with(real(), &paths, &Options { filter: filter.clone(), ..options(threads) })
        };
        let (told, totals) = run(1);
        for threads in [2, 8] {
            assert!((&told, &totals) == (&run(threads).0, &run(threads).1), "{threads} threads");
        }
        let lines_of_findings = |file: &str| {
            let places = told.0.iter().filter(|text| text.contains("member-left-organization"));
            let lines = places.filter_map(|text| text.split_once(file)?.1[1..].split(':').next());
            lines.map(|line| line.parse().unwrap()).collect::<Vec<u64>>()
        };
        let expected = [&[1, 3][..], &[5], &[6; 20], &[10, 11]].concat();
        let expected = if since.is_some() { &expected[2..] } else { &expected };
        assert_eq!(lines_of_findings(&root.path().join("a").display().to_string()), expected);
        assert_eq!(totals.counts.unreadable, 2 * 3);
    }
}
