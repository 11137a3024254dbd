//! `rsigma-eval` evaluates the same rules, and must agree with our engine on every record of every
//! case and on thousands of records made from them by changing what rules look at; and on rules and correlations
//! made for the test.

mod support;

#[path = "oracle/correlations.rs"]
mod correlations;
#[path = "oracle/foreign.rs"]
mod foreign;
#[path = "oracle/generate.rs"]
mod generate;
#[path = "oracle/generated.rs"]
mod generated;
#[path = "oracle/modifiers.rs"]
mod modifiers;

use std::collections::BTreeSet;

use orgwatch::json::{ObjectIndex, Tape, Value};
use orgwatch::record::{EmbeddedJson, Ownership, Record};
use orgwatch::rules::{self, Context};
use rsigma_eval::Engine;
use rsigma_eval::event::JsonEvent;
use support::Random;

/// The slugs whose Sigma part matches, by the oracle.
fn theirs(engine: &Engine, record: &serde_json::Value) -> BTreeSet<String> {
    let pack = rules::builtin_pack();
    engine
        .evaluate(&JsonEvent::borrow(record))
        .into_iter()
        .filter_map(|result| {
            pack.rules
                .iter()
                .find(|rule| Some(rule.about.id.as_str()) == result.header.rule_id.as_deref())
        })
        .map(|rule| rule.about.slug.to_string())
        .collect()
}

/// The slugs whose Sigma part matches, by us.
fn ours(record: &serde_json::Value) -> BTreeSet<String> {
    let text = record.to_string();
    let mut tape = Tape::default();
    tape.parse(&text).expect("serde_json wrote it");
    let unfolded = EmbeddedJson::default();
    let ownership = Ownership::default();
    let fields = ObjectIndex::of(Value::root(&tape, &text));
    let record = Record::new(&fields, &unfolded);
    let context = Context::new(record, &ownership);
    rules::builtin_pack()
        .rules
        .iter()
        .filter(|rule| rules::holds(&rule.condition, &context))
        .map(|rule| rule.about.slug.to_string())
        .collect()
}

fn engine() -> Engine {
    let mut engine = Engine::new();
    for path in support::files("rules", "yml") {
        let collection = rsigma_parser::parse_sigma_file(&path).unwrap();
        engine.add_collection(&collection).unwrap();
    }
    engine
}

#[test]
fn the_oracle_agrees() {
    let engine = engine();
    let records: Vec<serde_json::Value> =
        support::case_records().into_iter().map(normalised).collect();
    let mut random = Random::new(7);
    let mut matched = BTreeSet::new();
    let mut compared = 0;
    for record in &records {
        let mut record = record.clone();
        for _ in 0..20 {
            let expected = theirs(&engine, &normalised(record.clone()));
            assert_eq!(ours(&record), expected, "{record:#}");
            matched.extend(expected);
            compared += 1;
            mutate(&mut record, &records, &mut random);
        }
    }
    println!("{compared} records compared, {} rules matched", matched.len());
    assert_eq!(matched.len(), rules::builtin_pack().rules.len(), "every rule matches some record");
}

/// The record as rules see it: containers that were JSON in text are read.
fn normalised(mut record: serde_json::Value) -> serde_json::Value {
    for (_, value) in record.as_object_mut().into_iter().flatten() {
        if let Some(inner) = value.as_str().filter(|text| text.starts_with('{'))
            && let Ok(inner) = serde_json::from_str(inner)
        {
            *value = inner;
        }
    }
    for error in ["errorCode", "errorMessage"] {
        if record
            .get(error)
            .is_some_and(|value| is_none(value) || value.is_array() || value.is_object())
        {
            record.as_object_mut().unwrap().remove(error);
        }
    }
    record
}

/// Whether an error spells success.
fn is_none(error: &serde_json::Value) -> bool {
    ["", "-", "200", "Success"].iter().any(|none| error == none)
}

/// Changes one thing that a rule may look at.
fn mutate(record: &mut serde_json::Value, others: &[serde_json::Value], random: &mut Random) {
    let other = random.pick(others);
    let fields = [
        "eventName",
        "eventSource",
        "errorCode",
        "errorMessage",
        "requestParameters",
        "responseElements",
        "serviceEventDetails",
        "sourceIPAddress",
        "userAgent",
        "userIdentity",
        "sessionCredentialFromConsole",
    ];
    let field = *random.pick(&fields);
    let value = match random.below(8) {
        0 => serde_json::Value::Null,
        1 => serde_json::json!(true),
        2 => serde_json::json!("TRUE"),
        3 => serde_json::json!([other.get(field), "203.0.113.5"]),
        4 => serde_json::json!(random.pick(&["", "-", "200", "Success"])),
        _ => match other.get(field) {
            Some(value) => value.clone(),
            None => {
                record.as_object_mut().map(|record| record.remove(field));
                return;
            }
        },
    };
    record[field] = value;
}
