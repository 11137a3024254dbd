//! `orgwatch rules`.

mod check;
mod conditions;
mod coverage;
mod explain;
mod list;
mod new;
mod show;
mod test;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use orgwatch_host::plugin::Rule;

use super::limits::LimitFlags;
use super::own_rules::{Given, OwnRulesFlags};
use super::{Status, component, opening, stdout};
pub(super) use check::costly;

const EXAMPLES: &str = "\
Examples:
  orgwatch rules
  orgwatch rules show member-left-organization
  orgwatch rules --coverage > coverage.md
  orgwatch rules check my-rules/
  orgwatch rules test my-rules/
  orgwatch rules --json | jq -r '.[] | select(.severity == \"critical\").slug'";

/// List the rules, explain one, or check and test rules of your own
///
/// Prints what each rule is called, how severe its findings are unless the event says otherwise,
/// and the rules of other systems that it answers to; by what they guard.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct RulesFlags {
    #[command(subcommand)]
    command: Option<RulesCommand>,

    /// Print one JSON array
    #[arg(long)]
    json: bool,

    /// Print which rule answers to which rule of others, technique and AWS call, as Markdown
    #[arg(long, conflicts_with_all = ["json", "component"])]
    coverage: bool,

    /// The component whose rules to list, instead of the one that comes with this program
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,

    #[command(flatten)]
    given: Given,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    Show(ShowFlags),
    Check(CheckFlags),
    Test(test::TestFlags),
    New(new::NewFlags),
    Compile(CompileFlags),
}

const CHECK_EXAMPLES: &str = "\
Examples:
  orgwatch rules check my-rules/
  orgwatch rules check --json my-rules/ | jq -r '.rules[] | select(.cost == \"none\").slug'

Cost, by what the records are told that a rule may match, before any is parsed:
  names  by the names of their events: the least
  texts  by texts that stand in them: as little
  wide   by texts that many records have
  none   not at all: every event is parsed
  chain  by the findings of others

Exit codes:
  0  every rule can be used
  1  with --strict: there are warnings, or rules for other logs than CloudTrail
  2  a rule is refused, or something could not be read";

/// Check rules of your own, and say how records are told that they may match
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES, after_long_help = CHECK_EXAMPLES)]
struct CheckFlags {
    /// Files, or folders with *.yml and *.yaml
    #[arg(value_name = "DIR|FILE", required = true)]
    paths: Vec<PathBuf>,

    /// End with 1 if there are warnings
    #[arg(long)]
    strict: bool,

    /// They are to run without the built-in rules, whose names they may have
    #[arg(long)]
    no_pack: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// Settings, as YAML or JSON, for the names that rules have for fields
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

/// Compile rules of your own for hosts that load the component themselves
///
/// Writes the compiled pack that the contract's open takes. It says itself whether it is to run
/// beside the built-in rules.
#[derive(Debug, Args)]
struct CompileFlags {
    /// Files, or folders with *.yml and *.yaml
    #[arg(value_name = "DIR|FILE", required = true)]
    paths: Vec<PathBuf>,

    /// Where to write the pack
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// To be run without the built-in rules
    #[arg(long)]
    no_pack: bool,

    /// End with 2 if any rule is refused, or warned of
    #[arg(long)]
    strict: bool,

    /// Settings, as YAML or JSON, for the names that rules have for fields
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

const SHOW_EXAMPLES: &str = "\
Examples:
  orgwatch rules show power-then-exit
  orgwatch rules show account-departed --json | jq .severities";

/// Explain one rule
///
/// Says when it fires, why that matters, what else it could be, what to do, and how to approve it
/// or to try it first. What stands in braces, such as {account}, is the event's own value. Texts are
/// compared without regard to case, and shown in lower case.
#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLES, after_long_help = SHOW_EXAMPLES)]
struct ShowFlags {
    /// The rule's name, as a finding's `rule` has it
    #[arg(value_name = "SLUG")]
    slug: String,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// The component that is to have the rule, which is refused if its rules are not those of this
    /// program
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,

    #[command(flatten)]
    given: Given,
}

/// Runs it.
pub(super) fn run(flags: &RulesFlags) -> anyhow::Result<Status> {
    let (text, status) = match &flags.command {
        Some(RulesCommand::Show(flags)) => {
            component::check_pack(flags.component.as_deref())?;
            (show::show(&*flags.given.pack()?, &flags.slug, flags.json)?, Status::Done)
        }
        Some(RulesCommand::Check(flags)) => checked(flags)?,
        Some(RulesCommand::Test(flags)) => test::run(flags)?,
        Some(RulesCommand::New(flags)) => (new::run(flags)?, Status::Done),
        Some(RulesCommand::Compile(flags)) => (compiled(flags)?, Status::Done),
        None if flags.coverage => (coverage::markdown(), Status::Done),
        None => (list::list(&listed(flags)?, flags.json)?, Status::Done),
    };
    stdout::print(&text)?;
    Ok(status)
}

/// The rules of the component, and those that were given.
fn listed(flags: &RulesFlags) -> anyhow::Result<Vec<Rule>> {
    let settings = opening::settings(flags.given.settings.as_deref())?;
    let rules = flags.given.own_rules.load(&settings, true)?;
    let plugin = component::load(flags.component.as_deref(), &LimitFlags::default())?;
    match rules.pack() {
        None => Ok(plugin.describe()?.rules),
        Some(_) => Ok(rules.plugin(plugin).open("{}")?.rules()?),
    }
}

fn checked(flags: &CheckFlags) -> anyhow::Result<(String, Status)> {
    let settings = opening::settings(flags.settings.as_deref())?;
    let given = own(&flags.paths, flags.no_pack, false);
    let loaded = given.compile(&settings)?;
    let rules = loaded.rules().context("paths are required")?;
    // Whatever keeps all of them from running, as every command that opens them would say it.
    let problem = match rules.loaded() {
        0 => Some(format!("no rule of {} can be used", given.named())),
        _ => loaded.joined().err().map(|err| format!("{err:#}")),
    };
    let text = check::report(rules, &loaded.notes(), problem.as_deref(), flags.json);
    Ok((text, check::status(rules, problem.as_deref(), flags.strict)))
}

fn compiled(flags: &CompileFlags) -> anyhow::Result<String> {
    let settings = opening::settings(flags.settings.as_deref())?;
    let loaded = own(&flags.paths, flags.no_pack, flags.strict).load(&settings, false)?;
    loaded.joined()?;
    let packs = loaded.packs();
    let pack = packs.first().context("paths are required")?;
    write(&flags.output, pack)?;
    Ok(String::new())
}

fn write(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    orgwatch_host::file::replace(file, bytes)
        .with_context(|| format!("cannot write {}", file.display()))
}

fn own(paths: &[PathBuf], no_pack: bool, strict: bool) -> OwnRulesFlags {
    OwnRulesFlags { rules: paths.to_vec(), no_pack, strict }
}
