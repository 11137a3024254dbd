//! The prefilter and the index are sound for any rules: no record is rejected that a rule matches which is
//! evaluated on every record.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use orgwatch::detector::Detector;
use orgwatch::finding::Finding;
use orgwatch::json::{Tape, Value as Parsed};
use orgwatch::rules::{Pack, Rule, Witness, builtin_pack};
use orgwatch_sigma::compile::find_witness;
use orgwatch_sigma::{
    Expr, Field, FieldRef, Glob, Item, Matcher, Path, Regex, RegexFlags, Relation, Token,
};
use serde_json::{Value, json};

use crate::envelopes::{envelopes, written};
use crate::support::Random;

const FIELDS: &[&str] = &[
    "eventName",
    "eventSource",
    "awsRegion",
    "errorCode",
    "sourceIPAddress",
    "userAgent",
    "userIdentity.type",
    "userIdentity.arn",
    "userIdentity.sessionContext.sessionIssuer.userName",
    "requestParameters.name",
    "requestParameters.items.id",
    "requestParameters.count",
    "responseElements.state",
    "additionalEventData.MFAUsed",
];

const TEXTS: &[&str] = &[
    "GetKiosk",
    "DeleteTrail",
    "kms.amazonaws.com",
    "guardduty.amazonaws.com",
    "AccessDenied",
    "Failure",
    "198.51.100.7",
    "aws-cli/2.15 kali <x&y>",
    "Root",
    "arn:aws:iam::111122223333:role/Kiosk/Admin's",
    "Kiosk-Linux",
    "Kühlkiosk \"7\"",
    "a\\b",
    "\u{130}stanbul Links",
    "true",
    "Yes",
    "12345",
    "1.5",
    "abc",
    "",
];

/// Random numbers, and a few texts that rules and records of one try share.
struct Maker(Random, Vec<&'static str>);

impl Maker {
    fn new(seed: u64) -> Maker {
        let mut random = Random::new(seed);
        let texts = (0..4).map(|_| *random.pick(TEXTS)).collect();
        Maker(random, texts)
    }

    fn text(&mut self) -> &'static str {
        let Maker(random, texts) = self;
        let texts = if random.below(4) == 0 { TEXTS } else { texts };
        texts[random.below(texts.len())]
    }
}

impl Deref for Maker {
    type Target = Random;

    fn deref(&self) -> &Random {
        &self.0
    }
}

impl DerefMut for Maker {
    fn deref_mut(&mut self) -> &mut Random {
        &mut self.0
    }
}

fn glob(random: &mut Maker) -> Glob {
    let text: Vec<char> = random.text().chars().collect();
    let from = random.below(text.len() / 2 + 1);
    let to = text.len() - random.below((text.len() - from) / 2 + 1);
    let cased = random.below(3) == 0;
    let part: String = match random.below(3) {
        0 => text.iter().collect(),
        _ => text[from..to].iter().collect(),
    };
    let part = if cased { part } else { part.to_lowercase() };
    let mut tokens = vec![Token::Literal(part)];
    if random.below(4) == 0 {
        let other = random.text().to_lowercase();
        let between = random.pick(&[Token::Many, Token::One, Token::Dash]).clone();
        tokens.extend([between, Token::Literal(other)]);
    }
    if random.below(3) > 0 {
        tokens.insert(0, Token::Many);
    }
    if random.below(3) > 0 {
        tokens.push(Token::Many);
    }
    Glob { tokens, cased }
}

fn matcher(random: &mut Maker) -> Matcher {
    match random.below(24) {
        0 => Matcher::Null,
        1 => Matcher::Exists(random.below(2) == 0),
        2 => Matcher::Bool(true),
        3 => Matcher::Equals(12345.0),
        4 => Matcher::Gt(1.0),
        5 => {
            let prefix = *random.pick(&[0, 8, 20, 24, 31, 32]);
            Matcher::Cidr { network: "198.51.100.7".parse().unwrap(), prefix }
        }
        6 => Matcher::FieldRef(FieldRef {
            field: Field::Record((*random.pick(FIELDS)).into()),
            relation: Relation::Contains,
            cased: false,
        }),
        7 | 8 => {
            let pattern = *random.pick(&[
                "kiosk",
                "^aws-cli/[0-9.]+ (kali|parrot)",
                "(Delete|Stop)Trail$",
                "Access.?Denied",
                "kiosk-?linux|guardduty",
                "12345",
                r"198\.51\.100\.\d+",
                "(ki)+osk",
            ]);
            let ignore_case = random.below(2) == 0;
            let flags = RegexFlags { ignore_case, ..RegexFlags::default() };
            Matcher::Regex(Regex::new(pattern, flags).unwrap())
        }
        _ => Matcher::Text(glob(random)),
    }
}

fn item(random: &mut Maker) -> Expr {
    let field = match random.below(8) {
        0 => Field::Keyword,
        _ => Field::Record(Path::from(*random.pick(FIELDS))),
    };
    let matchers = (0..random.below(3) + 1).map(|_| matcher(random)).collect();
    let (all, negated) = (random.below(5) == 0, random.below(10) == 0);
    Expr::Item(Item { field, matchers, all, negated })
}

fn expression(random: &mut Maker, depth: usize) -> Expr {
    if depth == 0 {
        return item(random);
    }
    let mut list = |most: usize| {
        (0..random.below(most) + 1).map(|_| expression(random, depth - 1)).collect::<Vec<_>>()
    };
    let (two, three) = (list(2), list(3));
    match random.below(8) {
        0 | 1 => Expr::And(two),
        2 | 3 => Expr::Or(three),
        4 => Expr::NOf(random.below(3) as u64, three),
        5 => Expr::And(vec![two[0].clone(), Expr::Not(Box::new(three[0].clone()))]),
        _ => two[0].clone(),
    }
}

/// Rules of any condition, in the place of one of the pack's.
fn rules(random: &mut Maker) -> Vec<Rule> {
    let builtin = builtin_pack();
    let rule = builtin.rules.iter().find(|rule| !rule.internal && rule.new_terms.is_none());
    (0..random.below(3) + 1)
        .map(|number| {
            let mut rule = rule.unwrap().clone();
            rule.about.slug = format!("rule-{number}").into();
            rule.about.id = format!("id-{number}").into();
            rule.derived_condition = None;
            rule.severity.clear();
            // A rule without a witness has all others evaluated, too: few are enough.
            let any = random.below(16) == 0;
            loop {
                let depth = random.below(3);
                rule.condition = expression(random, depth);
                find_witness(&mut rule);
                if any || rule.witness() != Witness::None {
                    return rule;
                }
            }
        })
        .collect()
}

/// A text of those that rules look for, or one that looks like it.
fn text(random: &mut Maker) -> String {
    let text = random.text();
    match random.below(8) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        2 => text.replace(['k', 'K'], "\u{212a}"),
        3 => format!("{text} and {}", random.text()),
        4 => format!("x{text}"),
        _ => text.to_owned(),
    }
}

fn value(random: &mut Maker) -> Value {
    match random.below(8) {
        0 => json!([text(random), [text(random)]]),
        1 => serde_json::from_str(*random.pick::<&str>(&["12345", "1.2345e4", "1.50", "1e999"]))
            .unwrap_or(Value::Null),
        2 => (random.below(2) == 0).into(),
        3 => Value::Null,
        _ => text(random).into(),
    }
}

/// A container as it is, or as JSON in text.
fn container(value: Value, random: &mut Maker) -> Value {
    match random.below(4) {
        0 => value.to_string().into(),
        1 => {
            let mut text = String::new();
            written(&value, random, &mut text);
            text.into()
        }
        _ => value,
    }
}

/// A record with values that rules look for, in any form.
fn record(random: &mut Maker) -> Value {
    let request = json!({
        "name": value(random), "count": value(random),
        "items": [{"id": value(random)}, {"id": value(random)}],
    });
    let issuer = json!({"userName": value(random)});
    let identity = json!({
        "type": value(random), "arn": value(random), "sessionContext": {"sessionIssuer": issuer},
    });
    let plain = |random: &mut Maker| {
        json!({
            "eventVersion": "1.09",
            "eventTime": "2026-05-04T03:02:01Z",
            "eventName": text(random),
            "eventSource": text(random),
            "eventID": "1",
            "awsRegion": value(random),
            "errorCode": value(random),
            "sourceIPAddress": value(random),
            "userAgent": value(random),
            "userIdentity": container(identity.clone(), random),
            "recipientAccountId": "111122223333",
            "requestParameters": container(request.clone(), random),
            "responseElements": {"state": value(random)},
            "additionalEventData": {"MFAUsed": value(random)},
        })
    };
    let in_text = |random: &mut Maker| -> Value {
        let (a, b) = (text(random), text(random));
        format!("{{name={a}, items=[{{id={b}}}], count=null}}").into()
    };
    match random.below(8) {
        0 => json!({
            "class_uid": 6003,
            "api": {
                "operation": text(random), "service": {"name": text(random)},
                "request": {"data": request}, "response": {"error": value(random)},
            },
            "status_id": random.below(3), "cloud": {"region": value(random)},
            "actor": {
                "user": {"type": value(random), "uid": text(random)},
                "session": {"issuer": text(random), "is_mfa": "true"},
            },
            "src_endpoint": {"ip": value(random)}, "http_request": {"user_agent": value(random)},
            "unmapped": {"responseElements.state": value(random)},
        }),
        1 => json!({
            "api.operation": text(random), "api.service.name": text(random), "status": "failure",
            "http_request.user_agent": value(random),
        }),
        2 => json!({
            "event": {
                "action": text(random), "provider": "kms.amazonaws.com",
                "outcome": random.pick(&["failure", "success"]),
            },
            "user_agent": {"original": value(random)}, "source.ip": value(random),
            "aws": {"cloudtrail": {
                "request_parameters": in_text(random), "error_code": value(random),
                "user_identity": {"type": value(random), "arn": value(random)},
                "console_login": {"additional_eventdata": {"mfa_used": random.below(2) == 0}},
            }},
        }),
        3 => json!({
            "event.action": text(random), "event.provider": "kms.amazonaws.com",
            "user_agent.original": value(random), "cloud.region": value(random),
        }),
        4 => json!({
            "eventname": text(random), "eventsource": text(random), "eventtime": "2026-05-04 03:02:01",
            "useridentity": "{type=Root, arn=arn:aws:iam::111122223333:role/Kiosk/Admin's}",
            "useragent": value(random), "awsregion": value(random),
            "requestparameters": in_text(random),
        }),
        5 => json!([
            {"eventName": text(random)}, {"eventSource": text(random)},
            {"recipientAccountId": "111122223333"}, {"userAgent": value(random)},
        ]),
        _ => plain(random),
    }
}

fn open(rules: &[Rule]) -> Detector {
    let pack = Pack { rules: rules.to_vec(), ..Pack::default() };
    let settings = r#"{"record_at":["*"]}"#;
    Detector::with_pack(Arc::new(pack), settings).expect("the settings are right")
}

fn slugs(findings: impl IntoIterator<Item = Finding>) -> Vec<String> {
    findings.into_iter().map(|finding| finding.rule.to_string()).collect()
}

#[test]
fn a_text_is_found_however_it_is_written() {
    let mut rule = rules(&mut Maker::new(1)).remove(0);
    let tokens = vec![Token::Many, Token::Literal("kiosk-7 li".into()), Token::Many];
    rule.condition = Expr::Item(Item {
        field: Field::Record("requestParameters.name".into()),
        matchers: vec![Matcher::Text(Glob { tokens, cased: false })],
        all: false,
        negated: false,
    });
    find_witness(&mut rule);
    assert_eq!(rule.texts, ["kiosk-7 li"]);
    for (name, found) in [
        ("a Kiosk-7 Link", true),
        ("Kiosk\\u002d7 link", true),
        ("kiosk-\\u0037 link", true),
        ("\u{212a}iosk-7 link", true),
        ("\\u212Aiosk-7 link", true),
        ("kiosk-7 l\u{130}nk", true),
        ("kiosk-7 l\\u0130nk", true),
        ("\\u006biosk-7 link", true),
        ("kiosk+7 link \\u0026 \\u003c \u{e4}", false),
    ] {
        let record = |request: &str| {
            format!(
                r#"{{"eventVersion":"1.09","eventTime":"2026-05-04T03:02:01Z","eventName":"x","eventSource":"y","recipientAccountId":"111122223333","requestParameters":{request}}}"#
            )
        };
        let request = format!(r#"{{"name":"{name}"}}"#);
        let in_text = Value::from(request.clone()).to_string();
        let records = [record(&request), record(&in_text)];
        let wrapped = records.clone().map(|record| json!({ "message": record }).to_string());
        for event in records.into_iter().chain(wrapped) {
            let rules = [rule.clone()];
            let findings = open(&rules).detect(event.as_bytes()).unwrap();
            assert_eq!(findings.len(), usize::from(found), "{event}");
            assert_eq!(open(&rules).detect_batch(event.as_bytes()).findings.len(), findings.len());
            assert_eq!(open(&rules).may_match(event.as_bytes()), found, "{event}");
            assert_eq!(open(&rules).screen(event.as_bytes()).spans.len(), findings.len());
        }
    }
}

#[test]
fn no_record_is_rejected_that_a_rule_matches() {
    let (mut matched, mut rejected, mut texts) = (0, 0, 0);
    for seed in 0..20_000 {
        let mut random = Maker::new(seed);
        let rules = rules(&mut random);
        let witnessed = rules.iter().all(|rule| rule.witness() != Witness::None);
        texts += usize::from(witnessed && rules.iter().any(|rule| !rule.texts.is_empty()));
        let evaluated: Vec<Rule> = rules
            .iter()
            .cloned()
            .map(|rule| Rule {
                event_names: Vec::new(),
                verbatim: Vec::new(),
                texts: Vec::new(),
                ..rule
            })
            .collect();
        let record = record(&mut random);
        let envelope = match random.below(2) {
            0 => record,
            _ => random.pick(&envelopes(&record)).1.clone(),
        };
        let mut event = String::new();
        match random.below(3) {
            0 => written(&envelope, &mut random, &mut event),
            _ => event = envelope.to_string(),
        }
        let mut tape = Tape::default();
        tape.parse(&event).unwrap();
        let expected = slugs(open(&evaluated).detect_parsed(Parsed::root(&tape, &event)));
        let about = || {
            let witnesses: Vec<_> = rules.iter().map(|it| it.witness().to_string()).collect();
            format!("{seed}: {event}\n{witnesses:#?}\n{rules:#?}")
        };
        // What is no record may name an event that a rule wants, which is told.
        let found = open(&rules).detect(event.as_bytes()).unwrap_or_default();
        assert_eq!(slugs(found), expected, "{}", about());
        assert_eq!(
            slugs(open(&rules).detect_parsed(Parsed::root(&tape, &event))),
            expected,
            "{}",
            about()
        );
        let line = event.replace(['\n', '\r'], " ");
        let batch = open(&rules).detect_batch(format!("{line}\n{{}}\n{line}\n").as_bytes());
        let found = batch.findings.into_iter().filter(|found| found.place.line == 1);
        assert_eq!(slugs(found.map(|found| found.finding)), expected, "{}", about());
        let candidate = !open(&rules).screen(line.as_bytes()).spans.is_empty();
        if expected.is_empty() {
            rejected += usize::from(!candidate);
        } else {
            matched += usize::from(witnessed);
            assert!(candidate, "{}", about());
            assert!(open(&rules).may_match(event.as_bytes()), "{}", about());
        }
    }
    assert!(matched > 1500, "{matched}");
    assert!(rejected > 2000, "{rejected}");
    assert!(texts > 8000, "{texts}");
}
