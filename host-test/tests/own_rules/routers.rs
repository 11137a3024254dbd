//! The user's rules in the routers themselves. The modules have the names of the groups in `xtask/src/needs.rs`.

mod fluent_bit_router {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use crate::fluent_bit_lab::{CONFIGURATIONS, Pipeline, fluent_bit};
    use crate::own_rules::{SLUG, given};

    #[test]
    #[ignore = "needs Fluent Bit: FLUENT_BIT, or `fluent-bit` on the path"]
    fn it_finds_with_own_rules_what_scan_finds() {
        let program = fluent_bit();
        let given = given();
        for name in CONFIGURATIONS {
            let pipeline = Pipeline::with_rules(&program, name, &given.lines, &given.rules);
            let expected: BTreeSet<String> = pipeline.scanned().into_iter().collect();
            let fires = expected.iter().any(|finding| finding.contains(SLUG));
            assert!(fires || given.sandbox.is_none(), "{expected:?}");
            let mut running = pipeline.start();
            // A record carries all findings of its event.
            let event_of = |finding: &String| {
                let finding: Value = serde_json::from_str(finding).unwrap();
                finding["events"].as_array().unwrap().last().cloned().unwrap().to_string()
            };
            let records: BTreeSet<String> = expected.iter().map(event_of).collect();
            pipeline.wait(&mut running, given.lines.len(), records.len());
            running.stop();
            let found: BTreeSet<String> =
                pipeline.findings("findings.ndjson").into_iter().collect();
            println!("{name}: {} findings of {} events", found.len(), given.lines.len());
            assert_eq!(found, expected, "{name}");
        }
    }
}

mod vector_router {
    use std::collections::BTreeSet;

    use crate::own_rules::{SLUG, given};
    use crate::vector_lab::{Lab, Loop, Side, vector};

    #[test]
    #[ignore = "needs Vector: VECTOR, or `vector` on the path"]
    fn it_finds_with_own_rules_what_scan_finds() {
        let vector = vector();
        let given = given();
        for kind in [Loop::Tap, Loop::Annotate] {
            let mut lab = Lab::with_rules(kind, &given.lines, &given.rules);
            let fires = lab.expected.values().any(|finding| finding["rule"] == SLUG);
            assert!(fires || given.sandbox.is_none());
            lab.start(Side::Orgwatch, &vector);
            lab.start(Side::Vector, &vector);
            if let Some(late) = &given.late {
                std::thread::sleep(std::time::Duration::from_secs(2));
                lab.append(late);
            }
            lab.wait();
            let found: BTreeSet<String> = lab.findings().into_keys().collect();
            println!("{kind:?}: {} findings of {} events", found.len(), given.lines.len());
            assert_eq!(found, lab.expected.keys().cloned().collect(), "{kind:?}");
        }
    }
}
