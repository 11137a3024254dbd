//! The rules of a component, as it describes them.

use std::fmt::Write as _;

use orgwatch_host::output::{escape, plural};
use orgwatch_host::plugin::Rule;
use serde_json::{Value, json};

/// The folders of the pack, in the order of a story; others come after them.
const GROUPS: &[&str] = &["leaving", "entering", "guardrails", "power", "mapping", "chains"];

/// Much more than any name or list takes that is no mischief.
const LONGEST: usize = 400;

/// All of them, for a program or a person.
pub(super) fn list(rules: &[Rule], json: bool) -> anyhow::Result<String> {
    if json {
        let all: Vec<Value> = rules.iter().map(object).collect();
        return Ok(serde_json::to_string_pretty(&all)? + "\n");
    }
    Ok(text(rules))
}

fn object(rule: &Rule) -> Value {
    json!({
        "slug": rule.slug,
        "id": rule.id,
        "title": rule.title,
        "severity": rule.severity.as_str(),
        "group": rule.group,
        "description": rule.description,
        "event_names": rule.event_names,
        "attack": rule.attack,
        "covers": rule.covers,
    })
}

fn text(rules: &[Rule]) -> String {
    let slug = |rule: &Rule| escape(&rule.slug, LONGEST);
    let width = rules.iter().map(|rule| slug(rule).chars().count()).max().unwrap_or_default();
    let mut groups: Vec<&str> = rules.iter().map(|rule| rule.group.as_str()).collect();
    let order = |group: &str| GROUPS.iter().position(|known| *known == group);
    groups.sort_by_key(|group| (order(group).unwrap_or(GROUPS.len()), *group));
    groups.dedup();

    let mut text = String::new();
    for group in groups {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", escape(group, LONGEST));
        let mut members: Vec<&Rule> = rules.iter().filter(|rule| rule.group == group).collect();
        members.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.slug.cmp(&b.slug)));
        for rule in members {
            let covers = escape(&rule.covers.join("; "), LONGEST);
            let line = format!("  {:<width$}  {:<13}  {covers}", slug(rule), rule.severity);
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "{}; `orgwatch rules show SLUG` explains one",
        plural(rules.len() as u64, "rule")
    );
    text
}

#[cfg(test)]
mod tests {
    use orgwatch::finding::Severity;

    use super::*;

    fn rule(slug: &str, severity: Severity, group: &str) -> Rule {
        Rule {
            slug: slug.into(),
            id: "id".into(),
            title: "Title".into(),
            description: "What it is.".into(),
            severity,
            group: group.into(),
            event_names: Some(vec!["leaveorganization".into()]),
            attack: Vec::new(),
            attack_aliases: Vec::new(),
            threat_catalogue: Vec::new(),
            covers: vec!["Datadog f70".into(), "Vectra\u{1b}[2J".into()],
        }
    }

    #[test]
    fn rules_stand_by_what_they_guard_the_worst_first() {
        let rules = [
            rule("b-chain", Severity::Critical, "chains"),
            rule("mine", Severity::Low, "\u{1b}ours"),
            rule("a-low", Severity::Low, "leaving"),
            rule("z-high", Severity::High, "leaving"),
        ];
        let covers = "Datadog f70; Vectra\\u{1b}[2J";
        let expected = format!(
            "leaving\n  z-high   high           {covers}\n  a-low    low            {covers}\n\n\
             chains\n  b-chain  critical       {covers}\n\n\
             \\u{{1b}}ours\n  mine     low            {covers}\n\n\
             4 rules; `orgwatch rules show SLUG` explains one\n"
        );
        assert_eq!(list(&rules, false).unwrap(), expected);
    }

    #[test]
    fn json_is_one_document() {
        let rules = [rule("a", Severity::Low, "leaving")];
        let value: Value = serde_json::from_str(&list(&rules, true).unwrap()).unwrap();
        assert_eq!(value[0]["slug"], "a");
        assert_eq!(value[0]["event_names"], json!(["leaveorganization"]));
    }
}
