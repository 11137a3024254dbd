//! A scan reads no further ahead than it says, and ends when nobody listens.

use std::fmt::Display;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::super::long_tests::read_ahead;
use super::super::*;
use super::{event, options, real};

/// Takes no more than so much.
struct Full(usize);

impl Observer for Full {
    fn finding(&mut self, _: Found<'_>) -> io::Result<()> {
        Ok(())
    }

    fn unreadable(&mut self, _: &Source, _: u64, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn failed(&mut self, _: &dyn Display, _: &dyn StdError) -> io::Result<()> {
        self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(())
    }

    fn end(&mut self, _: &Source, _: &FileTally) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_scan_ends_when_nobody_takes_what_it_says() {
    for threads in [1, 2, 8] {
        // There is no end of them.
        let found = std::iter::repeat_with(|| Ok(Source::File(PathBuf::from("missing"))));
        let result = scan(found, &options(threads), &mut plugin::tests::open(), &mut Full(1000));
        assert!(matches!(result, Err(Error::Observer(_))), "{result:?}");
    }
}

/// Counts files, and at the first one waits for whatever the threads do meanwhile.
struct Slow {
    found: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Observer for Slow {
    fn finding(&mut self, _: Found<'_>) -> io::Result<()> {
        Ok(())
    }

    fn unreadable(&mut self, _: &Source, _: u64, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn failed(&mut self, _: &dyn Display, _: &dyn StdError) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self, _: &Source, _: &FileTally) -> io::Result<()> {
        if self.ended.fetch_add(1, SeqCst).is_multiple_of(3000) {
            let mut before = 0;
            while before != self.found.load(SeqCst) {
                before = self.found.load(SeqCst);
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
        Ok(())
    }
}

#[test]
fn what_is_read_ahead_does_not_grow_with_the_number_of_files() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("file");
    fs::write(&path, format!("{}\n", event(1, "DescribeX"))).unwrap();
    let (found, ended) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let ahead = Arc::<AtomicUsize>::default();
    let files = {
        let (found, ended, ahead) = (Arc::clone(&found), Arc::clone(&ended), Arc::clone(&ahead));
        (0..10_000).map(move |_| {
            let now = found.fetch_add(1, SeqCst) + 1 - ended.load(SeqCst);
            ahead.fetch_max(now, SeqCst);
            Ok(Source::File(path.clone()))
        })
    };
    let mut observer = Slow { found, ended: Arc::clone(&ended) };
    let totals = scan(files, &options(8), &mut real(), &mut observer).unwrap();
    assert_eq!((totals.files, ended.load(SeqCst)), (10_000, 10_000));
    // 64 files a job, and a job for each thread and each batch that may wait.
    let ahead = ahead.load(SeqCst);
    assert!(ahead <= 64 * (8 + 18 + 2), "{ahead} files at once");
}

#[test]
fn what_is_read_ahead_of_one_file_is_bounded_by_bytes() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("file");
    let line = format!("{}\n", event(3, "LeaveOrganization"));
    fs::write(&path, line.repeat((64 << 20) / line.len())).unwrap();
    for threads in [1, 2, 8] {
        let ahead = read_ahead(&path, threads);
        // A batch for each thread, the budget, and the one that is examined.
        let most = (2 * threads as u64 + 4) << 20;
        assert!(ahead < most, "{ahead} bytes read ahead by {threads} threads");
    }
}
