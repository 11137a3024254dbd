use std::fs;
use std::io::Write as _;

use super::*;

/// A folder of sources, and the folder that they are split into.
struct Bench(tempfile::TempDir);

#[derive(Default)]
struct Heard {
    lines: Vec<u64>,
    failed: Vec<String>,
}

impl Observer for Heard {
    fn unreadable(&mut self, _: &Source, line: u64, _: &str) {
        self.lines.push(line);
    }

    fn failed(&mut self, _: &dyn Display, err: &dyn StdError) {
        self.failed.push(err.to_string());
    }

    fn end(&mut self, _: &Source, _: u64) {}
}

impl Bench {
    fn new() -> Self {
        Bench(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn source(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path("in").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn run(&self) -> (Totals, Heard) {
        self.run_on(&[self.path("in")])
    }

    fn run_on(&self, paths: &[PathBuf]) -> (Totals, Heard) {
        let mut heard = Heard::default();
        let mut folder = Folder::open(&self.path("out")).unwrap();
        let limits = Limits { max_decompressed: 1 << 20 };
        let totals = split(crate::input::walk(paths), &mut folder, &limits, &mut heard).unwrap();
        (totals, heard)
    }

    /// Every line of every output that a router would see, in the order of names.
    fn out(&self) -> Vec<String> {
        let mut files: Vec<_> = fs::read_dir(self.path("out"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "ndjson"))
            .collect();
        files.sort();
        let text: String = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        text.lines().map(str::to_owned).collect()
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn each_event_is_written_once() {
    let bench = Bench::new();
    bench.source("1/x.json.gz", gzip(br#"{"Records":[{"a": 1},{"a": 2}]}"#));
    bench.source("2/x.json.gz", gzip(br#"{"Records":[{"a":3}]}"#));
    bench.source("plain", "{\"a\":4}\n");
    bench.source("empty", "");
    let (totals, heard) = bench.run();
    assert_eq!((totals.sources, totals.written, totals.events), (4, 3, 4));
    assert_eq!(totals.bytes, 34);
    assert!(heard.failed.is_empty() && heard.lines.is_empty());
    let mut out = bench.out();
    out.sort();
    assert_eq!(out, [r#"{"a": 1}"#, r#"{"a": 2}"#, r#"{"a":3}"#, r#"{"a":4}"#]);

    let (totals, _) = bench.run();
    assert_eq!((totals.sources, totals.unchanged, totals.written), (4, 4, 0));
    bench.source("later", "{\"a\":5}");
    let (totals, _) = bench.run();
    assert_eq!((totals.unchanged, totals.written, totals.events), (4, 1, 1));
    assert_eq!(bench.out().len(), 5);
}

#[test]
fn what_a_router_has_read_may_be_deleted() {
    let bench = Bench::new();
    bench.source("x", "{\"a\":1}\n");
    bench.run();
    for entry in fs::read_dir(bench.path("out")).unwrap() {
        let _ = fs::remove_file(entry.unwrap().path());
    }
    assert_eq!(bench.run().0.unchanged, 1);
    bench.source("x", "{\"a\":1}\n{\"a\":2}\n");
    bench.run();
    assert_eq!(bench.out(), [r#"{"a":2}"#]);
}

#[test]
fn a_source_that_grows_gives_what_is_new() {
    let bench = Bench::new();
    bench.source("x", "{\"a\":1}\n{\"a\":");
    let (totals, heard) = bench.run();
    assert_eq!((totals.events, totals.unreadable, heard.lines), (1, 1, vec![2]));
    bench.source("x", "{\"a\":1}\n{\"a\":22}\n");
    let (totals, heard) = bench.run();
    assert_eq!((totals.events, totals.unreadable, heard.lines.len()), (1, 0, 0));
    bench.source("x", "{\"a\":1}\n{\"a\":22}\n{\"a\":333}\n");
    bench.run();
    assert_eq!(bench.out(), [r#"{"a":22}"#, r#"{"a":333}"#, r#"{"a":1}"#]);
    // Only its time has changed.
    bench.source("x", "{\"a\":1}\n{\"a\":22}\n{\"a\":333}\n");
    assert_eq!(bench.run().0.written, 0);
}

#[test]
fn a_source_that_is_another_now_is_written_whole() {
    let bench = Bench::new();
    bench.source("x", "{\"a\":1}\n");
    bench.run();
    for content in ["{\"b\":1}\n{\"b\":2}\n", "{\"c\":3}\n", ""] {
        bench.source("x", content);
        let (totals, _) = bench.run();
        assert_eq!(totals.events, content.lines().count() as u64);
    }
    assert_eq!(bench.out().len(), 4);
}

#[test]
fn a_damaged_source_is_tried_again_until_it_is_whole() {
    let bench = Bench::new();
    let text: String = (0..40_000).map(|n| format!("{{\"a\":{n}}}\n")).collect();
    let whole = gzip(text.as_bytes());
    bench.source("x.gz", &whole[..whole.len() / 2]);
    let first = bench.run().0;
    assert!(first.failed == 1 && first.events > 1000, "{first:?}");
    // Again, and nothing comes twice.
    let second = bench.run().0;
    assert_eq!((second.failed, second.written), (1, 0));
    bench.source("x.gz", &whole);
    let third = bench.run().0;
    assert_eq!((third.failed, first.events + third.events), (0, 40_000));
    let mut out = bench.out();
    out.sort();
    out.dedup();
    assert_eq!(out.len(), 40_000);

    // Beyond the limit: not lost, once the limit is higher, since it is tried again.
    bench.source("bomb", gzip(&b"{}\n".repeat(1 << 20)));
    assert_eq!(bench.run().0.failed, 1);
    assert_eq!(bench.run().0.failed, 1);
}

#[test]
fn what_is_no_source_is_named() {
    let bench = Bench::new();
    let (totals, heard) = bench.run_on(&[PathBuf::from("-"), bench.path("none")]);
    assert_eq!((totals.sources, totals.failed, heard.failed.len()), (2, 2, 2));
}

#[test]
fn the_folder_itself_is_no_source() {
    let bench = Bench::new();
    bench.source("x", "{\"a\":1}\n");
    for _ in 0..3 {
        assert_eq!(bench.run_on(&[bench.path("")]).0.sources, 1);
    }
    assert_eq!(bench.out().len(), 1);
}

#[test]
fn only_one_writes_at_a_time() {
    let bench = Bench::new();
    let first = Folder::open(&bench.path("out")).unwrap();
    let err = Folder::open(&bench.path("out")).unwrap_err();
    assert!(matches!(err, FolderError::InUse { .. }), "{err}");
    drop(first);
    assert!(Folder::open(&bench.path("out")).is_ok());
    fs::write(bench.path("file"), "").unwrap();
    assert!(matches!(Folder::open(&bench.path("file")), Err(FolderError::Unusable { .. })));
}

#[test]
fn a_run_that_was_killed_leaves_nothing_twice_and_nothing_half() {
    let bench = Bench::new();
    bench.source("x", "{\"a\":1}\n");
    bench.run();
    let own = bench.path("out/.orgwatch-split");
    // Killed after a file was placed, and before it was noted.
    for entry in fs::read_dir(&own).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|ending| ending == "json") {
            fs::remove_file(entry).unwrap();
        }
    }
    // Killed while another was written.
    fs::write(own.join("part.tmp"), "{\"a\":").unwrap();
    fs::write(own.join("note.tmp"), "{").unwrap();
    assert_eq!(bench.run().0.written, 0);
    assert_eq!(bench.run().0.unchanged, 1);
    assert_eq!(bench.out(), [r#"{"a":1}"#]);
}

#[test]
fn odd_names_and_links() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;
    let bench = Bench::new();
    bench.source("x", "{\"a\":0}\n");
    for (number, name) in
        [&b"no\xffutf8"[..], b"no\xfeutf8", b"-o", b"a b\nc", b"*"].iter().enumerate()
    {
        let path = bench.path("in").join(OsStr::from_bytes(name));
        fs::write(path, format!("{{\"b\":{number}}}\n")).unwrap();
    }
    // The same file by another name.
    symlink("x", bench.path("in/link")).unwrap();
    let (totals, heard) = bench.run();
    assert!(heard.failed.is_empty(), "{:?}", heard.failed);
    assert_eq!((totals.sources, totals.unchanged, totals.written), (7, 1, 6));
    assert_eq!(bench.out().len(), 6);
}
