//! The manifests of `packaging/kubernetes`: what no schema says of them.
//!
//! Not checked here: whether Kubernetes knows every key and type, which `cargo xtask dist --test` asks its
//! schemas; whether the images of others are there and start; and what a cluster's own policies want.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde::Deserialize as _;
use serde_json::Value;

use crate::support;
use crate::util::Sandbox;

const MANIFESTS: [&str; 2] = ["fluent-bit.yaml", "vector.yaml"];

/// The documents of a manifest, by kind.
fn manifest(name: &str) -> BTreeMap<String, Value> {
    let path = support::root().join("packaging/kubernetes").join(name);
    let text = fs::read_to_string(path).unwrap();
    let documents = yaml_serde::Deserializer::from_str(&text);
    let documents = documents.map(|document| Value::deserialize(document).unwrap());
    documents.map(|document| (document["kind"].as_str().unwrap().to_owned(), document)).collect()
}

/// The pod of a manifest, and its containers: those that end, sidecars, and the others.
fn pod(name: &str) -> (Value, Vec<Value>) {
    let manifest = manifest(name);
    let kinds = ["DaemonSet", "StatefulSet"];
    let workload = kinds.iter().find_map(|kind| manifest.get(*kind)).unwrap();
    let pod = workload["spec"]["template"]["spec"].clone();
    let containers =
        ["initContainers", "containers"].map(|key| pod[key].as_array().unwrap().clone());
    (pod, containers.concat())
}

/// A container of a manifest.
pub fn container(name: &str, container: &str) -> Value {
    pod(name).1.into_iter().find(|one| one["name"] == container).unwrap()
}

#[test]
fn no_container_has_a_privilege() {
    for name in MANIFESTS {
        let (pod, containers) = pod(name);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
        assert_eq!(pod["securityContext"]["runAsUser"], 65534, "{name}");
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        for key in ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"] {
            assert!(pod[key].is_null(), "{name}: {key}");
        }
        assert!(containers.len() > 1);
        for one in containers {
            let what = format!("{name}: {}", one["name"]);
            let security = &one["securityContext"];
            assert_eq!(security["allowPrivilegeEscalation"], false, "{what}");
            assert_eq!(security["readOnlyRootFilesystem"], true, "{what}");
            assert_eq!(security["capabilities"]["drop"], serde_json::json!(["ALL"]), "{what}");
            assert!(security["privileged"].is_null() && security["runAsUser"].is_null(), "{what}");
            for kind in ["requests", "limits"] {
                for resource in ["cpu", "memory"] {
                    assert!(one["resources"][kind][resource].is_string(), "{what}: {kind}");
                }
            }
            let (_, tag) = one["image"].as_str().unwrap().rsplit_once(':').unwrap();
            assert!(tag.starts_with(|c: char| c.is_ascii_digit() || c == 'v'), "{what}: {tag}");
            if one["image"].as_str().unwrap().contains("/orgwatch/") {
                assert_eq!(tag, env!("CARGO_PKG_VERSION"), "{what}");
            }
        }
    }
}

#[test]
fn what_goes_on_running_has_probes() {
    for name in MANIFESTS {
        let (pod, containers) = pod(name);
        let ends = |one: &Value| {
            pod["initContainers"].as_array().unwrap().contains(one)
                && one["restartPolicy"].is_null()
        };
        for one in containers.iter().filter(|one| !ends(one)) {
            for probe in ["livenessProbe", "readinessProbe"] {
                assert!(one[probe].is_object(), "{name}: {} has no {probe}", one["name"]);
            }
        }
    }
    let orgwatch = container("vector.yaml", "orgwatch");
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let command = orgwatch[probe]["exec"]["command"].as_array().unwrap();
        let words: Vec<_> = command.iter().map(|word| word.as_str().unwrap()).collect();
        assert_eq!(words[0], "/orgwatch");
        // Nobody listens there, but the flags make sense: those that do not are told of as usage.
        let ran = Sandbox::new().run(&[&words[1..], &["127.0.0.1:1"]].concat());
        assert!(ran.err.contains("does not answer"), "{}", ran.err);
    }
}

#[test]
fn every_volume_is_there_and_every_one_is_used() {
    for name in MANIFESTS {
        let (pod, containers) = pod(name);
        let mut there: Vec<_> = pod["volumes"].as_array().unwrap().clone();
        let manifest = manifest(name);
        if let Some(set) = manifest.get("StatefulSet") {
            let claims = set["spec"]["volumeClaimTemplates"].as_array().unwrap();
            there.extend(claims.iter().map(|claim| claim["metadata"].clone()));
        }
        let mut there: Vec<_> = there.iter().map(|one| one["name"].as_str().unwrap()).collect();
        let mounts = containers.iter().flat_map(|one| one["volumeMounts"].as_array().unwrap());
        let mut used: Vec<_> = mounts.map(|mount| mount["name"].as_str().unwrap()).collect();
        used.sort();
        used.dedup();
        there.sort();
        assert_eq!(there, used, "{name}");
    }
}

#[test]
fn the_service_takes_its_settings() {
    let sandbox = Sandbox::new();
    let config = manifest("vector.yaml")["ConfigMap"]["data"].clone();
    // The folders of the pod, in the sandbox.
    let here = sandbox.path("x").parent().unwrap().display().to_string();
    let text = |key: &str| {
        let text = config[key].as_str().unwrap();
        text.replace("/etc/orgwatch", &here).replace("/var/lib/orgwatch", &here)
    };
    sandbox.file("serve.yaml", text("serve.yaml"));
    sandbox.file("settings.yaml", text("settings.yaml"));
    let service = container("vector.yaml", "orgwatch");
    let args = service["args"].as_array().unwrap().iter();
    let args: Vec<_> =
        args.map(|arg| arg.as_str().unwrap().replace("/etc/orgwatch", &here)).collect();
    let mut args: Vec<_> = args.iter().map(String::as_str).collect();
    args.push("--check");
    let ran = sandbox.run(&args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("nothing is wrong"), "{}", ran.out);
}

#[test]
fn fluent_bit_runs_the_tested_configuration_where_its_paths_are() {
    let tap = support::root().join("fluent-bit-config/tap.yaml");
    let tap: Value = yaml_serde::from_str(&fs::read_to_string(tap).unwrap()).unwrap();
    let fluent_bit = container("fluent-bit.yaml", "fluent-bit");
    let folder = fluent_bit["workingDir"].as_str().unwrap();
    let mounts = fluent_bit["volumeMounts"].as_array().unwrap();
    let mounted: Vec<_> = mounts.iter().map(|mount| mount["mountPath"].as_str().unwrap()).collect();
    for (name, path) in tap["env"].as_object().unwrap() {
        let path = path.as_str().unwrap().trim_end_matches("/*.ndjson");
        assert!(mounted.contains(&format!("{folder}/{path}").as_str()), "{name}: {path}");
    }
    // The module that was verified is the one that is loaded: the same file of the same volume.
    let verify = container("fluent-bit.yaml", "verify-module");
    let module = |one: &Value| {
        let mounts = one["volumeMounts"].as_array().unwrap().iter();
        let mut mounts = mounts.filter(|mount| mount["name"] == "module");
        mounts.next().unwrap()["subPath"].clone()
    };
    assert_eq!(module(&verify), module(&fluent_bit));
    assert_eq!(module(&verify), "MODULE_SHA256");
}

#[test]
#[ignore = "needs Vector: VECTOR, or vector on the path"]
fn vector_has_nothing_against_its_configuration() {
    let sandbox = Sandbox::new();
    let config = manifest("vector.yaml")["ConfigMap"]["data"].clone();
    sandbox.file("metrics.yaml", config["metrics.yaml"].as_str().unwrap());
    let mut vector = Command::new(support::program("VECTOR", "vector"));
    vector.args(["validate", "--no-environment"]);
    let args = container("vector.yaml", "vector")["args"].clone();
    for word in args.as_array().unwrap() {
        let word = word.as_str().unwrap();
        match word.rsplit_once('/') {
            Some(("/etc/vector", name)) => {
                vector.arg(support::root().join("vector-config").join(name))
            }
            Some((_, name)) => vector.arg(sandbox.path(name)),
            // `validate` takes the files alone.
            None => continue,
        };
    }
    let output = vector.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
