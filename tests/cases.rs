//! Every folder of `tests/cases`: `events.ndjson` in, `findings.ndjson` out, through the component
//! and through the native core, which must say the same.
//!
//! `BLESS=1 cargo xtask test` writes what comes out as what is expected; the diff is the review.
//! `about.md` in each folder says what the case shows and where the form of its records is from.

use std::fs;

use orgwatch::detector::Detector;
use orgwatch::finding::Finding;
use orgwatch_host::plugin::{Artifact, Options, Plugin};

use crate::support::{self, Case};

/// A finding as the case's file has it: without the artifact, which is another in each release.
fn line(finding: &Finding) -> String {
    let mut shown = serde_json::to_value(finding).expect("a finding is JSON");
    if let Some(keys) = shown.as_object_mut() {
        keys.remove("artifact");
        if finding.repeat {
            keys.insert("repeat".into(), true.into());
        }
    }
    format!("{shown}\n")
}

fn native(case: &Case) -> String {
    let batch = Detector::open(&case.settings).expect("settings").detect_batch(&case.events);
    batch.findings.iter().map(|located| line(&located.finding)).collect()
}

fn component(plugin: &Plugin, case: &Case) -> String {
    let mut detector = plugin.open(&case.settings).expect("settings");
    let batch = detector.detect_batch(&case.events).expect("the guest answers");
    batch.findings.iter().map(|located| line(&located.finding)).collect()
}

#[test]
fn every_case_gives_its_findings_in_every_shape() {
    let artifact = Artifact::find(None).expect("cargo xtask test builds the component first");
    let plugin = Plugin::load(artifact.bytes(), &Options::default()).expect("the component loads");
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    let cases = support::cases();
    assert!(cases.len() > 100, "the cases are there");
    for case in &cases {
        let found = native(case);
        if component(&plugin, case) != found {
            wrong.push(format!("{}: the component and the native core differ", case.name));
        }
        let file = case.folder.join("findings.ndjson");
        if bless {
            fs::write(&file, &found).expect("the case's folder can be written");
        } else if fs::read_to_string(&file).unwrap_or_default() != found {
            wrong.push(format!("{}: expected {}, found\n{found}", case.name, file.display()));
        }
        if !case.folder.join("about.md").exists() {
            wrong.push(format!("{}: about.md does not say what it shows", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} cases", cases.len());
}
