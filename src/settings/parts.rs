//! The settings that are objects of their own: `silence`, `rules` and `memory`.

use std::collections::BTreeMap;

use orgwatch_sigma::Pack;
use serde_json::Value;

use super::check::{ACCOUNT, Check, below};
use super::{Mode, Override};
use crate::memory::Limits;
use crate::silence::Silence;

/// `silence: {accounts: [numbers], after: 24h, late: 1h}`.
pub(super) fn silence(value: &Value, check: &mut Check) -> Option<Silence> {
    let mut silence = Silence::default();
    let found = check.object("silence", value, &["accounts", "after", "late"]);
    for (key, value) in &found {
        let path = below("silence", key);
        match *key {
            "accounts" => {
                let told = check.problems.len();
                silence.accounts = check.texts(&path, value, ACCOUNT).into_iter().collect();
                // One that is refused for itself is told of once.
                let wrong = check.problems.len().saturating_sub(told);
                let apart = silence.accounts.len().saturating_add(wrong);
                if value.as_array().is_some_and(|list| apart < 2 || list.len() > MAX_SILENT) {
                    let allowed = format!(
                        "from two different accounts, since others tell the time, to {MAX_SILENT}"
                    );
                    check.wrong(&path, value, &allowed);
                }
            }
            "after" => {
                if let Some(after) = check.duration(&path, value) {
                    silence.after = after;
                    if after < 60 {
                        check.wrong(&path, value, "a minute (1m) at least");
                    }
                }
            }
            _ => silence.late = check.duration(&path, value).unwrap_or_default(),
        }
    }
    if !found.contains_key("accounts") && !value.is_null() {
        check.wrong("silence.accounts", &Value::Null, "name the accounts whose silence is told");
    }
    (!value.is_null()).then_some(silence)
}

/// The most accounts whose silence is told.
const MAX_SILENT: usize = 10_000;

/// `rules: {slug: off, slug: {mode: dry-run, severity: low}}`.
pub(super) fn overrides(
    value: &Value,
    pack: &Pack,
    check: &mut Check,
) -> BTreeMap<String, Override> {
    let public = pack.public();
    let slugs: Vec<_> = public.iter().map(|about| about.slug.as_str()).collect();
    let mut found = BTreeMap::new();
    for (slug, value) in check.object("rules", value, &slugs) {
        let path = below("rules", slug);
        let mut change = Override::default();
        if value.is_object() {
            for (key, value) in check.object(&path, value, &["mode", "severity"]) {
                let path = below(&path, key);
                match key {
                    "mode" => change.mode = mode(&path, value, check),
                    _ => {
                        let severity = value.as_str().map(str::parse);
                        match severity {
                            Some(Ok(severity)) => change.severity = Some(severity),
                            _ => check.wrong(
                                &path,
                                value,
                                "informational, low, medium, high or critical",
                            ),
                        }
                    }
                }
            }
        } else {
            change.mode = mode(&path, value, check);
        }
        found.insert(slug.to_owned(), change);
    }
    found
}

fn mode(path: &str, value: &Value, check: &mut Check) -> Mode {
    match value {
        // YAML readers of the older kind take a bare `off` for false, and `on` for true.
        Value::Bool(true) => return Mode::On,
        Value::Bool(false) => return Mode::Off,
        _ => {}
    }
    match value.as_str() {
        Some("on") => Mode::On,
        Some("off") => Mode::Off,
        Some("dry-run") => Mode::DryRun,
        _ => {
            check.wrong(path, value, "on, off or dry-run");
            Mode::On
        }
    }
}

/// The parts of the memory, and the most entries of each that can be loaded again within a gigabyte.
const PARTS: [(&str, u64); 5] = [
    ("events", 500_000),
    ("terms", 500_000),
    ("steps", 100_000),
    ("policies", 100_000),
    ("alerts", 500_000),
];

pub(super) fn limits(value: &Value, limits: &mut Limits, check: &mut Check) {
    for (key, value) in check.object("memory", value, &PARTS.map(|(part, _)| part)) {
        let most = PARTS.iter().find(|(part, _)| *part == key).map_or(0, |(_, most)| *most);
        let Some(most) = check.whole(&below("memory", key), value, most) else {
            continue;
        };
        let limit = match key {
            "events" => &mut limits.events,
            "terms" => &mut limits.terms,
            "steps" => &mut limits.steps,
            "policies" => &mut limits.policies,
            _ => &mut limits.alerts,
        };
        *limit = most as usize;
    }
}
