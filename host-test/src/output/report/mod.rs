//! Findings for a person in a browser: one page that needs nothing else.
//!
//! A page loads nothing and runs nothing, and its policy (CSP) forbids both, so that an
//! attacker-controlled value cannot execute even if escaping failed. `<details>` and style sheets do
//! the work that scripts do elsewhere.
//!
//! | module | what it does |
//! | --- | --- |
//! | `selection` | which findings are shown in full, in a line, or only counted |
//! | `row` | a finding in a line |
//! | `raw` | the record that gave a finding, laid out |
//! | `view` | the order of the page, and what links to what |
//! | `facts`, `about`, `link` | a finding, and the scan, as names and values |
//! | `timeline`, `scale` | findings across time |
//! | `time_format` | times and spans of time |
//! | `page` | the templates, `*.html`, filled in |
//! | `escape` | what every value passes through |

mod about;
mod escape;
mod facts;
mod link;
mod page;
mod raw;
mod row;
mod scale;
mod selection;
#[cfg(test)]
mod tests;
mod time_format;
mod timeline;
mod view;

use std::io;

use askama::Template as _;
use orgwatch::finding::Finding;

pub use about::{About, Settings};
pub use selection::Limits;
use selection::Selection;

use crate::scan::Found;

/// The most things that could not be read which a page names.
const MOST_UNREAD: usize = 100;

/// A page in the making. Takes findings as they are found, and no more memory than its limits say.
///
/// The same findings and the same [`About`] give the same bytes.
#[derive(Debug)]
pub struct Report {
    selection: Selection,
    unread: Vec<String>,
}

impl Report {
    /// An empty one.
    pub fn new(limits: Limits) -> Self {
        Report { selection: Selection::new(limits), unread: Vec::new() }
    }

    /// Takes a finding, and the event that gave it, unless it was memory that did.
    pub fn finding(&mut self, finding: &Finding, event: Option<&Found<'_>>) {
        self.selection.take(finding, event);
    }

    /// Takes a finding that is not to be shown: it is counted, and drawn where it is part of a chain.
    pub fn hidden(&mut self, finding: &Finding) {
        self.selection.hide(finding);
    }

    /// Takes what could not be read, and why. Only the first are named; [`About`] counts all.
    pub fn unreadable(&mut self, what: impl FnOnce() -> String) {
        if self.unread.len() < MOST_UNREAD {
            self.unread.push(crate::output::escape(&what(), 400));
        }
    }

    /// Writes the page.
    pub fn write(&self, about: &About, to: &mut dyn io::Write) -> io::Result<()> {
        page::Page::new(&self.selection, &self.unread, about).write_into(to)
    }
}
