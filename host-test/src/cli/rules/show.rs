//! `orgwatch rules show`.

use anyhow::bail;
use orgwatch::rules::Pack;
use orgwatch::time::rfc3339;

use super::explain::{Explanation, explain};
use crate::cli::now;

/// The greatest length of a line.
const WIDTH: usize = 100;

/// The width of the rows' names.
const NAMES: usize = 11;

/// One rule of a pack, for a program or a person.
pub(super) fn show(pack: &Pack, slug: &str, json: bool) -> anyhow::Result<String> {
    let Some(explanation) = explain(pack, slug) else {
        let slugs: Vec<&str> = pack.public().iter().map(|about| about.slug.as_str()).collect();
        match near(slug, &slugs).as_slice() {
            [] => bail!("no rule is called {slug:?}; `orgwatch rules` lists them"),
            near => bail!(
                "no rule is called {slug:?}; did you mean {}? `orgwatch rules` lists all",
                near.join(" or ")
            ),
        }
    };
    if json {
        return Ok(serde_json::to_string_pretty(&explanation)? + "\n");
    }
    Ok(text(&explanation, now()))
}

/// The names that are most like one, at most three, the best first.
fn near<'a>(slug: &str, slugs: &[&'a str]) -> Vec<&'a str> {
    let wanted = slug.to_lowercase().replace('_', "-");
    let likeness = |known: &str| match wanted.len() >= 4 && known.contains(&wanted) {
        true => 1.0,
        false => strsim::jaro_winkler(&wanted, known),
    };
    let mut near: Vec<(f64, &str)> = slugs
        .iter()
        .map(|known| (likeness(known), *known))
        .filter(|(like, _)| *like > 0.8)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.into_iter().take(3).map(|(_, known)| known).collect()
}

fn text(rule: &Explanation<'_>, now: i64) -> String {
    let mut page = Page(String::new());
    page.0 += &format!("{}  {}\n{}\n\n", rule.severity, rule.slug, rule.title);
    page.row("what", [rule.description]);
    // Set in as they are, and further where a line goes on.
    let when = rule.when.iter().flat_map(|line| {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        let lines = broken(text, WIDTH - NAMES - indent - 4).into_iter().enumerate();
        lines.map(move |(number, text)| {
            let more = if number == 0 { 0 } else { 4 };
            format!("{}{text}", " ".repeat(indent + more))
        })
    });
    page.lines("when", &when.collect::<Vec<_>>());
    let severities: Vec<String> = rule
        .severities
        .iter()
        .map(|other| format!("{} if {}", other.severity, other.when))
        .chain([format!(
            "{}{}",
            rule.severity,
            if rule.severities.is_empty() { "" } else { " otherwise" }
        )])
        .collect();
    page.row("severity", &severities);
    page.row("says", [&rule.summary]);
    page.row("why", [rule.why]);
    page.row("benign", rule.benign.lines());
    let steps = (1..).zip(&rule.triage).map(|(number, step)| format!("{number}. {step}"));
    page.row("do", steps.collect::<Vec<_>>());
    let aliases = match rule.attack_aliases {
        [] => String::new(),
        aliases => format!("; elsewhere still {}", aliases.join(", ")),
    };
    let attack = rule.attack.join(", ");
    page.row("attack", [format!("{attack} (ATT&CK {}){aliases}", rule.attack_version)]);
    page.row("threats", [rule.threat_catalogue.join(", ")]);
    page.row("covers", rule.covers);
    page.row("read", rule.references);
    page.row("id", [rule.id]);
    page.lines("try first", &[format!("rules: {{ {}: dry-run }}   # or off", rule.slug)]);
    page.lines("approve", &approval(rule.slug, now));
    page.0
}

/// Settings that approve a rule's findings, for a month from a time.
fn approval(slug: &str, now: i64) -> Vec<String> {
    const DAY: i64 = 86_400;
    let until = rfc3339((now / DAY + 30) * DAY).unwrap_or_default();
    [
        "approvals:",
        "  - reason: \"TICKET-1: why this is planned\"",
        "    principals: [\"arn:aws:iam::111122223333:role/NAME\"]",
        "    accounts: [\"444455556666\"]   # the account affected",
        &format!("    rules: [{slug}]"),
        &format!("    until: {until}"),
    ]
    .map(str::to_owned)
    .to_vec()
}

struct Page(String);

impl Page {
    /// A name, and paragraphs beside it that are broken into lines. Without any, nothing.
    fn row<T: AsRef<str>>(&mut self, name: &str, paragraphs: impl IntoIterator<Item = T>) {
        let lines: Vec<String> =
            paragraphs.into_iter().flat_map(|text| broken(text.as_ref(), WIDTH - NAMES)).collect();
        self.lines(name, &lines);
    }

    /// A name, and lines beside it as they are.
    fn lines(&mut self, name: &str, lines: &[String]) {
        for (number, line) in lines.iter().enumerate() {
            let name = if number == 0 { name } else { "" };
            let line = format!("{name:<NAMES$}{line}");
            self.0 += line.trim_end();
            self.0 += "\n";
        }
    }
}

/// Text in lines of at most so many characters, unless a word is longer; those after the first are
/// set in as far as the first is.
fn broken(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let numbered = text.split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok());
    let indent = if numbered { "   " } else { "" };
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("{indent}{word}")),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use orgwatch::rules::builtin_pack;

    use super::*;

    #[test]
    fn names_that_are_near_are_named() {
        let slugs = ["account-closed", "account-created", "member-left-organization"];
        assert_eq!(near("acount-closed", &slugs)[0], "account-closed");
        assert_eq!(near("member_left_organisation", &slugs), ["member-left-organization"]);
        assert_eq!(near("closed", &slugs), ["account-closed"]);
        assert_eq!(near("zzz", &slugs), [""; 0]);
        let err = show(&builtin_pack(), "member-left", false).unwrap_err().to_string();
        assert!(err.contains("did you mean member-left-organization"), "{err}");
    }

    #[test]
    fn every_rule_has_a_page_without_long_lines() {
        for about in builtin_pack().public() {
            let page = show(&builtin_pack(), &about.slug, false).unwrap();
            for part in [&about.title, "\nwhen", "\ndo         1. ", "\nbenign", "\nid"] {
                assert!(page.contains(part), "{part:?} is not in {page}");
            }
            for line in page.lines().filter(|line| line.chars().count() > WIDTH) {
                let longest = line.split_whitespace().map(str::len).max();
                assert!(longest > Some(60), "{line}");
            }
            // Templates as they were written.
            let step = about.triage.iter().map(ToString::to_string).find(|step| step.contains('{'));
            assert!(step.is_none() || page.contains('{'), "{page}");
        }
    }

    /// The suggestions of a page can be pasted into settings.
    #[test]
    fn the_settings_suggested_can_be_used() {
        for about in builtin_pack().public() {
            let yaml = format!(
                "rules: {{ {}: dry-run }}   # or off\n{}",
                about.slug,
                approval(&about.slug, now()).join("\n")
            );
            let value: serde_json::Value = yaml_serde::from_str(&yaml).unwrap();
            let settings =
                orgwatch::settings::Settings::from_json(&value.to_string(), &builtin_pack());
            let settings = settings.unwrap_or_else(|problems| panic!("{problems:?}"));
            assert_eq!(settings.warnings(now()), []);
        }
    }

    #[test]
    fn long_text_is_broken_between_words() {
        assert_eq!(broken("one two three", 8), ["one two", "three"]);
        assert_eq!(broken("1. two three", 8), ["1. two", "   three"]);
        assert_eq!(broken("seventeen letters", 4), ["seventeen", "letters"]);
        assert_eq!(broken("", 4), [""; 0]);
    }
}
