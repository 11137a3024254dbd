//! `orgwatch verify`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use orgwatch_artifact::{Artifact, Case, digest};
use orgwatch_host::bake;
use orgwatch_host::output::Escaped;
use orgwatch_host::plugin::Options;
use orgwatch_host::verify::Subject;
use orgwatch_host::verify::cases::{Fit, Outcome};
use orgwatch_host::verify::signature::{self, Key, Signed};
use serde_json::{Value, json};

use super::own_rules::OwnRulesFlags;
use super::settings::Document;
use super::{Status, component, stdout};

const EXAMPLES: &str = "\
Examples:
  orgwatch verify dist/orgwatch-0.1.0.wasm
  orgwatch verify --key orgwatch.pub orgwatch-0.1.0.wasm
  orgwatch verify --cases my-cases/ orgwatch-0.1.0-fluent-bit.wasm
  orgwatch verify --rules my-rules/ --cases my-rules/ orgwatch-0.1.0-fluent-bit.wasm

Cases of your own are folders, at any depth, with these files:
  events.ndjson    one event a line
  findings.ndjson  what they must give, in order, one JSON object a line. What an object says must
                   be so, and the rest may be anything: {\"rule\":\"account-removed\"} is enough
  settings.yaml    what the detector is opened with, if it needs any

Exit codes:
  0  everything holds
  1  a case does not hold
  2  the file is damaged, not of orgwatch, or not signed by the key; or something could not be read";

/// Check that an artifact is whole, signed, and does what it must
///
/// Compares the file with the digest it carries, and runs the cases it carries, in it. With --key,
/// it must stand in the SHA256SUMS beside it, signed with that key in SHA256SUMS.minisig; nothing of
/// it is run before that is so. Needs no network.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct VerifyFlags {
    /// The artifact
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The minisign public key that must have signed it: a file, or the key itself
    #[arg(long, value_name = "PUBKEY")]
    key: Option<String>,

    /// A folder with cases of your own, which must hold too
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,

    #[command(flatten)]
    own_rules: OwnRulesFlags,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The checks that passed, and those that failed.
struct Report {
    file: String,
    digest: String,
    /// The last step that made its bytes: `built` or `baked`.
    made: &'static str,
    signed: Option<Signed>,
    /// The cases that the artifact carries, and those given, if any were.
    runs: Vec<(&'static str, Vec<Outcome>)>,
}

/// Runs it.
pub(super) fn run(flags: &VerifyFlags) -> anyhow::Result<Status> {
    // What was given is looked at first: a wrong path should not cost a minute.
    let key = flags.key.as_deref().map(Key::read).transpose()?;
    let own = flags.cases.as_deref().map(Case::read_all).transpose()?;
    ensure!(
        own.is_some() || flags.own_rules.rules.is_empty(),
        "--rules needs --cases: the artifact's own cases are for the rules that it carries"
    );
    let rules = flags.own_rules.load(&Document::empty(), flags.json)?.packs();
    let shown = flags.file.display().to_string();
    let bytes = fs::read(&flags.file).with_context(|| format!("cannot read {shown}"))?;
    let report = check(&flags.file, &bytes, key.as_ref(), own, rules.first()).context(shown)?;
    let text = match flags.json {
        true => format!("{}\n", report.json()),
        false => report.text(),
    };
    stdout::print(&text)?;
    Ok(if report.failed().next().is_some() { Status::Found } else { Status::Done })
}

fn check(
    file: &Path,
    bytes: &[u8],
    key: Option<&Key>,
    own: Option<Vec<Case>>,
    rules: Option<&Vec<u8>>,
) -> anyhow::Result<Report> {
    let signed = key.map(|key| signature::check(file, bytes, key)).transpose()?;
    let artifact = Artifact::read(bytes)?;
    let subject =
        Subject::load(bytes, &artifact, |bytes| component::plugin(bytes, &Options::default()))?;
    let mut runs = vec![("cases", subject.run(&artifact.cases, Fit::Whole, None))];
    if let Some(own) = own {
        let baked = bake::contents(bytes)?.pack;
        ensure!(
            baked.is_none() || rules.is_none(),
            "rules are baked into it, with which the cases are run: it takes no others"
        );
        let pack = baked.as_ref().or(rules).map(Vec::as_slice);
        runs.push(("your cases", subject.run(&own, Fit::Said, pack)));
    }
    let made = if artifact.baked.is_some() { "baked" } else { "built" };
    Ok(Report { file: file.display().to_string(), digest: digest(bytes), made, signed, runs })
}

impl Report {
    fn failed(&self) -> impl Iterator<Item = &Outcome> {
        self.runs.iter().flat_map(|(_, run)| run).filter(|outcome| outcome.problem.is_some())
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", Escaped(&self.file));
        let mut line = |name: &str, what: &dyn std::fmt::Display| {
            let _ = writeln!(text, "  {name:10}  {what}");
        };
        line("digest", &self.digest);
        line("whole", &format_args!("every byte is as it was {}", self.made));
        match &self.signed {
            Some(Signed { key, comment }) => {
                line("signed", &format_args!("with the key {key}: {}", Escaped(comment)));
            }
            None => line("signed", &"not checked: no --key"),
        }
        for (name, run) in &self.runs {
            let held = run.iter().filter(|outcome| outcome.problem.is_none()).count();
            line(name, &format_args!("{held} of {} hold", run.len()));
            for Outcome { name, problem } in run {
                if let Some(problem) = problem {
                    line("", &format_args!("FAILED {}: {}", Escaped(name), Escaped(problem)));
                }
            }
        }
        text
    }

    fn json(&self) -> Value {
        let run = |run: &[Outcome]| {
            let failed = run.iter().filter_map(|outcome| {
                let problem = outcome.problem.as_ref()?;
                Some(json!({ "name": outcome.name, "problem": problem }))
            });
            let failed: Vec<Value> = failed.collect();
            json!({ "run": run.len(), "held": run.len() - failed.len(), "failed": failed })
        };
        let signed = |signed: &Signed| json!({ "key": signed.key, "comment": signed.comment });
        json!({
            "file": self.file,
            "digest": self.digest,
            "signed": self.signed.as_ref().map(signed),
            "cases": self.runs.first().map(|(_, one)| run(one)),
            "own_cases": self.runs.get(1).map(|(_, one)| run(one)),
        })
    }
}
