//! Packs that should not have been compiled.

use std::sync::Arc;

use orgwatch_sigma::Pack;
use orgwatch_sigma::compile::{Attack, Problem, RuleFile, pack};

use super::*;

fn rule(name: &str, id: &str, more: &str) -> String {
    format!(
        "title: t\nname: {name}\nid: {id}\ndescription: d\nlevel: low\nfalsepositives: [f]\n\
         logsource: {{product: aws, service: cloudtrail}}\n\
         detection:\n  condition: s\n  s: {{eventSource: x.amazonaws.com, eventName: LeaveOrganization}}\n\
         orgwatch:\n  summary: s\n  why: w\n  triage: [t]\n{more}"
    )
}

fn chain(name: &str, id: &str, rules: &str, timespan: &str, more: &str) -> String {
    format!(
        "title: t\nname: {name}\nid: {id}\ndescription: d\nlevel: low\nfalsepositives: [f]\n\
         correlation:\n  type: event_count\n  rules: [{rules}]\n  group-by: [recipientAccountId]\n  \
         timespan: {timespan}\n  condition: {{gte: 1}}\n\
         orgwatch:\n  summary: s\n  why: w\n  triage: [t]\n{more}"
    )
}

fn compiled(documents: &[String]) -> Result<Pack, Vec<Problem>> {
    let file =
        |(n, yaml): (usize, &String)| RuleFile { path: format!("g/{n}.yml"), yaml: yaml.clone() };
    let files: Vec<_> = documents.iter().enumerate().map(file).collect();
    pack(&files, &Attack::default()).complete()
}

/// Memory keeps what it knows of a rule under its id: two with one id muted one another.
#[test]
fn what_names_two_rules_is_refused() {
    let one = rule("one", "11111111-1111-4111-8111-111111111111", "");
    let (other, internal) = ("22222222-2222-4222-8222-222222222222", "  internal: true\n");
    assert!(compiled(&[one.clone(), rule("two", other, internal)]).is_ok());
    for (second, problem) in [
        (rule("two", "11111111-1111-4111-8111-111111111111", ""), "id: 11111111"),
        (rule("two", "11111111-1111-4111-8111-111111111111", internal), "id: 11111111"),
        (rule("one", other, ""), "name: one"),
        (rule("one", other, internal), "name: one"),
        (chain("one", other, "one", "1m", ""), "name: one"),
        (chain("one", other, "one", "1m", internal), "name: one"),
        (
            chain("two", "11111111-1111-4111-8111-111111111111", "one", "1m", internal),
            "id: 11111111",
        ),
    ] {
        let refused = compiled(&[one.clone(), second]).unwrap_err();
        let told: Vec<_> = refused.iter().map(ToString::to_string).collect();
        let taken = |text: &&String| {
            text.starts_with("g/1.yml:")
                && text.contains(&format!(": {problem}"))
                && text.ends_with("is taken by g/0.yml")
        };
        assert!(told.iter().any(|text| taken(&text)), "{told:?}");
    }
}

/// Dividing by a window of no time was a trap.
#[test]
fn a_window_of_no_time_is_refused_and_harmless() {
    let id = "11111111-1111-4111-8111-111111111111";
    let terms =
        |window: &str| format!("  new_terms: {{fields: [recipientAccountId], window: {window}}}\n");
    let refused = compiled(&[
        rule("one", id, &terms("0d")),
        rule("two", "22222222-2222-4222-8222-222222222222", ""),
        chain("three", "33333333-3333-4333-8333-333333333333", "two", "0s", ""),
    ]);
    let told: Vec<_> = refused.unwrap_err().iter().map(ToString::to_string).collect();
    assert!(told[0].starts_with("g/0.yml:15:45: new_terms: window: it is no time"), "{told:?}");
    assert!(told[1].starts_with("g/2.yml:11:3: timespan: it is no time"), "{told:?}");

    let mut pack = compiled(&[rule("one", id, &terms("1s"))]).unwrap();
    pack.rules[0].new_terms.as_mut().unwrap().window = 0;
    let mut detector = Detector::with_pack(Arc::new(pack), "{}").unwrap();
    let mut event = leave(1, "2026-06-01T12:00:00Z", json!({}));
    event["eventSource"] = json!("x.amazonaws.com");
    let findings = detector.detect(event.to_string().as_bytes()).unwrap();
    assert_eq!(rules(&findings), ["one"]);
}
