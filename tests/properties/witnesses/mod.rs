//! The prefilter and the index are sound for any rules: no record is rejected that a rule matches which is
//! evaluated on every record.

mod records;
mod rules;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use orgwatch::detector::Detector;
use orgwatch::finding::Finding;
use orgwatch::json::{Tape, Value as Parsed};
use orgwatch::rules::{Pack, Rule, Witness};
use orgwatch_sigma::compile::find_witness;
use orgwatch_sigma::{Expr, Field, Glob, Item, Matcher, Token};
use serde_json::{Value, json};

use self::records::record;
use self::rules::rules;
use crate::envelopes::{envelopes, written};
use crate::support::Random;

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
        let evaluated: Vec<Rule> = rules.iter().map(Rule::without_witness).collect();
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
