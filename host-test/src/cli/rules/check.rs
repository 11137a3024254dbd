//! `orgwatch rules check`.

use std::fmt::Write as _;

use orgwatch_host::output::{Escaped, plural};
use orgwatch_host::rules::OwnRules;
use orgwatch_sigma::compile::Problem;
use orgwatch_sigma::{Correlation, Rule, RuleMetadata, Witness};
use serde_json::{Value, json};

use crate::cli::Status;

/// A rule, and by what the records are told that it may match.
struct Checked<'a> {
    file: &'a str,
    about: &'a RuleMetadata,
    cost: &'static str,
    witness: String,
}

impl<'a> Checked<'a> {
    fn rule(rules: &'a OwnRules, rule: &'a Rule) -> Self {
        let witness = rule.witness();
        Self::of(rules, &rule.about, witness.class(), witness.to_string())
    }

    fn chain(rules: &'a OwnRules, chain: &'a Correlation) -> Self {
        let mut fed: Vec<&str> = Vec::new();
        for member in &chain.members {
            let chains = member.chains.iter().map(|chain| &*chain.slug);
            for slug in member.rules.iter().map(|rule| &*rule.slug).chain(chains) {
                if !fed.contains(&slug) {
                    fed.push(slug);
                }
            }
        }
        Self::of(rules, &chain.about, "chain", format!("findings of {}", fed.join(", ")))
    }

    fn of(
        rules: &'a OwnRules,
        about: &'a RuleMetadata,
        cost: &'static str,
        witness: String,
    ) -> Self {
        Checked { file: rules.file(about).unwrap_or("?"), about, cost, witness }
    }
}

fn checked(rules: &OwnRules) -> Vec<Checked<'_>> {
    let mut all: Vec<_> = rules.pack.rules.iter().map(|rule| Checked::rule(rules, rule)).collect();
    all.extend(rules.pack.correlations.iter().map(|chain| Checked::chain(rules, chain)));
    all.sort_by(|a, b| (a.file, &a.about.slug).cmp(&(b.file, &b.about.slug)));
    all
}

/// The rules, what was refused and what is warned of, for a program or a person. With a problem, nothing
/// runs.
pub(super) fn report(
    rules: &OwnRules,
    notes: &[String],
    problem: Option<&str>,
    as_json: bool,
) -> String {
    let notes: Vec<&str> = notes.iter().map(String::as_str).chain(problem).collect();
    match as_json {
        true => format!("{:#}\n", object(rules, problem)),
        false => text(rules, &notes),
    }
}

/// The status: refused rules weigh more than warnings, which only `--strict` looks at.
pub(super) fn status(rules: &OwnRules, problem: Option<&str>, strict: bool) -> Status {
    match () {
        () if !rules.refusals.is_empty() || problem.is_some() => Status::Unusable,
        () if strict && !rules.is_flawless() => Status::Found,
        () => Status::Done,
    }
}

fn text(rules: &OwnRules, notes: &[&str]) -> String {
    let all = checked(rules);
    let width = all.iter().map(|one| one.about.slug.chars().count()).max().unwrap_or_default();
    let (mut text, mut file) = (String::new(), "");
    for one in &all {
        // Writing to a string does not fail.
        if one.file != file {
            file = one.file;
            let _ = writeln!(text, "{}", Escaped(file));
        }
        let (slug, level) = (&one.about.slug, one.about.level);
        let line = format!("  {slug:<width$}  {level:<13}  {:<5}  {}", one.cost, one.witness);
        let _ = writeln!(text, "{}", Escaped(line));
    }
    for note in notes {
        let _ = writeln!(text, "{}", Escaped(note));
    }
    let (loaded, refused) = (rules.loaded() as u64, rules.refused);
    let _ = writeln!(text, "{} loaded, {refused} refused", plural(loaded, "rule"));
    text
}

fn object(rules: &OwnRules, whole: Option<&str>) -> Value {
    let problem = |problem: &Problem| {
        let Problem { file, line, column, text } = problem;
        json!({ "file": file, "line": line, "column": column, "problem": text })
    };
    let all = checked(rules);
    let rule = |one: &Checked<'_>| {
        json!({
            "slug": one.about.slug, "id": one.about.id, "title": one.about.title,
            "severity": one.about.level.as_str(), "file": one.file,
            "cost": one.cost, "witness": one.witness,
        })
    };
    let others = rules.other_sources.iter().map(
        |source| json!({ "log_source": source.name, "rules": source.rules, "files": source.files }),
    );
    json!({
        "loaded": rules.loaded(),
        "refused": rules.refused,
        "problem": whole,
        "rules": all.iter().map(rule).collect::<Vec<_>>(),
        "refusals": rules.refusals.iter().map(problem).collect::<Vec<_>>(),
        "warnings": rules.warnings.iter().map(problem).collect::<Vec<_>>(),
        "other_sources": others.collect::<Vec<_>>(),
    })
}

/// A line for each rule that every event has to be evaluated for.
pub(in crate::cli) fn costly(rules: &OwnRules) -> Vec<String> {
    let costly = rules.pack.rules.iter().filter(|rule| rule.witness() == Witness::None);
    let line = |rule: &Rule| {
        let (file, slug) = (rules.file(&rule.about).unwrap_or("?"), &rule.about.slug);
        format!(
            "{file}: {slug} names no event and no text: every event is parsed for it, which is slow"
        )
    };
    costly.map(line).collect()
}
