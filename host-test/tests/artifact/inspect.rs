//! `orgwatch inspect`.

use serde_json::{Value, json};

use super::artifacts;
use crate::util::Sandbox;

#[test]
fn it_shows_all_that_an_artifact_says() {
    let sandbox = Sandbox::new();
    for (kind, bytes) in artifacts() {
        sandbox.file("a.wasm", &bytes);
        let ran = sandbox.run(&["inspect", "--json", "a.wasm"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let seen: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(seen["kind"], kind);
        assert_eq!(seen["ours"], true);
        assert_eq!(seen["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(seen["licenses"], "Apache-2.0");
        assert_eq!(seen["digest"], orgwatch_artifact::digest(&bytes));
        assert_eq!(seen["size"], bytes.len());
        assert_eq!(seen["imports"], json!([]));
        let world = (kind == "component").then_some("orgwatch:detector/plugin@1.0.0");
        assert_eq!(seen.get("world").and_then(Value::as_str), world);
        assert!(seen["build"]["rustc"].as_str().unwrap().starts_with("rustc 1."));
        assert!(seen["cases"].as_u64().unwrap() > 300);
        let rules = seen["pack"]["rules"].as_array().unwrap();
        let rule = rules.iter().find(|rule| rule["slug"] == "member-left-organization").unwrap();
        assert_eq!(rule["severity"], "critical");

        let text = sandbox.run(&["inspect", "a.wasm"]).out;
        for said in [
            "nothing: cannot reach network, files, clock or environment",
            "none baked in",
            "member-left-organization",
            "Detects AWS accounts being taken out of their organization",
            &orgwatch_artifact::digest(&bytes),
        ] {
            assert!(text.contains(said), "{said:?} is not in\n{text}");
        }
    }
}

#[test]
fn one_byte_changed_is_damage_wherever_it_is() {
    let sandbox = Sandbox::new();
    for (_, bytes) in artifacts() {
        let module = orgwatch_artifact::Module::parse(&bytes).unwrap();
        // Some of the code, and the edges of every section.
        let mut places: Vec<usize> = (0..8).map(|nth| bytes.len() / 9 * (nth + 1)).collect();
        for section in module.sections.iter().rev().take(12) {
            let range = &section.range;
            places.extend([range.start, range.start + 1, range.end - 1]);
        }
        for at in places {
            let mut changed = bytes.clone();
            changed[at] ^= 0x01;
            sandbox.file("a.wasm", &changed);
            let ran = sandbox.run(&["inspect", "a.wasm"]);
            assert_eq!(ran.code, 2, "byte {at}: {ran:?}");
            ran.says("damaged");
        }
    }
}

#[test]
fn damage_of_a_section_is_told_from_that_of_the_rest() {
    let sandbox = Sandbox::new();
    let [(_, bytes), _] = artifacts();
    let module = orgwatch_artifact::Module::parse(&bytes).unwrap();
    // Sealed again, so that only what stands in the section can tell.
    let broken = module.with(orgwatch_artifact::CASES, b"no gzip");
    sandbox.file("a.wasm", orgwatch_artifact::seal(&broken).unwrap());
    sandbox.run(&["inspect", "a.wasm"]).says("damaged: the section orgwatch:cases");
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    sandbox.file("a.wasm", changed);
    sandbox.run(&["inspect", "a.wasm"]).says("The section orgwatch:sha256 says sha256:");
    sandbox.file("a.wasm", module.without(orgwatch_artifact::DIGEST));
    sandbox.run(&["inspect", "a.wasm"]).says("there is not one section orgwatch:sha256");
}

#[test]
fn what_is_not_ours_is_described_and_said_not_to_be() {
    let sandbox = Sandbox::new();
    let text = r#"(module (import "wasi" "fd_write" (func)) (memory (export "memory") 1))"#;
    sandbox.file("other.wasm", wat::parse_str(text).unwrap());
    let ran = sandbox.run(&["inspect", "other.wasm"]);
    assert_eq!(ran.code, 2);
    ran.says("other.wasm: this is not an artifact of orgwatch");
    assert!(ran.out.contains("a core module") && ran.out.contains("wasi.fd_write"), "{}", ran.out);
    sandbox.file("short.wasm", b"\0asm\x01\0\0\0\x02\x01\x01");
    let ran = sandbox.run(&["inspect", "short.wasm"]);
    assert!(ran.out.contains("imports     unknown"), "{}", ran.out);
    sandbox.file("text.wasm", "#!/bin/sh\n");
    let ran = sandbox.run(&["inspect", "text.wasm"]);
    assert_eq!(ran.code, 2);
    ran.says("text.wasm is no WebAssembly, or damaged: at byte 0");
    assert_eq!(sandbox.run(&["inspect", "none.wasm"]).code, 2);
}
