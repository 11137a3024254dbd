//! `orgwatch settings check`.

use std::path::Path;
use std::sync::Arc;

use orgwatch::rules::{Pack, builtin_pack};
use orgwatch::settings::{Settings, renamed_fields};
use orgwatch_host::output::Escaped;
use serde::Serialize;

use super::document::{Document, Wrong};
use crate::cli::own_rules::OwnRulesFlags;
use crate::cli::{Status, now, stdout};

/// The result for a settings file, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Report {
    file: String,
    /// Whether the settings can be used.
    usable: bool,
    /// Errors.
    problems: Vec<Wrong>,
    /// Warnings.
    warnings: Vec<Wrong>,
}

/// Runs it.
pub(super) fn run(file: &Path, json: bool, rules: &OwnRulesFlags) -> anyhow::Result<Status> {
    let report = check(file, now(), |document| rules.load(document, true)?.joined())?;
    let mut text =
        if json { serde_json::to_string_pretty(&report)? + "\n" } else { report.to_string() };
    if text.is_empty() {
        text = format!("{}: nothing is wrong\n", Escaped(file.display()));
    }
    stdout::print(&text)?;
    Ok(if report.usable { Status::Done } else { Status::Unusable })
}

/// Checks a file at a time in seconds since 1970. Fails only if it cannot be read.
fn check(
    file: &Path,
    now: i64,
    pack: impl FnOnce(&Document) -> anyhow::Result<Arc<Pack>>,
) -> anyhow::Result<Report> {
    let mut report = Report {
        file: file.display().to_string(),
        usable: false,
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    let document = match Document::read(file) {
        Ok(document) => document,
        Err(err) => {
            report.problems.push(err.downcast()?);
            return Ok(report);
        }
    };
    let placed = |problems: Vec<orgwatch::settings::Problem>| document.refused(&problems);
    let pack = match renamed_fields(document.value()) {
        Ok(_) => pack(&document)?,
        // They are among the problems.
        Err(_) => builtin_pack(),
    };
    match Settings::from_json(&document.json(), &pack) {
        Ok(settings) => {
            report.usable = true;
            let warnings = placed(settings.warnings(now)).into_iter();
            report.warnings = warnings.map(Wrong::into_warning).collect();
        }
        Err(problems) => report.problems = placed(problems),
    }
    Ok(report)
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for wrong in self.problems.iter().chain(&self.warnings) {
            writeln!(f, "{}", Escaped(wrong))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(settings: &str, now: i64) -> (bool, String) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file.yaml");
        std::fs::write(&file, settings).unwrap();
        let report = check(&file, now, |_| Ok(builtin_pack())).unwrap();
        let text = report.to_string().replace(&*dir.path().to_string_lossy(), "");
        (report.usable, text)
    }

    #[test]
    fn everything_wrong_is_told_with_its_line() {
        let settings = "\
management_account: 111122223333
accounts:
  - \"012345678901\"
  - \"1234\"
rules: { account-closd: off }
approvals:
  - reason: migration
    principals: [\"*\"]
";
        let (usable, text) = checked(settings, 0);
        assert!(!usable);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        for (line, start, part) in [
            (lines[0], "/file.yaml:1: management_account: 111122223333: ", "in quotes"),
            (lines[1], "/file.yaml:4: accounts[1]: \"1234\": ", "12 digits"),
            (lines[2], "/file.yaml:5: rules.account-closd: ", "did you mean account-closed?"),
            (lines[3], "/file.yaml:7: approvals[0].until: ", "until when"),
            (lines[4], "/file.yaml:8: approvals[0].principals[0]: \"*\": ", "wildcard"),
        ] {
            assert!(line.starts_with(start) && line.contains(part), "{line}");
        }
    }

    #[test]
    fn an_approval_that_has_expired_is_a_warning() {
        let settings = "\
approvals:
  - reason: migration
    principals: [\"arn:aws:iam::*:role/migration\"]
    until: 2026-01-01T00:00:00Z
";
        assert_eq!(checked(settings, 0), (true, String::new()));
        let (usable, text) = checked(settings, 2_000_000_000);
        let start = "/file.yaml:4: warning: approvals[0].until: 2026-01-01T00:00:00Z: expired";
        assert!(usable && text.starts_with(start), "{text}");
    }

    #[test]
    fn what_is_no_yaml_is_told_and_what_cannot_be_read_is_an_error() {
        let (usable, text) = checked("late: 2h\nlate: 3h\n", 0);
        assert!(!usable);
        assert_eq!(text, "/file.yaml:2: late is there already, on line 1\n");
        assert!(check(Path::new("no/such.yaml"), 0, |_| Ok(builtin_pack())).is_err());
    }
}
