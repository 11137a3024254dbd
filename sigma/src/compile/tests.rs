mod foreign;

use super::*;

const RIGHT: &str = "\
title: Left
name: left
id: 11111111-1111-4111-8111-111111111111
description: It left.
level: high
falsepositives: [A planned migration.]
logsource: {product: aws, service: cloudtrail}
detection:
  condition: selection
  selection:
    eventSource: organizations.amazonaws.com
    eventName: LeaveOrganization
orgwatch:
  summary: '{account} left.'
  why: It is out of reach.
  triage: [Ask somebody.]
";

const CHAIN: &str = "\
title: Left Often
name: left-often
id: 22222222-2222-4222-8222-222222222222
description: It left often.
level: high
falsepositives: [A planned migration.]
correlation:
  type: event_count
  rules:
    - left
  group-by: [recipientAccountId]
  timespan: 1h
  condition: {gte: 2}
orgwatch:
  summary: Often.
  why: It is out of reach.
  triage: [Ask somebody.]
";

fn compiled(documents: &[&str]) -> Compiled {
    let file = |(n, yaml): (usize, &&str)| RuleFile {
        path: format!("g/{n}.yml"),
        yaml: (*yaml).to_owned(),
    };
    pack(&documents.iter().enumerate().map(file).collect::<Vec<_>>(), &Attack::default())
}

/// The refusals of one file, which begin so.
fn assert_refused(yaml: &str, expected: &[&str]) {
    let refusals = compiled(&[yaml]).refusals;
    let told: Vec<_> = refusals.iter().map(ToString::to_string).collect();
    let agrees = told.len() == expected.len()
        && told.iter().zip(expected).all(|(told, expected)| told.starts_with(expected));
    assert!(agrees, "{told:#?} should be {expected:#?}");
}

#[test]
fn what_is_right_is_compiled() {
    let compiled = compiled(&[RIGHT, CHAIN]);
    assert_eq!(compiled.refusals, []);
    let slugs: Vec<_> = compiled.pack.public().iter().map(|about| about.slug.as_str()).collect();
    // What a correlation names is silent, unless that says `generate`.
    assert_eq!(slugs, ["left-often"]);
    let loud = CHAIN.replace("correlation:", "correlation:\n  generate: true");
    assert_eq!(self::compiled(&[RIGHT, &loud]).pack.public().len(), 2);
}

#[test]
fn every_problem_of_a_file_is_told_with_its_place() {
    let wrong = RIGHT
        .replace("level: high", "level: hgih")
        .replace("    eventName: LeaveOrganization", "    eventName|contians: Leave\n    x|cidr: 1")
        .replace("condition: selection", "condition: selection and")
        .replace("why: It is out of reach.", "whi: It.\n  requires: {orgwatch.nothing: 1}")
        .replace("{account} left", "{acount} left");
    assert_refused(
        &wrong,
        &[
            "g/0.yml:5:1: invalid level: 'hgih'",
            "g/0.yml:9:3: Condition parse error",
            "g/0.yml:12:5: Unknown modifier 'contians'",
            "g/0.yml:14:1: why must say something",
            "g/0.yml:15:3: summary: {acount} is neither",
            "g/0.yml:16:3: orgwatch: whi is no part of it",
            "g/0.yml:17:14: orgwatch.nothing is not a derived field",
        ],
    );
}

#[test]
fn a_problem_of_a_detection_is_told_where_it_stands() {
    for (from, to, expected) in [
        (
            "eventName: L",
            "x|cidr: [192.0.2.0/24, 1]\n    eventName: L",
            "12:28: x: 1 is not a network",
        ),
        ("eventName: L", "x|expand: a\n    eventName: L", "12:5: x: expand is not supported"),
        (
            "eventSource: o",
            "requestParameters.x: o",
            "8:1: detection: a rule names its eventSource",
        ),
        ("condition: s", "condition: other or s", "9:3: condition: other is not defined"),
        ("condition: s", "condition: 1 of x* or s", "9:3: condition: nothing is named x*"),
        (
            "  selection:\n",
            "  selection:\n    orgwatch.x: 1\n",
            "11:5: orgwatch.x is not a derived",
        ),
        (
            "condition: selection",
            &format!("condition: {}selection{}", "not (".repeat(40), ")".repeat(40)),
            "9:3: condition: more than 32 operators",
        ),
        ("title: Left", "titel: Left", "1:1: Missing required field 'title'"),
        ("service: cloudtrail", "service: s3", "7:1: logsource: orgwatch reads"),
        (
            "why: It",
            "severity:\n    - level: low\n      when: [{a|x: 1}]\n  why: It",
            "17:15: Unknown modifier 'x'",
        ),
        ("why: It", "severity: [{level: lo}]\n  why: It", "15:14: severity: "),
        ("[Ask somebody.]", "['Ask {nobody}.']", "16:12: triage: {nobody} is neither"),
        ("level: high", "level: high\ntags: [attack.t1, attack.t2]", "6:8: tags: attack.t1 is not"),
    ] {
        let wrong = RIGHT.replace(from, to);
        let refusals = compiled(&[&wrong]).refusals;
        let told = refusals.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(told[0].starts_with(&format!("g/0.yml:{expected}")), "{told:#?} {expected}");
    }
}

#[test]
fn what_is_no_rule_is_refused_where_it_ends_to_be_one() {
    assert_refused("", &["g/0.yml:1:1: a file holds exactly one rule"]);
    assert_refused("[1, 2]", &["g/0.yml:1:1: a document is a rule or a correlation"]);
    assert_refused("title: a\n\tb: [", &["g/0.yml:1:8: "]);
    assert_refused(
        &format!("{RIGHT}---\n{RIGHT}"),
        &["g/0.yml:1:1: a file holds exactly one rule"],
    );
    let deep = format!("title: {}", "[".repeat(1000));
    assert_refused(&deep, &["g/0.yml:1:263: more than 32 mappings and lists"]);
}

#[test]
fn the_rest_is_compiled() {
    let other = RIGHT.replace("left", "other").replace("11111111-1", "31111111-1");
    let wrong = RIGHT.replace("level: high", "level: 5");
    let compiled = compiled(&[&wrong, CHAIN, &other]);
    let told: Vec<_> = compiled.refusals.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["g/0.yml:5:1: level is missing", "g/1.yml:10:7: rules: left was refused itself"]
    );
    assert_eq!(compiled.pack.rules.len(), 1);
    assert_eq!(compiled.pack.rules[0].about.slug, "other");
    assert_eq!(compiled.pack.correlations, []);
}

#[test]
fn a_correlation_tells_its_problems_too() {
    let wrong = CHAIN
        .replace("    - left", "    - left\n    - lost")
        .replace("{gte: 2}", "{lt: 1}")
        .replace("1h", "0s")
        .replace("summary: Often.", "summary: '{eventName}'\n  only:\n    left: {a|x: 1}");
    let refusals = compiled(&[RIGHT, &wrong]).refusals;
    let told: Vec<_> = refusals.iter().map(ToString::to_string).collect();
    for (told, expected) in told.iter().zip([
        "g/1.yml:11:7: rules: nothing is named lost that sees CloudTrail: rules are referred to by name or id",
        "g/1.yml:13:3: timespan: it is no time at all",
        "g/1.yml:14:3: condition: no count of 1 or more",
        "g/1.yml:16:3: {eventName}: a chain has no record",
        "g/1.yml:18:12: Unknown modifier 'x'",
    ]) {
        assert!(told.starts_with(expected), "{told} should be {expected}");
    }
    assert_eq!(told.len(), 5, "{told:#?}");
    assert_refused(&CHAIN.replace("event_count", "event_cuont"), &["g/0.yml:8:3: "]);
}
