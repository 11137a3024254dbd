//! The configurations of `fluent-bit-config/`, without a Fluent Bit: the keys that they use, and the
//! rule of the tap.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::fluent_bit_lab::{CONFIGURATIONS, configuration, orgwatch};

#[test]
fn the_tap_has_the_rule_of_this_pack() {
    let printed = orgwatch(&["router", "fluent-bit"]);
    assert!(
        configuration("tap.yaml").contains(&printed),
        "put what `orgwatch router fluent-bit` prints into fluent-bit-config/tap.yaml:\n{printed}"
    );
}

/// The keys that the configurations use of each plugin, as Fluent Bit's documentation has them: one
/// that it does not know is an error at its start, or nothing at all.
const KEYS: &[(&str, &[&str])] = &[
    (
        "tail",
        &[
            "tag",
            "path",
            "key",
            "parser",
            "read_from_head",
            "refresh_interval",
            "db",
            "buffer_chunk_size",
            "buffer_max_size",
            "skip_long_lines",
            "storage.type",
        ],
    ),
    ("wasm", &["match", "wasm_path", "function_name", "wasm_stack_size", "wasm_heap_size"]),
    ("grep", &["match", "logical_op", "regex"]),
    ("parser", &["match", "key_name", "parser"]),
    ("file", &["match", "path", "file", "format", "mkdir", "retry_limit"]),
    ("stdout", &["match", "format", "processors"]),
    ("http", &["match", "host", "port", "uri", "tls", "format", "retry_limit"]),
];

#[test]
fn configurations_use_keys_that_there_are() {
    for name in CONFIGURATIONS {
        // Examples in comments are checked, too.
        let text = configuration(name).replace("    # - ", "    - ").replace("    #   ", "      ");
        let all: Value = yaml_serde::from_str(&text).unwrap();
        let mut seen = BTreeSet::new();
        for list in ["inputs", "filters", "outputs"] {
            for plugin in all["pipeline"][list].as_array().unwrap() {
                let plugin = plugin.as_object().unwrap();
                let kind = plugin["name"].as_str().unwrap();
                let (_, keys) = KEYS.iter().find(|(known, _)| *known == kind).unwrap();
                for key in plugin.keys().filter(|key| *key != "name") {
                    assert!(keys.contains(&key.as_str()), "{name}: {kind} has no {key}");
                }
                seen.insert(kind.to_owned());
                if kind == "wasm" {
                    assert_eq!(plugin["function_name"], "orgwatch");
                }
            }
        }
        for kind in ["tail", "wasm", "file", "stdout", "http"] {
            assert!(seen.contains(kind), "{name}: {kind}");
        }
        let variables = text.split("${").skip(1);
        let used: BTreeSet<&str> = variables.filter_map(|rest| rest.split('}').next()).collect();
        let set: BTreeSet<&str> =
            all["env"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(used, set, "{name}");
    }
}

/// Every event that the pack names passes the rule, however it is wrapped; no other does.
#[test]
fn the_rule_takes_names_in_every_wrapping() {
    let printed = orgwatch(&["router", "fluent-bit"]);
    let rule: Value = yaml_serde::from_str(&printed).unwrap();
    let own = rule[0]["regex"][0].as_str().unwrap().strip_prefix("message ").unwrap();
    let expression = regex::Regex::new(own).unwrap();
    // The other rule leaves out lines that begin with a record, by a look ahead, which is tried in Fluent Bit.
    let other = rule[0]["regex"][1].as_str().unwrap().split_once(".*?").unwrap().1;
    let other_expression = regex::Regex::new(other).unwrap();
    let pack = orgwatch::rules::builtin_pack();
    for name in &pack.event_names {
        let rare = pack.rare_names();
        let rare = rare.iter().find(|(rare, _)| rare.eq_ignore_ascii_case(name));
        let text = rare.and_then(|(_, texts)| texts.first()).copied().unwrap_or_default();
        if rare.is_some() {
            let line = json!({ "eventName": name, "roleArn": "Reader" }).to_string();
            assert!(!expression.is_match(&line), "{line}");
        }
        let record = json!({ "eventName": name, "roleArn": text }).to_string();
        let once = json!({ "message": record }).to_string();
        let twice = json!({ "logEvents": [{ "message": once }] }).to_string();
        let spaced = format!("{{ \"eventName\" : \"{name}\", \"roleArn\": \"{text}\" }}");
        for line in [&record, &once, &twice, &spaced] {
            assert!(expression.is_match(line), "{line}");
        }
        for line in [
            json!({ "event": { "action": name }, "role": text }),
            json!({ "event.action": [name], "role": text }),
            json!({ "api": { "operation": name }, "role": text }),
            json!({ "eventname": name, "role": text }),
        ] {
            assert!(other_expression.is_match(&line.to_string()), "{line}");
        }
        for other in [format!("{name}X"), format!("X{name}"), name[1..].to_owned()] {
            let line = json!({ "eventName": other, "roleArn": text }).to_string();
            let named = orgwatch::rules::builtin_pack().event_names.contains(&other);
            assert!(named || !expression.is_match(&line), "{line}");
        }
    }
}
