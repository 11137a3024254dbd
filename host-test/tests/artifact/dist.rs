//! The files that are published.

use std::collections::BTreeSet;
use std::fs;

use orgwatch_artifact::{Artifact, CASES, Case, Module, digest};
use serde_json::Value;

use super::{artifacts, root};
use crate::support;

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn the_digests_are_those_of_the_files() {
    let folder = root().join("dist");
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let mut names = Vec::new();
    for line in sums.lines() {
        let (recorded, name) = line.split_once("  ").unwrap();
        assert_eq!(digest(&fs::read(folder.join(name)).unwrap()), format!("sha256:{recorded}"));
        names.push(name);
    }
    let stem = format!("orgwatch-{VERSION}");
    // `cargo xtask dist` adds packages.
    for suffix in ["-fluent-bit.wasm", "-licences.txt", ".cdx.json", ".wasm"] {
        assert!(names.contains(&format!("{stem}{suffix}").as_str()), "{names:?} lacks {suffix}");
    }
}

#[test]
fn materials_have_digests_and_licences_have_texts() {
    let bom: Value =
        serde_json::from_slice(&fs::read(support::dist(".cdx.json")).unwrap()).unwrap();
    let licences = fs::read_to_string(support::dist("-licences.txt")).unwrap();
    let components = bom["components"].as_array().unwrap();
    let named = |name: &str| components.iter().find(|one| one["name"] == name).unwrap();
    for (_, bytes) in artifacts() {
        let content = digest(&bytes).trim_start_matches("sha256:").to_owned();
        assert!(components.iter().any(|one| one["hashes"][0]["content"] == content));
    }
    for component in components.iter().filter(|one| one["type"] == "library") {
        let (name, version) = (component["name"].as_str().unwrap(), &component["version"]);
        assert!(version.is_string() && component["licenses"][0]["expression"].is_string());
        if component.get("purl").is_some() {
            assert_eq!(component["hashes"][0]["content"].as_str().unwrap().len(), 64, "{name}");
            let heading = format!("{name} {}", version.as_str().unwrap());
            assert!(licences.matches(&heading).count() > 1, "a line and a text of {heading}");
        }
    }
    // Crates that are inside, and crates that only helped to build it.
    assert!(named("memchr")["purl"].as_str().unwrap().starts_with("pkg:cargo/memchr@"));
    named("wit-bindgen");
    for absent in ["serde_derive", "proptest", "wasmtime", "yaml_serde"] {
        assert!(components.iter().all(|one| one["name"] != absent), "{absent}");
    }
    assert!(licences.contains("Permission is hereby granted, free of charge"));
}

#[test]
fn an_artifact_is_small_and_carries_every_case() {
    let cases = Case::read_all(&root().join("tests/cases")).unwrap();
    for (kind, bytes) in artifacts() {
        assert!(bytes.len() < 13 << 17, "{kind}: {} bytes, 1.625 MiB are the most", bytes.len());
        let code = Module::parse(&bytes).unwrap().without(CASES).len();
        // Of that about 100 KB are for rules of others: regular expressions, and the search for texts.
        assert!(code < 9 << 17, "{kind}: {code} bytes without its cases, 1.125 MiB is the most");
        let artifact = Artifact::read(&bytes).unwrap();
        assert_eq!(artifact.cases, cases, "{kind}");
        assert!(artifact.baked.is_none());
    }
}

#[test]
fn the_pack_in_an_artifact_is_the_one_in_the_sources() {
    for (kind, bytes) in artifacts() {
        let pack = Artifact::read(&bytes).unwrap().pack;
        let mut list = String::new();
        for rule in &pack.rules {
            let text = fs::read(root().join("rules").join(&rule.file)).unwrap();
            assert_eq!(digest(&text), rule.digest, "{kind}: {}", rule.file);
            list += &format!("{}  {}\n", rule.digest.trim_start_matches("sha256:"), rule.file);
        }
        assert_eq!(digest(list.as_bytes()), pack.digest);
        assert_eq!(pack.rules.len(), support::files("rules", "yml").len());
        let public = pack.rules.iter().filter(|rule| !rule.internal);
        let slugs: BTreeSet<_> = public.map(|rule| rule.slug.as_str()).collect();
        let pack = orgwatch::rules::builtin_pack();
        let ours: BTreeSet<_> = pack.public().iter().map(|about| about.slug.as_str()).collect();
        assert_eq!(slugs, ours);
    }
}
