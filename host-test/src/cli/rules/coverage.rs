//! What the pack covers, as docs/coverage.md has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use orgwatch::rules::{self, Pack};
use orgwatch_sigma::{Expr, Field, Matcher};

/// Calls of AWS Organizations that no rule is about, and why.
const IN_NONE: &[(&[&str], &str)] = &[
    (
        &["CancelHandshake", "DeclineHandshake"],
        "they end an invitation, and the account stays where it is",
    ),
    (
        &["CreateOrganizationalUnit", "UpdateOrganizationalUnit", "DeleteOrganizationalUnit"],
        "a unit is made and deleted empty: moving an account (MoveAccount) is what counts",
    ),
    (
        &["EnableAllFeatures"],
        "it asks the members, whose AcceptHandshake is `handshake-accepted-other`",
    ),
    (&["EnablePolicyType"], "it makes guardrails possible and takes none off"),
    (&["TagResource", "UntagResource", "ListTagsForResource"], "tags guard nothing here"),
    (
        &[
            "DescribeCreateAccountStatus",
            "DescribeHandshake",
            "DescribeResponsibilityTransfer",
            "ListAccountsWithInvalidEffectivePolicy",
            "ListEffectivePolicyValidationErrors",
        ],
        "they read the state of one thing that the caller knows already, and map nothing",
    ),
];

/// The page.
pub(super) fn markdown() -> String {
    let pack = rules::builtin_pack();
    let mut page = String::from(
        "# Coverage\n\nWhich rule answers to which rule of others, technique and AWS call. `orgwatch rules \
         --coverage` makes this page\nfrom the pack; a test compares them. A name in brackets is an internal \
         rule, which only feeds chains.\n\n## Rules of other systems\n\n",
    );
    table(&mut page, ["theirs", "ours"], &by(&pack, |about| about.covers.to_vec()));
    page.push_str("\n## Techniques\n\nOf ATT&CK (");
    let _ = writeln!(page, "version {}):\n", pack.attack_version);
    table(&mut page, ["id", "rules"], &by(&pack, |about| about.attack.to_vec()));
    page.push_str("\nOf the AWS Threat Technique Catalog:\n\n");
    table(&mut page, ["id", "rules"], &by(&pack, |about| about.threat_catalogue.to_vec()));
    page.push_str("\n## AWS calls and service events\n");
    for (source, calls) in calls(&pack) {
        let _ = writeln!(page, "\n### {source}\n");
        table(&mut page, ["event", "rules"], &calls);
    }
    page.push_str("\n## Calls of AWS Organizations that are in none\n\n");
    let none =
        IN_NONE.iter().map(|(calls, why)| (calls.join(", "), BTreeSet::from([(*why).into()])));
    table(&mut page, ["calls", "why"], &none.collect());
    page
}

type Table = BTreeMap<String, BTreeSet<String>>;

fn table(page: &mut String, heads: [&str; 2], rows: &Table) {
    let _ = writeln!(page, "| {} | {} |\n| --- | --- |", heads[0], heads[1]);
    for (key, values) in rows {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let _ = writeln!(page, "| {key} | {} |", values.join(", "));
    }
}

/// The slugs by what their rules and chains say of themselves.
fn by(pack: &Pack, says: impl Fn(&rules::RuleMetadata) -> Vec<String>) -> Table {
    let mut table = Table::new();
    for about in pack.public() {
        for key in says(about) {
            table.entry(key).or_default().insert(format!("`{}`", about.slug));
        }
    }
    table
}

/// The slugs of rules by the services and the events that they match.
fn calls(pack: &Pack) -> BTreeMap<String, Table> {
    let mut services: BTreeMap<String, Table> = BTreeMap::new();
    for rule in &pack.rules {
        let slug = match rule.internal {
            true => format!("(`{}`)", rule.about.slug),
            false => format!("`{}`", rule.about.slug),
        };
        let mut named = Vec::new();
        pairs(&rule.condition, &mut named);
        for (source, name) in named {
            // Rules have lost the case of names, which the list of all has kept.
            let as_written =
                pack.event_names.iter().find(|known| known.eq_ignore_ascii_case(&name));
            let name = as_written.cloned().unwrap_or(name);
            let events = services.entry(source).or_default();
            events.entry(name).or_default().insert(slug.clone());
        }
    }
    services
}

/// The services and events that stand beside one another in a condition.
fn pairs(expr: &Expr, out: &mut Vec<(String, String)>) {
    match expr {
        Expr::And(all) => {
            let texts = |field| all.iter().flat_map(move |expr| texts(expr, field));
            out.extend(
                texts("eventSource")
                    .flat_map(|source| texts("eventName").map(move |name| (source.clone(), name))),
            );
            all.iter().for_each(|expr| pairs(expr, out));
        }
        Expr::Or(any) | Expr::NOf(_, any) => any.iter().for_each(|expr| pairs(expr, out)),
        Expr::Not(_) | Expr::Item(_) => {}
    }
}

/// The texts that a field may have, of an item about it.
fn texts(expr: &Expr, field: &str) -> Vec<String> {
    match expr {
        Expr::Item(item) if matches!(&item.field, Field::Record(path) if path.text == field) => {
            let text = |matcher: &Matcher| match matcher {
                Matcher::Text(glob) => glob.literal().map(str::to_owned),
                _ => None,
            };
            item.matchers.iter().filter_map(text).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_every_rule_is_there() {
        let pack = rules::builtin_pack();
        let calls = calls(&pack);
        for rule in &pack.rules {
            for name in &rule.event_names {
                let is_there = calls.values().any(|events| {
                    let named = events.iter().find(|(event, _)| event.eq_ignore_ascii_case(name));
                    named.is_some_and(|(_, slugs)| {
                        slugs.iter().any(|slug| slug.contains(rule.about.slug.as_str()))
                    })
                });
                assert!(is_there, "{}: {name}", rule.about.slug);
            }
        }
    }

    #[test]
    fn what_is_in_none_is_in_none() {
        let calls = calls(&rules::builtin_pack());
        let events = &calls["organizations.amazonaws.com"];
        for call in IN_NONE.iter().flat_map(|(calls, _)| *calls) {
            assert!(!events.contains_key(*call), "{call}");
        }
    }
}
