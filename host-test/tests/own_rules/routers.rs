//! The user's rules in the routers themselves. The modules have the names of the groups in `xtask/src/needs.rs`.

mod fluent_bit_router {
    use std::collections::BTreeSet;

    use crate::fluent_bit_lab::{CONFIGURATIONS, Pipeline, fluent_bit};
    use crate::own_rules::{SLUG, lines, starter};

    #[test]
    #[ignore = "needs Fluent Bit: FLUENT_BIT, or `fluent-bit` on the path"]
    fn it_finds_with_own_rules_what_scan_finds() {
        let program = fluent_bit();
        let sandbox = starter();
        let lines = lines(&sandbox);
        for name in CONFIGURATIONS {
            let pipeline = Pipeline::with_rules(&program, name, &lines, &sandbox.path("mine"));
            let expected: BTreeSet<String> = pipeline.scanned().into_iter().collect();
            assert!(expected.iter().any(|finding| finding.contains(SLUG)), "{expected:?}");
            let mut running = pipeline.start();
            pipeline.wait(&mut running, lines.len(), expected.len());
            running.stop();
            let found: BTreeSet<String> =
                pipeline.findings("findings.ndjson").into_iter().collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}

mod vector_router {
    use std::collections::BTreeSet;

    use crate::own_rules::{SLUG, lines, starter};
    use crate::vector_lab::{Lab, Loop, Side, vector};

    #[test]
    #[ignore = "needs Vector: VECTOR, or `vector` on the path"]
    fn it_finds_with_own_rules_what_scan_finds() {
        let vector = vector();
        let sandbox = starter();
        let lines = lines(&sandbox);
        for kind in [Loop::Tap, Loop::Annotate] {
            let mut lab = Lab::with_rules(kind, &lines, &sandbox.path("mine"));
            assert!(lab.expected.values().any(|finding| finding["rule"] == SLUG));
            lab.start(Side::Orgwatch, &vector);
            lab.start(Side::Vector, &vector);
            std::thread::sleep(std::time::Duration::from_secs(2));
            lab.append(&lines[3].replace("7a02", "7a03"));
            lab.wait();
            let found: BTreeSet<String> = lab.findings().into_keys().collect();
            assert_eq!(found, lab.expected.keys().cloned().collect(), "{kind:?}");
        }
    }
}
