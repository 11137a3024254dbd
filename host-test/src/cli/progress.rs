//! The progress of a scan, on a terminal.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use orgwatch_host::input::{self, Source};
use orgwatch_host::scan::{Filter, Options};

use orgwatch_host::output::plural;

/// A scan that is over sooner shows nothing.
const DELAY: Duration = Duration::from_millis(300);
const INTERVAL: Duration = Duration::from_millis(100);

/// The files are listed a second time, to know how long they are together, only for a scan that
/// takes longer than this: on a disk across a network that is no small work.
const PATIENCE: Duration = Duration::from_secs(2);

const KNOWN: &str = "{wide_bar} {msg}, {decimal_bytes} of {decimal_total_bytes}, \
                     {decimal_bytes_per_sec}, {eta} left";
const UNKNOWN: &str = "{spinner} {msg}, {decimal_bytes}, {decimal_bytes_per_sec}";

/// Shows how far a scan has come as long as it lives: files and bytes as they are on the disk.
#[derive(Debug, Default)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    /// Whether standard output is a terminal too.
    among_findings: bool,
}

impl Progress {
    /// Starts showing, if standard error is a terminal.
    pub(super) fn start(quiet: bool, paths: &[PathBuf], options: &Options) -> Self {
        let mut shown = Progress::default();
        if quiet || !io::stderr().is_terminal() {
            return shown;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        bar.set_style(style(UNKNOWN));
        shown.bar = Some(bar.clone());
        shown.among_findings = io::stdout().is_terminal();
        let (stop, progress) = (Arc::clone(&shown.stop), options.progress.clone());
        let show = move || {
            thread::park_timeout(DELAY);
            bar.set_draw_target(ProgressDrawTarget::stderr());
            while !stop.load(Relaxed) {
                bar.set_message(plural(progress.files(), "file"));
                bar.set_position(progress.bytes());
                bar.tick();
                thread::park_timeout(INTERVAL);
            }
        };
        shown.spawn(show);
        let (bar, stop) = (shown.bar.clone(), Arc::clone(&shown.stop));
        let (paths, filter) = (paths.to_owned(), options.filter.clone());
        let measure = move || {
            thread::park_timeout(PATIENCE);
            if let (Some(bar), Some(bytes)) = (bar, measure(&paths, &filter, &stop)) {
                bar.set_style(style(KNOWN));
                bar.set_length(bytes);
            }
        };
        shown.spawn(measure);
        shown
    }

    fn spawn(&mut self, work: impl FnOnce() + Send + 'static) {
        // Without one there is less to be seen, and nothing else is missing.
        self.threads.extend(thread::Builder::new().spawn(work));
    }

    /// Does something that writes to standard output, without the progress in its way: elsewhere it never is.
    pub(super) fn aside_of_findings<T>(&self, write: impl FnOnce() -> T) -> T {
        if self.among_findings { self.aside(write) } else { write() }
    }

    /// Does something that writes to standard error, without the progress in its way.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // One that panicked has shown nothing more, which is all that is lost.
            let _ = thread.join();
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

/// The length of all files together; none if that cannot be known, or is not asked any more.
fn measure(paths: &[PathBuf], filter: &Filter, stop: &AtomicBool) -> Option<u64> {
    let mut bytes = 0;
    for found in input::walk(paths) {
        match found {
            _ if stop.load(Relaxed) => return None,
            Ok(Source::File(path)) if filter.wants_file(&path) => match path.metadata() {
                Ok(metadata) if metadata.is_file() => bytes += metadata.len(),
                Ok(_) => return None,
                Err(_) => {}
            },
            Ok(Source::Stdin) => return None,
            _ => {}
        }
    }
    Some(bytes)
}
