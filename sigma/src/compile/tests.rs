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
