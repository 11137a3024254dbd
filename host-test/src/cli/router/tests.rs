//! Conditions for rules of any kind: they let everything pass that a rule matches.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orgwatch::detector::Detector;
use orgwatch::rules::{Pack, Rule, builtin_pack};
use orgwatch_sigma::compile::find_witness;
use orgwatch_sigma::{Expr, Field, Glob, Item, Matcher, Token};
use regex::Regex;
use serde_json::{Value, json};

use super::{fluent_bit, vector};

pub(super) fn item(field: &str, text: &str, open: bool) -> Expr {
    let mut tokens = vec![Token::Literal(text.to_lowercase())];
    if open {
        tokens.insert(0, Token::Many);
        tokens.push(Token::Many);
    }
    let matchers = vec![Matcher::Text(Glob { tokens, cased: false })];
    Expr::Item(Item { field: Field::Record(field.into()), matchers, all: false, negated: false })
}

/// The pack of orgwatch with rules of these conditions beside.
pub(super) fn pack(rules: &[(&str, Expr)]) -> Pack {
    let mut pack = (*builtin_pack()).clone();
    let plain = |rule: &&Rule| !rule.internal && rule.new_terms.is_none();
    let template = pack.rules.iter().find(plain).unwrap().clone();
    for (slug, condition) in rules {
        let mut rule = template.clone();
        rule.about.slug = (*slug).into();
        rule.about.id = (*slug).into();
        rule.derived_condition = None;
        rule.condition = condition.clone();
        find_witness(&mut rule);
        pack.event_names.extend(rule.event_names.iter().cloned());
        pack.rules.push(rule);
    }
    pack.rules.sort_by(|a, b| a.about.slug.cmp(&b.about.slug));
    pack.event_names.sort_unstable();
    pack
}

fn foreign() -> Pack {
    pack(&[
        ("own-agent", item("userAgent", "TruffleHog Kit", true)),
        ("own-name", item("eventName", "listKiosks", false)),
        ("own-prefix", item("eventName", "updatefunctionconf", true)),
        ("own-odd-name", item("eventName", "Get.Kiosk (v1)", false)),
        ("own-root", item("userIdentity.type", "Root", false)),
        ("own-name-in-request", item("requestParameters.name", "kiosk-7", true)),
    ])
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The lines of the sample and of all cases; and the first of them with what the rules above look for, written in
/// many ways.
fn corpus() -> Vec<String> {
    let mut files = vec![root().join("samples/incident.ndjson")];
    let mut folders = vec![root().join("tests/cases")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("events.ndjson") {
                files.push(path);
            }
        }
    }
    files.sort();
    let text: String = files
        .iter()
        .map(|file| fs::read(file).unwrap())
        .map(|it| String::from_utf8_lossy(&it).into_owned())
        .collect();
    let is_object =
        |line: &&str| serde_json::from_str::<Value>(line).is_ok_and(|it| it.is_object());
    let mut lines: Vec<String> = text.lines().filter(is_object).map(str::to_owned).collect();
    let mut record: Value = serde_json::from_str(&lines[0]).unwrap();
    record["eventName"] = "DescribeInstances".into();
    record["eventSource"] = "ec2.amazonaws.com".into();
    record["userIdentity"]["type"] = "IAMUser".into();
    record["eventVersion"] = "1.09".into();
    let mut add = |line: String| lines.push(line);
    for (pointer, value) in [
        ("/userAgent", "x trufflehog KIT y"),
        ("/userAgent", "trufflehog \u{212a}\u{130}t"),
        ("/eventName", "ListKiosks"),
        ("/eventName", "LISTKIOSKS"),
        ("/eventName", "UpdateFunctionConfiguration20150331v2"),
        ("/eventName", "get.kiosk (V1)"),
        ("/userIdentity/type", "ROOT"),
        ("/requestParameters/name", "a Kiosk-7 b"),
        ("/requestParameters/name", "nothing"),
    ] {
        let mut record = record.clone();
        record["requestParameters"] = json!({"name": "none"});
        *record.pointer_mut(pointer).unwrap() = value.into();
        let text = record.to_string();
        add(text.clone());
        add(format!("{record:#}").replace('\n', " "));
        for envelope in [
            json!({"message": text}),
            json!({"detail": record}),
            json!({"logEvents": [{"message": json!({"log": text}).to_string()}]}),
            json!({"Records": [record]}),
        ] {
            add(envelope.to_string());
        }
        // A pipeline that has containers as text, and one that escapes in it.
        let request = record["requestParameters"].to_string();
        for request in [request.clone(), request.replace("iosk", "\\u0069osk").replace('/', "\\/")]
        {
            record["requestParameters"] = request.into();
            add(record.to_string());
        }
    }
    for (name, agent) in [("LISTKIOSKS", "x"), ("DescribeInstances", "truffleHog kit")] {
        add(json!({
            "event": {"action": name, "provider": "ec2.amazonaws.com"},
            "aws": {"cloudtrail": {"event_type": "AwsApiCall"}}, "user_agent": {"original": agent},
        })
        .to_string());
        add(json!({
            "class_uid": 6003, "api": {"operation": name, "service": {"name": "ec2.amazonaws.com"}},
            "http_request": {"user_agent": agent},
        })
        .to_string());
    }
    // AssumeRole, of which a text is wanted, with the request in front.
    add(json!({
        "aws": {"cloudtrail": {"request_parameters": {
            "roleArn": "arn:aws:iam::111122223333:role/OrganizationAccountAccessRole",
        }}},
        "event": {"action": "AssumeRole", "provider": "sts.amazonaws.com"},
    })
    .to_string());
    lines
}

/// Whether a rule matches something in a line, each in a detector of its own.
fn matched(pack: &Pack, lines: &[String]) -> Vec<bool> {
    let mut everything = pack.clone();
    for rule in &mut everything.rules {
        rule.event_names.clear();
        rule.verbatim.clear();
        rule.texts.clear();
    }
    everything.correlations.clear();
    let pack = Arc::new(everything);
    let found = |line: &String| {
        let mut detector = Detector::with_pack(Arc::clone(&pack), "{}").unwrap();
        detector.detect(line.as_bytes()).is_ok_and(|findings| !findings.is_empty())
    };
    lines.iter().map(found).collect()
}

fn nothing_is_lost(passes: &[bool]) {
    let lines = corpus();
    let matched = matched(&foreign(), &lines);
    assert_eq!(passes.len(), lines.len());
    for ((line, matched), passes) in lines.iter().zip(&matched).zip(passes) {
        assert!(*passes || !*matched, "{line}");
    }
    assert!(matched.iter().filter(|matched| **matched).count() > 100);
    assert!(passes.iter().any(|passes| !passes));
}

/// The expression in a condition between two texts.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    text.split_once(start).unwrap().1.split_once(end).unwrap().0
}

#[test]
fn vector_is_given_every_event_that_a_rule_matches() {
    let condition = vector::condition(&foreign());
    let names = Regex::new(between(&condition, "match(.eventName, r'", "')")).unwrap();
    let texts = Regex::new(between(&condition, "match(encode_json(.), r'", "')")).unwrap();
    let passes = |line: &String| {
        let event: Value = serde_json::from_str(line).unwrap();
        let Some(name) = event["eventName"].as_str() else { return true };
        let rare = name == "AssumeRole" && event.to_string().contains("OrganizationAccountAccess");
        names.is_match(name) || rare || texts.is_match(&event.to_string())
    };
    nothing_is_lost(&corpus().iter().map(passes).collect::<Vec<_>>());
}

#[test]
fn fluent_bit_is_given_every_event_that_a_rule_matches() {
    let filter: Value = yaml_serde::from_str(&fluent_bit::filter(&foreign())).unwrap();
    let expression = |n: usize| {
        let regex = filter[0]["regex"][n].as_str().unwrap().strip_prefix("message ").unwrap();
        // This engine has no look ahead.
        Regex::new(regex.split_once(".*?").map_or(regex, |(_, regex)| regex)).unwrap()
    };
    let all = [0, 1, 2].map(expression);
    let passes = |line: &String| all.iter().any(|regex| regex.is_match(line));
    nothing_is_lost(&corpus().iter().map(passes).collect::<Vec<_>>());
}

#[test]
fn rules_that_make_a_condition_wide_are_named() {
    let condition = vector::condition(&foreign());
    assert!(condition.starts_with("# Many events pass because of own-root.\n"), "{condition}");
    let filter = fluent_bit::filter(&foreign());
    assert!(filter.contains("    # Many events pass because of own-root.\n"), "{filter}");

    let none = Expr::Not(Box::new(item("awsRegion", "eu-west-1", false)));
    let pack =
        pack(&[("own-region", none), ("own-root", item("userIdentity.type", "Root", false))]);
    assert_eq!(vector::condition(&pack), "# Every event passes because of own-region.\ntrue\n");
    let filter = fluent_bit::filter(&pack);
    assert!(filter.contains("    # Every event passes because of own-region.\n"), "{filter}");
    assert!(filter.ends_with("regex:\n        - 'message .'\n"), "{filter}");
}

/// A program that a variable names, or the path.
fn program(variable: &str, name: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| name.into())
}

mod vector_router {
    use super::*;

    /// The same in a real Vector.
    #[test]
    #[ignore = "needs Vector: VECTOR, or `vector` on the path"]
    fn vector_takes_the_condition_as_it_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("events"), corpus().join("\n")).unwrap();
        fs::write(path("program"), vector::condition(&foreign())).unwrap();
        let ran = Command::new(program("VECTOR", "vector"))
            .args(["vrl", "--input"])
            .arg(path("events"))
            .arg("--program")
            .arg(path("program"))
            .output()
            .unwrap();
        let said = String::from_utf8(ran.stdout).unwrap();
        let error = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{said}{error}");
        let passes = said.lines().map(|line| match line {
            "true" => true,
            "false" => false,
            other => panic!("{other} {error}"),
        });
        nothing_is_lost(&passes.collect::<Vec<_>>());
    }
}

mod fluent_bit_router {
    use super::*;

    /// The same in a real Fluent Bit.
    #[test]
    #[ignore = "needs Fluent Bit: FLUENT_BIT, or `fluent-bit` on the path"]
    fn fluent_bit_takes_the_filter_as_it_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let lines = corpus();
        fs::write(
            path("events"),
            lines.join("\n") + "\nthe end: eventName\":\"LeaveOrganization\"\n",
        )
        .unwrap();
        let config = format!(
            "service:\n  flush: 1\npipeline:\n  inputs:\n    - name: tail\n      tag: orgwatch.findings\n      \
             path: {}\n      key: message\n      read_from_head: true\n      buffer_chunk_size: 512k\n      \
             buffer_max_size: 17M\n  filters:\n{}  outputs:\n    - name: file\n      match: '*'\n      \
             path: {}\n      file: passed\n      format: plain\n",
            path("events"),
            fluent_bit::filter(&foreign()),
            folder.path().display(),
        );
        fs::write(path("config.yaml"), config).unwrap();
        let mut running = Command::new(program("FLUENT_BIT", "fluent-bit"))
            .args(["--quiet", "-c", &path("config.yaml")])
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let passed = loop {
            let passed = fs::read_to_string(path("passed")).unwrap_or_default();
            if passed.contains("the end") || begun.elapsed() > Duration::from_secs(60) {
                break passed;
            }
            std::thread::sleep(Duration::from_millis(200));
        };
        running.kill().unwrap();
        running.wait().unwrap();
        let messages = passed.lines().map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            record["message"].as_str().unwrap().to_owned()
        });
        let passed: std::collections::HashSet<String> = messages.collect();
        assert!(passed.iter().any(|line| line.starts_with("the end")), "{passed:?}");
        nothing_is_lost(&lines.iter().map(|line| passed.contains(line)).collect::<Vec<_>>());
    }
}
