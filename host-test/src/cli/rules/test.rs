//! `orgwatch rules test`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use orgwatch_artifact::Case;
use orgwatch_host::output::{Escaped, plural};
use orgwatch_host::rules::cases::{self, Difference, Outcome};
use orgwatch_host::rules::public_slugs;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use crate::cli::limits::LimitFlags;
use crate::cli::own_rules::{Loaded, OwnRulesFlags};
use crate::cli::settings::Document;
use crate::cli::{Status, component, opening};

const EXAMPLES: &str = "\
Examples:
  orgwatch rules test my-rules/
  orgwatch rules test my-rules/ --junit results.xml

A case is a folder anywhere below DIR, with these files:
  events.ndjson    one event a line
  findings.ndjson  what the rules of DIR must give, in order, one JSON object a line; an empty file:
                   nothing. What an object says must be so, and the rest may be anything:
                   {\"rule\":\"database-snapshot-shared\"} is enough
  settings.yaml    what the detector is opened with, if it needs any
Findings of the built-in rules are left out. All other *.yml and *.yaml files are rules.

Exit codes:
  0  every case holds
  1  a case does not hold
  2  a rule is refused, or something could not be read or used; with --strict, also a warning";

/// Run the cases of your own rules
///
/// Runs every case below a folder in the component, with the rules of that folder, and says which
/// findings are missing and which are too many. Rules that fire in no case are named.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct TestFlags {
    /// The folder with rules and cases
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Settings for the cases that have none of their own, and for the names of fields
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,

    /// Leave out the built-in rules
    #[arg(long)]
    no_pack: bool,

    /// End with 2 if any rule is refused, or warned of
    #[arg(long)]
    strict: bool,

    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// The component to run them in, instead of the one that comes with this program
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

/// What became of all cases.
struct Results {
    outcomes: Vec<Outcome>,
    /// Every rule that gives findings: its file, and whether it fired in a case.
    rules: BTreeMap<String, (String, bool)>,
}

/// Runs it.
pub(super) fn run(flags: &TestFlags) -> anyhow::Result<(String, Status)> {
    let settings = opening::settings(flags.settings.as_deref())?;
    let own = OwnRulesFlags {
        rules: vec![flags.folder.clone()],
        no_pack: flags.no_pack,
        strict: flags.strict,
    };
    let rules = own.load(&settings, true)?;
    let cases = read(&flags.folder, &settings)?;
    let results = results(&rules, &cases, flags.component.as_deref())?;
    if let Some(file) = &flags.junit {
        let cannot = || format!("cannot write {}", file.display());
        fs::write(file, junit(&results).to_string().with_context(cannot)?).with_context(cannot)?;
    }
    let text = if flags.json { format!("{:#}\n", results.json()) } else { results.text() };
    let held = results.outcomes.iter().all(Outcome::holds);
    let status = match () {
        () if rules.refused() > 0 => Status::Unusable,
        () if !held => Status::Found,
        () => Status::Done,
    };
    Ok((text, status))
}

/// The cases of a folder, those without settings with these.
fn read(folder: &Path, settings: &Document) -> anyhow::Result<Vec<Case>> {
    let mut cases = Case::read_all(folder)?;
    for case in &mut cases {
        if case.settings.as_object().is_some_and(serde_json::Map::is_empty) {
            case.settings = settings.value().clone();
        }
        let fields = |settings: &Value| settings.get("fields").cloned().unwrap_or(Value::Null);
        let own = fields(&case.settings);
        anyhow::ensure!(
            own.is_null() || own == fields(settings.value()),
            "{}: fields are the same for all cases, since rules are compiled with them: give them \
             with --settings",
            case.name
        );
    }
    Ok(cases)
}

fn results(rules: &Loaded, cases: &[Case], component: Option<&Path>) -> anyhow::Result<Results> {
    let plugin = rules.plugin(component::load(component, &LimitFlags::default())?);
    let slugs = rules.pack().map(public_slugs).unwrap_or_default();
    let outcomes: Vec<Outcome> =
        cases.iter().map(|case| cases::run(&plugin, case, &slugs)).collect();
    let fired: BTreeSet<&String> = outcomes.iter().flat_map(|outcome| &outcome.fired).collect();
    let file = |slug: &str| rules.file(slug).unwrap_or_default().to_owned();
    let of = |slug: &String| (slug.clone(), (file(slug), fired.contains(slug)));
    let rules = slugs.iter().map(of).collect();
    Ok(Results { outcomes, rules })
}

impl Results {
    fn silent(&self) -> impl Iterator<Item = (&String, &String)> {
        self.rules.iter().filter(|(_, (_, fired))| !fired).map(|(slug, (file, _))| (slug, file))
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for outcome in &self.outcomes {
            // Writing to a string does not fail.
            let verdict = if outcome.holds() { "ok" } else { "FAILED" };
            let _ = writeln!(text, "{verdict:<6}  {}", Escaped(name(outcome)));
            for line in lines(outcome) {
                let _ = writeln!(text, "        {}", Escaped(line));
            }
        }
        for (slug, file) in self.silent() {
            let line = format!("{file}: warning: {slug} fires in no case");
            let _ = writeln!(text, "{}", Escaped(line));
        }
        let failed = self.outcomes.iter().filter(|outcome| !outcome.holds()).count();
        let cases = plural(self.outcomes.len() as u64, "case");
        let rules = plural(self.rules.len() as u64, "rule");
        let _ = writeln!(
            text,
            "{cases} of {rules}: {} hold, {failed} failed",
            self.outcomes.len() - failed
        );
        text
    }

    fn json(&self) -> Value {
        let case = |outcome: &Outcome| {
            let side = |missing: bool| -> Vec<Value> {
                let one = |difference: &Difference| match (difference, missing) {
                    (Difference::Missing(text), true) | (Difference::Unexpected(text), false) => {
                        serde_json::from_str(text).ok()
                    }
                    _ => None,
                };
                outcome.differences.iter().filter_map(one).collect()
            };
            json!({
                "name": name(outcome), "ok": outcome.holds(), "problem": outcome.problem,
                "missing": side(true), "unexpected": side(false),
                "seconds": outcome.time.as_secs_f64(),
            })
        };
        let rules = self.rules.iter();
        let rules = rules
            .map(|(slug, (file, fired))| json!({ "slug": slug, "file": file, "fires": fired }));
        json!({
            "cases": self.outcomes.iter().map(case).collect::<Vec<_>>(),
            "rules": rules.collect::<Vec<_>>(),
        })
    }
}

/// A case's name; the folder itself may be one.
fn name(outcome: &Outcome) -> &str {
    if outcome.name.is_empty() { "." } else { &outcome.name }
}

/// Why a case does not hold: - was expected, + was found.
fn lines(outcome: &Outcome) -> Vec<String> {
    let difference = |difference: &Difference| match difference {
        Difference::Missing(text) => format!("- {text}"),
        Difference::Unexpected(text) => format!("+ {text}"),
    };
    outcome.problem.iter().cloned().chain(outcome.differences.iter().map(difference)).collect()
}

fn junit(results: &Results) -> Report {
    let mut suite = TestSuite::new("orgwatch rules test");
    for outcome in &results.outcomes {
        let mut status = TestCaseStatus::success();
        if !outcome.holds() {
            let kind = match outcome.problem {
                Some(_) => NonSuccessKind::Error,
                None => NonSuccessKind::Failure,
            };
            status = TestCaseStatus::non_success(kind);
            status.set_message("expected (-) and found (+) findings differ");
            status.set_description(lines(outcome).join("\n"));
        }
        let mut case = TestCase::new(name(outcome), status);
        case.set_classname("cases").set_time(outcome.time);
        suite.add_test_case(case);
    }
    let mut report = Report::new("orgwatch");
    report.add_test_suite(suite);
    report
}
