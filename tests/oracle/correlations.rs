//! Correlations beside the oracle, on streams in the order of time: the same correlations fire at the same events.

use std::collections::BTreeSet;
use std::sync::Arc;

use orgwatch::detector::Detector;
use orgwatch_sigma::compile::{Attack, Options, RuleFile, compile};
use rsigma_eval::{CorrelationConfig, CorrelationEngine};
use serde_json::{Value as Json, json};

use super::*;

const RULES: usize = 3;

/// Rules that match one event name each, and a correlation of each kind with what the random numbers say. The
/// oracle takes a temporal correlation without a condition for one that a single rule completes, so it is
/// given the number of its rules; ours must have all.
fn yaml(random: &mut Random, for_oracle: bool) -> String {
    let mut text = String::new();
    for n in 0..RULES {
        text += &format!(
            "title: rule {n}\nname: rule_{n}\nid: 11111111-1111-4111-8111-11111111111{n}\nlevel: low\n\
             logsource: {{product: aws, service: cloudtrail}}\n\
             detection:\n  condition: s\n  s:\n    eventName: Name{n}\n---\n"
        );
    }
    let kinds = ["event_count", "value_count", "temporal", "temporal_ordered"];
    for (n, kind) in kinds.into_iter().enumerate() {
        let rules: Vec<String> = match random.below(3) {
            0 if n < 2 => vec![format!("rule_{}", random.below(RULES))],
            1 => vec!["rule_0".into(), "rule_2".into()],
            _ => (0..RULES).map(|n| format!("rule_{n}")).collect(),
        };
        let least = 1 + random.below(4);
        let condition = match n {
            0 => format!("\n  condition: {{gte: {least}}}"),
            1 => format!("\n  condition: {{gte: {least}, field: userAgent}}"),
            _ if for_oracle => format!("\n  condition: {{gte: {}}}", rules.len()),
            _ => String::new(),
        };
        let group =
            *random.pick(&["[recipientAccountId]", "[recipientAccountId, sourceIPAddress]"]);
        text += &format!(
            "title: chain {n}\nname: chain_{n}\nid: 22222222-2222-4222-8222-22222222222{n}\n\
             level: high\ncorrelation:\n  type: {kind}\n  rules: [{}]\n  group-by: {group}\n  \
             timespan: {}m{condition}\n  generate: true\n---\n",
            rules.join(", "),
            1 + random.below(10),
        );
    }
    text.trim_end_matches("---\n").to_owned()
}

/// Events in the order of time, each a second or more after the one before.
fn stream(random: &mut Random) -> Vec<Json> {
    let mut seconds = 0;
    (0..40)
        .map(|n| {
            seconds += 1 + random.below(90);
            let (minute, second) = (seconds / 60, seconds % 60);
            let time = format!("2026-06-01T{:02}:{:02}:{second:02}Z", minute / 60, minute % 60);
            json!({
                "eventVersion": "1.09", "eventID": format!("event-{n}"), "eventTime": time,
                "eventSource": "ec2.amazonaws.com",
                "eventName": format!("Name{}", random.below(RULES + 1)),
                "recipientAccountId": *random.pick(&["111122223333", "444455556666"]),
                "sourceIPAddress": *random.pick(&["198.51.100.7", "198.51.100.8"]),
                "userAgent": *random.pick(&["a", "b", "c", "d"]),
                "userIdentity": {"type": "IAMUser", "userName": "alice"},
            })
        })
        .collect()
}

#[test]
fn correlations_agree_with_the_oracle() {
    let (mut fired, mut compared) = (BTreeSet::new(), 0);
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let of_oracle = yaml(&mut Random::new(seed), true);
        let yaml = yaml(&mut random, false);
        let file = RuleFile { path: "g/r.yml".into(), yaml: yaml.clone() };
        let compiled = compile(&[file], &Attack::known(), &Options::default());
        assert_eq!(compiled.refusals, [], "{yaml}");
        let pack = Arc::new(compiled.pack);
        let mut ours = Detector::with_pack(Arc::clone(&pack), "{}").unwrap();
        let config = CorrelationConfig {
            timestamp_fields: vec!["eventTime".into()],
            ..CorrelationConfig::default()
        };
        let mut theirs = CorrelationEngine::new(config);
        theirs.add_collection(&rsigma_parser::parse_sigma_yaml(&of_oracle).unwrap()).unwrap();
        let mut history = String::new();
        let (_, ordered) = yaml.split_once("title: chain 3").unwrap();
        let last = ordered.split_once(']').unwrap().0.chars().last().unwrap();
        for event in stream(&mut random) {
            for key in ["eventTime", "eventName", "recipientAccountId", "sourceIPAddress"] {
                history += event[key].as_str().unwrap();
                history.push(' ');
            }
            history.push('\n');
            let mut expected: BTreeSet<String> = theirs
                .process_event(&JsonEvent::borrow(&event))
                .into_iter()
                .filter(|result| result.is_correlation())
                .map(|result| result.header.rule_title.replace(' ', "-"))
                .collect();
            // An ordered one is complete at an event of its last rule. The oracle gives it again at each event
            // of the others, as long as all are in the window.
            if event["eventName"] != format!("Name{last}") {
                expected.remove("chain-3");
            }
            let found = ours.detect(event.to_string().as_bytes()).unwrap();
            let got: BTreeSet<String> = found
                .iter()
                .map(|finding| finding.rule.replace('_', "-"))
                .filter(|rule| rule.starts_with("chain"))
                .collect();
            assert_eq!(got, expected, "seed {seed}:\n{history}{yaml}");
            fired.extend(got);
            compared += 1;
        }
    }
    println!("{compared} events compared");
    assert_eq!(fired.len(), 4, "{fired:?}");
}
