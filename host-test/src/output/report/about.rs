//! The scan that a page reports.

use orgwatch::finding::Severity;
use serde_json::Value;

use crate::plugin::Description;
use crate::scan::{Filter, Totals};

/// The scan that a page reports.
#[derive(Debug, Clone)]
pub struct About {
    /// The paths scanned, as they were named.
    pub paths: Vec<String>,
    /// The totals of the scan.
    pub totals: Totals,
    /// The events that were wanted.
    pub filter: Filter,
    /// The component that examined it.
    pub component: Description,
    /// The settings that it was opened with.
    pub settings: Settings,
    /// Findings below this severity were kept from the page.
    pub min_severity: Severity,
    /// The memory of earlier runs, by its name.
    pub state: Option<String>,
}

/// The settings of a scan.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Their name; none for the defaults.
    pub name: Option<String>,
    /// As their author wrote them.
    pub text: String,
    /// As JSON.
    pub json: Value,
}

/// An approval of the settings.
#[derive(Debug)]
pub(super) struct Approval<'a> {
    pub(super) reason: &'a str,
    pub(super) until: &'a str,
    /// Whom, what and to what it covers: names and values.
    pub(super) covers: Vec<(&'static str, Vec<&'a str>)>,
    pub(super) findings: u64,
}

impl Settings {
    /// The approvals, each with what this gives for its reason.
    pub(super) fn approvals(&self, count: impl Fn(&str) -> u64) -> Vec<Approval<'_>> {
        let all = self.json.get("approvals").and_then(Value::as_array);
        let approval = |value| {
            let text = |key| Value::get(value, key).and_then(Value::as_str).unwrap_or_default();
            let covers = [
                ("by", "principals"),
                ("rules", "rules"),
                ("accounts", "accounts"),
                ("organizations", "organizations"),
            ];
            let list = |(name, key)| {
                let values = Value::get(value, key)?.as_array()?;
                Some((name, values.iter().filter_map(Value::as_str).collect()))
            };
            Approval {
                reason: text("reason"),
                until: text("until"),
                covers: covers.into_iter().filter_map(list).collect(),
                findings: count(text("reason")),
            }
        };
        all.into_iter().flatten().map(approval).collect()
    }
}
