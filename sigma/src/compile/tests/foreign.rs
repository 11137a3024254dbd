//! Rules of others.

use super::*;

/// The smallest rule: what Sigma itself asks for.
const FOREIGN: &str = "\
title: 'Somebody''s {Rule}'
logsource: {product: aws, service: cloudtrail}
detection:
  condition: selection
  selection:
    eventName: StopLogging
";

fn foreign(documents: &[&str]) -> Compiled {
    let file =
        |(n, yaml): (usize, &&str)| RuleFile { path: format!("{n}.yml"), yaml: (*yaml).to_owned() };
    let files: Vec<_> = documents.iter().enumerate().map(file).collect();
    compile(&files, &Attack::known(), &Options::default())
}

fn texts(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_of_ours_is_required() {
    let compiled = foreign(&[FOREIGN]);
    assert_eq!((texts(&compiled.refusals), texts(&compiled.warnings)), (vec![], vec![]));
    let about = &compiled.pack.rules[0].about;
    assert_eq!(about.slug, "somebody-s-rule");
    assert_eq!(about.id.len(), 36);
    assert_eq!(about.level, crate::Severity::Medium);
    assert_eq!(about.summary.0, [crate::Part::Text("Somebody's {Rule}".into())]);
    assert_eq!((about.why.as_str(), about.group.as_str()), ("Somebody's {Rule}", "custom"));
    assert_eq!(foreign(&[FOREIGN]).pack, compiled.pack, "an id is stable");
    let said = format!(
        "{FOREIGN}description: It\n\n  stops.\ntags: [attack.t1562.008, detection.x]\nfalsepositives: [a, b]\nfields: [eventName, x]\n"
    );
    let compiled = foreign(&[&said]);
    let rule = &compiled.pack.rules[0];
    assert_eq!((rule.about.why.as_str(), rule.about.benign.as_str()), ("It stops.", "a b"));
    assert_eq!(
        (rule.about.attack.to_vec(), rule.about.tags.to_vec()),
        (vec!["T1562.008".to_owned()], vec!["detection.x".to_owned()])
    );
    assert_eq!(rule.details.len(), 1);
    assert_eq!(texts(&compiled.warnings), ["0.yml:12:21: fields: CloudTrail has no x"]);
}

#[test]
fn several_documents_stand_in_a_file() {
    let chain = "title: Often\ncorrelation:\n  type: event_count\n  rules: [somebody-s-rule]\n  group-by: [recipientAccountId]\n  timespan: 1h\n  condition: {gte: 2}\n";
    let yaml = format!("{FOREIGN}---\n{chain}---\ntitel: x\n---\n");
    let compiled = foreign(&[&yaml]);
    assert_eq!((compiled.pack.rules.len(), compiled.pack.correlations.len()), (1, 1));
    assert_eq!(compiled.pack.correlations[0].about.slug, "often");
    let told = texts(&compiled.refusals);
    assert!(
        told.iter().all(|told| told.starts_with("0.yml:15:1: ")) && !told.is_empty(),
        "{told:#?}"
    );
    let global = "action: global\nlogsource: {product: aws}\nlevel: hgih\n---\n";
    let told =
        foreign(&[&format!("{global}{}", FOREIGN.replace("logsource", "license: x\nfields"))]);
    assert_eq!(texts(&told.refusals), ["0.yml:3:1: invalid level: 'hgih'"]);
}

#[test]
fn slugs_are_made_unique_and_what_names_two_is_refused() {
    let with = |id: &str| format!("{FOREIGN}id: {id}-0000-4000-8000-000000000000\n");
    let compiled = foreign(&[&with("aaaaaaaa"), &with("bbbbbbbb"), &with("AAAAAAAA")]);
    let slugs: Vec<_> = compiled.pack.rules.iter().map(|rule| rule.about.slug.as_str()).collect();
    assert_eq!(slugs, ["somebody-s-rule-aaaaaaaa", "somebody-s-rule-bbbbbbbb"]);
    let told = texts(&compiled.refusals);
    assert_eq!(told, ["2.yml:7:1: id: aaaaaaaa-0000-4000-8000-000000000000 is taken by 0.yml"]);
}

#[test]
fn other_log_sources_are_told_once() {
    let windows = FOREIGN.replace(
        "{product: aws, service: cloudtrail}",
        "{product: windows, category: process_creation}",
    );
    let of = |source: &str| FOREIGN.replace("{product: aws, service: cloudtrail}", source);
    let compiled = foreign(&[
        &windows,
        FOREIGN,
        &windows,
        &of("{product: AWS}"),
        &of("{service: cloudtrail}"),
    ]);
    assert_eq!(texts(&compiled.refusals), [""; 0]);
    assert_eq!(compiled.pack.rules.len(), 3);
    let [other] = compiled.other_sources.as_slice() else { panic!("{compiled:?}") };
    assert_eq!(other.to_string(), "windows, process_creation: 2 rules");
    assert_eq!(other.files, ["0.yml", "2.yml"]);
    assert_eq!(texts(&foreign(&[&of("{}")]).refusals), ["0.yml:2:1: logsource: it is missing"]);
}

#[test]
fn nothing_is_passed_over_without_a_word() {
    for (from, to, refused, warning) in [
        ("title", "status: deprecated\ntitle", "", "1:1: status: deprecated; it is"),
        ("title", "status: new\ntitle", "", "1:1: invalid status: 'new'"),
        ("title", "severity: high\ntitle", "", "1:1: severity: Sigma has no such key"),
        ("title", "taxonomy: ecs\ntitle", "1:1: taxonomy: ecs has other names", ""),
        ("title", "sigma-version: 3\ntitle", "1:1: sigma-version: 3 is not known", ""),
        ("title", "id: 5\ntitle", "1:1: id: it is not a text", ""),
        ("title", "id: x\ntitle", "", "1:1: id: x is not a UUID"),
        ("title", "references: [1]\ntitle", "", "1:1: references: it is not a list"),
        ("title", "related: [{id: x, type: y}]\ntitle", "", "1:1: related[0] invalid type"),
        ("title", "filter: {rules: any}\ntitle", "1:1: filter: filters of other rules", ""),
        ("condition: s", "timeframe: 5m\n  condition: s", "4:3: timeframe: only a correlation", ""),
        (
            "eventName: Stop",
            "eventName: [[a]]\n    x: Stop",
            "6:17: eventName: a value is a text",
            "",
        ),
        (
            "eventName: Stop",
            "eventName: {a: b}\n    x: Stop",
            "6:5: eventName: a value is a text",
            "",
        ),
        ("eventName: Stop", "eventName: !x Stop", "6:5: eventName: a value is a text", ""),
        ("eventName: Stop", "eventName: []\n    x: Stop", "6:5: eventName: it has no value", ""),
        ("eventName: Stop", "e[any]: x\n    x: Stop", "6:5: a field that selects elements", ""),
        ("eventName: Stop", "e|all: x\n    x: Stop", "6:5: e: all asks for more than one", ""),
        ("eventName: Stop", "e|gt: x\n    x: Stop", "6:5: e: x is not a number", ""),
        ("eventName: Stop", "e|i: x\n    x: Stop", "6:5: e: i, m and s are flags of re", ""),
        ("eventName: Stop", "e|re|contains: x\n    x: Stop", "6:5: e: re and contains cannot", ""),
        ("eventName: Stop", "e|wide: x\n    x: Stop", "6:5: e: UTF-16 has a meaning", ""),
        ("eventName: Stop", "e|hour: 5\n    x: Stop", "6:5: e: the modifier hour is not", ""),
        ("eventName: Stop", "e|exists: x\n    x: Stop", "6:5: e: exists is true or false", ""),
        ("eventName: Stop", "e|re: '('\n    x: Stop", "6:5: e: \"(\" as a regular expression", ""),
        ("eventName: Stop", "e|re: 'a{9999}'\n    x: Stop", "6:5: e: \"a{9999}\" as a reg", ""),
        ("eventName: Stop", "e|base64offset: a\n    x: Stop", "6:5: e: the value is too short", ""),
        ("eventName: Stop", "e|fieldref: 'a*'\n    x: Stop", "6:5: e: fieldref names a field", ""),
        ("selection:\n    eventName: StopLogging", "selection: {}", "5:3: it asks for nothing", ""),
        (
            "selection:\n    eventName: StopLogging",
            "selection: null",
            "5:3: it is neither a map",
            "",
        ),
        ("condition: s", "condition: not s | count() > 5 or s", "4:3: Condition parse error", ""),
        (
            "eventName: Stop",
            "event.action: Stop",
            "",
            "4:3: condition: CloudTrail has no event.action",
        ),
        (
            "condition: s",
            "condition: not selection and s",
            "",
            "4:3: condition: no event can match",
        ),
        ("condition: selection", "condition: not 3 of them", "", "4:3: condition: every event"),
        (
            "eventName: Stop",
            "eventSource|cased: S3.amazonaws.com\n    eventName: Stop",
            "",
            "4:3: condition: no event",
        ),
        (
            "  selection:",
            "  other: {eventName: x}\n  selection:",
            "",
            "5:3: other: the condition does not name it",
        ),
        (
            "condition: s",
            "other: {eventName: x}\n  condition: other and s",
            "",
            "5:3: condition: no event",
        ),
    ] {
        let compiled = foreign(&[&FOREIGN.replacen(from, to, 1)]);
        let (refusals, warnings) = (texts(&compiled.refusals), texts(&compiled.warnings));
        for (told, expected) in [(&refusals, refused), (&warnings, warning)] {
            let expected =
                if expected.is_empty() { String::new() } else { format!("0.yml:{expected}") };
            let first = told.first().map(String::as_str).unwrap_or_default();
            assert!(
                first.starts_with(&expected) && first.is_empty() == expected.is_empty(),
                "{to:?}: {refusals:?} {warnings:?} should begin with {expected}"
            );
        }
    }
}

#[test]
fn files_of_other_systems_are_read_alike() {
    let windows = format!("\u{feff}{}", FOREIGN.replace('\n', "\r\n"));
    let compiled = foreign(&[&windows]);
    assert_eq!((texts(&compiled.refusals), compiled.pack.rules.len()), (vec![], 1));
    let told = texts(&foreign(&[&windows.replace("title", "titel")]).refusals);
    assert_eq!(told, ["0.yml:1:1: Missing required field 'title'"]);
}

#[test]
fn regular_expressions_beyond_what_a_pack_holds_are_refused_and_the_rest_runs() {
    let rule = |n: usize, value: &str| {
        FOREIGN.replace("Somebody''s", &n.to_string()).replace("eventName", value)
    };
    let many: String = (0..200).map(|n| format!("      - '[a-z]{{500}}{n}'\n")).collect();
    let large = |n: usize| rule(n, "eventName|re").replace("StopLogging", &format!("\n{many}"));
    let (first, second, last) = (large(1), large(2), rule(3, "eventName"));
    let compiled = foreign(&[&first, &second, &last]);
    assert_eq!(compiled.pack.rules.len(), 2, "{:?}", texts(&compiled.refusals));
    assert!(texts(&compiled.refusals)[0].starts_with("1.yml:3:1: the rules before this one"));
    assert!(Pack::from_bytes(&compiled.pack.to_bytes()).is_ok());
}

#[test]
fn a_table_renames_fields() {
    let yaml = FOREIGN
        .replace("title", "taxonomy: ecs\ntitle")
        .replace("eventName: Stop", "user.name|fieldref: user.id\n    event.action: Stop");
    let files = [RuleFile { path: "a.yml".into(), yaml }];
    let mut options = Options::default();
    for (from, to) in [
        ("event.action", "eventName"),
        ("user.name", "userIdentity.userName"),
        ("user.id", "userIdentity.principalId"),
    ] {
        options.fields.insert(from.into(), to.into());
    }
    let compiled = compile(&files, &Attack::known(), &options);
    assert_eq!((texts(&compiled.refusals), texts(&compiled.warnings)), (vec![], vec![]));
    assert_eq!(compiled.pack.event_names, ["StopLogging"]);
    let condition = format!("{:?}", compiled.pack.rules[0].condition);
    assert!(
        condition.contains("userIdentity.principalId") && !condition.contains("user.id"),
        "{condition}"
    );
}

#[test]
fn hostile_files_are_refused_or_compiled_in_time() {
    use std::time::{Duration, Instant};
    let long = |part: &str| part.repeat((900 << 10) / part.len());
    let selection = |value: &str| FOREIGN.replace("StopLogging", value);
    let condition =
        |text: &str| FOREIGN.replace("condition: selection", &format!("condition: {text}"));
    let list = |value: &str| selection(&format!("\n{}", long(&format!("      - {value}\n"))));
    for yaml in [
        condition(&long("(")),
        condition(&format!("{}selection", long("not "))),
        condition(&format!("{}selection", "not ".repeat(3000))),
        condition(&format!("{}selection", "selection or ".repeat(1000))),
        condition(&format!("{}selection", "1 of them or ".repeat(1000))),
        condition(&format!("{}selection{}", "(".repeat(3000), ")".repeat(3000))),
        condition(&format!("[{}]", "selection, ".repeat(20_000))),
        list("StopLogging"),
        list("'*a*'"),
        selection(&format!("'{}'", long("*?"))),
        list("x").replace("eventName", "eventName|re"),
        list("'[a-z]{500}'").replace("eventName", "eventName|re"),
        list("'----------------'").replace("eventName", "eventName|windash"),
        format!("---\n{FOREIGN}").repeat(2000),
        "---\ntitel: x\n".repeat(2000),
        long("---\n[1]\n"),
        long("---\naction: repeat\n"),
        format!(
            "action: global\n{FOREIGN}x: {}\n{}",
            "x".repeat(400_000),
            "---\ny: z\n".repeat(9000)
        ),
        format!("{FOREIGN}tags:\n{}", long("- attack.x\n")),
        format!("{FOREIGN}{}", (0..60_000).map(|n| format!("k{n}: 1\n")).collect::<String>()),
    ] {
        let begun = Instant::now();
        let compiled = foreign(&[&yaml]);
        let beginning: String = yaml.chars().take(300).collect();
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?} {beginning}", begun.elapsed());
        let read = Pack::from_bytes(&compiled.pack.to_bytes());
        assert_eq!(read.as_ref(), Ok(&compiled.pack), "{beginning}");
    }
    let many: Vec<_> = (0..limits::MAX_RULES + 1).map(|_| FOREIGN).collect();
    let refusals = foreign(&many).refusals;
    assert!(refusals.iter().any(|refusal| refusal.text.starts_with("more than 10000 rules")));
}
