//! Jobs, each read as a whole: one large file, or some small ones that follow one another.

use std::path::Path;
use std::sync::Arc;

use super::bucket_path::BucketPath;
use super::filter::{Filter, FilteredOut};
use crate::input::{PathError, Source};

/// Files that follow one another, all of one account if their folders name it.
#[derive(Debug, Default)]
pub(super) struct Job {
    pub(super) account: Option<String>,
    pub(super) items: Vec<Result<Arc<Source>, PathError>>,
}

/// Enough that a call of the guest costs nothing, little enough to be dealt out evenly.
const BYTES: u64 = 512 << 10;
const ITEMS: usize = 64;

/// Deals out what is found, in order and without ever holding all of it.
pub(super) struct Jobs {
    found: Box<dyn Iterator<Item = Result<Source, PathError>> + Send>,
    filter: Filter,
    /// Files found that did not fit into the last job.
    next: Option<Found>,
    /// Files that were left out without opening them.
    pub(super) filtered_out: FilteredOut,
}

struct Found {
    account: Option<String>,
    bytes: u64,
    item: Result<Arc<Source>, PathError>,
}

impl Jobs {
    pub(super) fn new(
        found: Box<dyn Iterator<Item = Result<Source, PathError>> + Send>,
        filter: Filter,
    ) -> Self {
        Jobs { found, filter, next: None, filtered_out: FilteredOut::default() }
    }

    fn find(&mut self) -> Option<Found> {
        loop {
            let found = self.found.next()?;
            let path = match &found {
                Ok(Source::File(path)) => Some(&**path),
                _ => None,
            };
            if let Some(outside) = path.and_then(|path| self.filter.filters_out_file(path)) {
                self.filtered_out.count(outside);
                continue;
            }
            return Some(Found {
                account: path.and_then(|path| BucketPath::of(path).account).map(Into::into),
                bytes: path.map_or(BYTES, bytes),
                item: found.map(Arc::new),
            });
        }
    }
}

/// How long a file is. One that may have to be waited for is as long as a job.
fn bytes(path: &Path) -> u64 {
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => BYTES,
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    }
}

impl Iterator for Jobs {
    type Item = Job;

    fn next(&mut self) -> Option<Job> {
        let mut job = Job::default();
        let mut bytes = 0;
        while let Some(found) = self.next.take().or_else(|| self.find()) {
            let fits = found.account == job.account && bytes + found.bytes <= BYTES;
            if !job.items.is_empty() && (!fits || job.items.len() >= ITEMS) {
                self.next = Some(found);
                break;
            }
            bytes += found.bytes;
            job.account = found.account;
            job.items.push(found.item);
        }
        (!job.items.is_empty()).then_some(job)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn small_files_of_one_account_are_read_together() {
        let root = tempfile::tempdir().unwrap();
        let of = |account: &str| format!("AWSLogs/{account}/CloudTrail/us-east-1/2026/05/04");
        let (one, other) = (of("111122223333"), of("444455556666"));
        for (folder, files, bytes) in [(&one, 70, 10), (&other, 3, 200 << 10), (&"z".into(), 2, 1)]
        {
            fs::create_dir_all(root.path().join(folder)).unwrap();
            for file in 0..files {
                let name = root.path().join(folder).join(format!("{file:03}"));
                fs::File::create(name).unwrap().set_len(bytes).unwrap();
            }
        }
        let jobs = |filter: &Filter| {
            let paths = [root.path().to_owned(), root.path().join("none"), "-".into()];
            let mut jobs = Jobs::new(Box::new(crate::input::walk(&paths)), filter.clone());
            let sizes: Vec<_> = jobs.by_ref().map(|job| job.items.len()).collect();
            (sizes, jobs.filtered_out)
        };
        assert_eq!(jobs(&Filter::default()), (vec![64, 6, 2, 1, 3, 1], FilteredOut::default()));
        let filter = Filter { accounts: ["444455556666".into()].into(), ..Filter::default() };
        let filtered_out = FilteredOut { account: 70, ..FilteredOut::default() };
        assert_eq!(jobs(&filter), (vec![2, 1, 3, 1], filtered_out));
    }
}
