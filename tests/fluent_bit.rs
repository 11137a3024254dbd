//! The module for Fluent Bit finds what the component finds, and no input makes it trap.

use std::fmt::Write as _;
use std::fs;

use orgwatch::json::{Kind, Tape, Value as JsonValue};
use orgwatch_host::plugin::{Artifact, Options, Plugin};
use serde_json::{Value, json};
use wasmtime::Config;

use crate::fluent_bit_module::{Filter, bytes, compile, module};
use crate::support;

/// The text spliced into a record in front of its last brace: the findings and the severity.
fn spliced(record: &[u8], annotated: &[u8]) -> Value {
    let close = record.iter().rposition(|byte| *byte == b'}').expect("it is an object");
    let tail = record.len() - close;
    assert_eq!(annotated[..close], record[..close], "all else is as it came");
    assert_eq!(annotated[annotated.len() - tail..], record[close..], "all else is as it came");
    let added = String::from_utf8_lossy(&annotated[close..annotated.len() - tail]).into_owned();
    serde_json::from_str(&format!("{{{}}}", added.trim_start_matches(','))).unwrap()
}

/// A finding without the artifact, which is another in each shape.
fn public(mut finding: Value) -> Value {
    finding.as_object_mut().unwrap().remove("artifact");
    finding
}

#[test]
fn every_case_gives_what_the_component_finds() {
    let artifact = Artifact::find(None).expect("cargo xtask test builds the component first");
    let plugin = Plugin::load(artifact.bytes(), &Options::default()).expect("the component loads");
    let mut total = 0;
    for case in support::cases() {
        let batch = plugin.open(&case.settings).unwrap().detect_batch(&case.events).unwrap();
        let mut filter = Filter::new(&case.settings);
        for (number, record) in case.events.split(|byte| *byte == b'\n').enumerate() {
            let found = batch.findings.iter().filter(|located| {
                located.place.line as usize == number + 1 && !located.finding.repeat
            });
            let found: Vec<_> = found.map(|located| &located.finding).collect();
            let answer = filter.filter(record);
            let place = format!("{}:{}", case.name, number + 1);
            let renamed = String::from_utf8_lossy(record)
                .replace(r#""orgwatch":"#, r#""orgwatch_original":"#)
                .into_bytes();
            // Fluent Bit has no record that is not an object.
            if found.is_empty() || !record.trim_ascii().starts_with(b"{") {
                assert!(
                    answer.is_none_or(|answer| answer == renamed && renamed != record),
                    "{place}"
                );
                continue;
            }
            let mut added = spliced(&renamed, &answer.expect(&place));
            let severity = found.iter().map(|finding| finding.severity).max();
            assert_eq!(added["orgwatch_severity"], json!(severity), "{place}");
            let findings = added["orgwatch"].take();
            let ours: Vec<_> = findings.as_array().unwrap().iter().cloned().map(public).collect();
            let theirs: Vec<_> = found.iter().map(|finding| public(json!(finding))).collect();
            assert_eq!(ours, theirs, "{place}");
            total += ours.len();
        }
    }
    assert!(total > 300, "the cases are there");
    println!("{total} findings");
}

const LEFT: &str = r#"{"eventSource":"organizations.amazonaws.com","eventName":"LeaveOrganization","eventTime":"2026-06-01T12:00:00Z","eventID":"00000000","recipientAccountId":"444455556666"}"#;

fn left(id: usize) -> String {
    LEFT.replace("00000000", &format!("{id:08}"))
}

#[test]
fn nothing_that_arrives_makes_it_trap_or_lose_the_record() {
    let deep = |open: &str, close: &str, depth| open.repeat(depth) + "1" + &close.repeat(depth);
    let big = "x".repeat(1 << 20);
    let mut records: Vec<Vec<u8>> =
        ["", "\0", "{}", "[]", "null", "{", "}", "\"", "\\", "{\"a\":1}\0{\"b\":2}"]
            .map(|text| text.as_bytes().to_vec())
            .to_vec();
    for depth in [100, 999, 1000, 10_000] {
        for nested in [deep("[", "]", depth), deep("{\"a\":", "}", depth), "[".repeat(depth)] {
            records.push(nested.clone().into_bytes());
            records.push(format!(r#"{{"requestParameters":{nested},{}"#, &left(depth)[1..]).into());
            records.push(format!(r#"{{"eventName":{nested}}}"#).into());
        }
    }
    for hostile in [&big, "\\u0041", "\\ud800", "\\\"", "\u{212a}", "\u{0}", "%s%n", "orgwatch"] {
        for key in ["userAgent", "eventID", "eventTime", "sourceIPAddress", "orgwatch", "message"] {
            records.push(format!(r#"{{"{key}":"{hostile}",{}"#, &left(1)[1..]).into());
            records.push(format!(r#"{{{},"{hostile}":1}}"#, &left(2)[1..LEFT.len() - 1]).into());
        }
    }
    let whole = left(3).into_bytes();
    records.extend((0..whole.len()).map(|end| whole[..end].to_vec()));
    for at in 0..whole.len() {
        for byte in [0, b'"', b'\\', b'{', 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] = byte;
            records.push(damaged);
        }
    }
    records.push(vec![0xff; 1 << 20]);
    records.push(format!("{{{}}}", vec![r#""orgwatch":1"#; 50_000].join(",")).into());

    let mut filter = Filter::new("{}");
    for record in &records {
        // The length as Fluent Bit measures it, with all bytes.
        let measured = record.split(|byte| *byte == 0).next().unwrap();
        for record in [measured, record] {
            if let Some(answer) = filter.filter(record) {
                // Not by serde_json, which goes no deeper than 128.
                let (mut tape, answer) = (Tape::default(), std::str::from_utf8(&answer).unwrap());
                assert_eq!(tape.parse(answer), Ok(()), "{answer}");
                assert_eq!(JsonValue::root(&tape, answer).kind(), Kind::Object);
            }
        }
    }
    assert!(filter.filter(left(99_999).as_bytes()).is_some(), "and it goes on");
}

#[test]
fn a_key_of_ours_that_arrives_is_given_another_name() {
    let mut filter = Filter::new("{}");
    for (arrives, leaves) in [
        (
            r#"{"eventName":"GetRole","orgwatch":[1]}"#,
            r#"{"eventName":"GetRole","orgwatch_original":[1]}"#,
        ),
        (r#"{"orgwatch_severity":"critical"}"#, r#"{"orgwatch_severity_original":"critical"}"#),
    ] {
        assert_eq!(filter.filter(arrives.as_bytes()), Some(leaves.into()), "{arrives}");
    }
    for same in [r#"{"log":"\"orgwatch\":1"}"#, r#"{"a":{"orgwatch":1}}"#, r#"{"orgwatched":1}"#] {
        assert_eq!(filter.filter(same.as_bytes()), None, "{same}");
    }
    let forged = left(1).replace('{', r#"{"orgwatch":[],"#);
    let answer: Value = serde_json::from_slice(&filter.filter(forged.as_bytes()).unwrap()).unwrap();
    assert_eq!(answer["orgwatch_original"], json!([]));
    assert_eq!(answer["orgwatch"][0]["rule"], "member-left-organization");
    assert_eq!(filter.counters()["keys_renamed"], 3);
}

/// WAMR's stack is small by default, and a call that overflows it loses its record: it must not lose
/// the ones after it too. Here the stack is the machine's, and overflows as WAMR's does, where a
/// function begins.
#[test]
fn a_stack_that_is_too_small_loses_no_other_records() {
    let noise = r#"{"eventSource":"iam.amazonaws.com","eventName":"GetRole","eventID":"1"}"#;
    let mut outcomes = Vec::new();
    for size in (1..).map(|n| 1024 + 512 * n) {
        let mut filter = Filter::of(&compile(Config::new().max_wasm_stack(size)));
        let (mut trapped, mut found) = (0, 0);
        for id in 0..20 {
            match filter.try_filter(left(id).as_bytes()) {
                Ok(Some(answer)) if answer.starts_with(b"{\"orgwatch_error\":") => {}
                Ok(Some(answer)) => {
                    found += u32::from(spliced(left(id).as_bytes(), &answer) != json!({}))
                }
                Ok(None) => {}
                Err(_) => trapped += 1,
            }
            // The first call opens the filter: when that traps, the next must not try again, and say so.
            let noise = filter.filter(noise.as_bytes());
            let marked = |record: Vec<u8>| record.starts_with(b"{\"orgwatch_error\":");
            assert!(noise.is_none_or(marked), "{size} bytes");
        }
        outcomes.push((trapped, found));
        if found == 20 {
            break;
        }
    }
    println!("{outcomes:?}");
    assert!(outcomes.contains(&(1, 0)), "opening traps once: {outcomes:?}");
    assert_eq!(outcomes.last(), Some(&(0, 20)));
}

#[test]
fn its_memory_is_flat_once_the_caps_are_reached() {
    let caps =
        json!({"memory": {"events": 100, "terms": 20, "steps": 20, "policies": 3, "alerts": 20}});
    let mut filter = Filter::new(&caps.to_string());
    let noise: Vec<String> = fs::read_to_string(support::root().join("samples/incident.ndjson"))
        .unwrap()
        .lines()
        .filter(|line| line.contains(r#""Describe"#) || line.contains("Decrypt"))
        .map(Into::into)
        .collect();
    // Every case's records, each time as another event.
    let texts: Vec<_> = support::case_records().into_iter().filter(Value::is_object).collect();
    let mut early = 0;
    let mut text = String::new();
    for n in 0..1_000_000_usize {
        if n % 40 == 0 {
            let mut record = texts[n / 40 % texts.len()].clone();
            record["eventID"] = json!(format!("event-{n:012}"));
            let (hour, minute) = (n / 60_000 % 24, n / 1000 % 60);
            record["eventTime"] =
                json!(format!("2026-06-01T{hour:02}:{minute:02}:{:02}Z", n / 17 % 60));
            text.clear();
            write!(text, "{record}").unwrap();
            filter.filter(text.as_bytes());
        } else {
            filter.filter(noise[n % noise.len()].as_bytes());
        }
        if n == 200_000 {
            early = filter.memory.size(&filter.store);
        }
    }
    let counters = filter.counters();
    // Freed memory may be too small for the next piece: some pages more, but not one for each of thousands of findings.
    let late = filter.memory.size(&filter.store);
    assert!(late <= early + 8, "{early} pages, then {late}: {counters}");
    assert!(counters["annotated"].as_u64() > Some(10_000), "{counters}");
    assert!(counters["memory_evicted"].as_u64() > Some(10_000), "{counters}");
    assert_eq!(counters["memory_events"], 100, "{counters}");
    println!("{early} pages, then {late}: {counters}");
}

/// The features of Fluent Bit's WAMR: no SIMD, no threads, no newer proposals. And it is given
/// nothing to import.
#[test]
fn it_asks_for_no_more_than_fluent_bit_has() {
    use wasmparser::{Validator, WasmFeatures as Features};
    let features = Features::WASM1
        | Features::SIGN_EXTENSION
        | Features::SATURATING_FLOAT_TO_INT
        | Features::MULTI_VALUE
        | Features::BULK_MEMORY
        | Features::REFERENCE_TYPES;
    Validator::new_with_features(features).validate_all(&bytes()).unwrap();
    assert_eq!(module().imports().map(|import| import.name().to_owned()).next(), None);
    let exports: Vec<_> = module().exports().map(|export| export.name().to_owned()).collect();
    for name in ["memory", "orgwatch", "malloc", "free", "orgwatch_counters"] {
        assert!(exports.contains(&name.to_owned()), "{exports:?}");
    }
    let artifact = Artifact::find(None).unwrap();
    assert!(Validator::new_with_features(features).validate_all(artifact.bytes()).is_err());
}
