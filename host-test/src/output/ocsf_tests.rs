//! Converted findings against the published schema, as far as `ocsf_required.json` has it.

use std::collections::BTreeMap;

use orgwatch::finding::Finding;
use serde::Deserialize;

use super::*;
use crate::output::tests::{hostile, least};

#[derive(Deserialize)]
struct Schema {
    version: String,
    objects: BTreeMap<String, Class>,
}

#[derive(Deserialize)]
struct Class {
    required: Vec<String>,
    #[serde(default)]
    at_least_one: Vec<String>,
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    enums: BTreeMap<String, Vec<i64>>,
}

impl Schema {
    fn published() -> Self {
        serde_json::from_str(include_str!("ocsf_required.json")).unwrap()
    }

    /// Problems of a value that must be of this type.
    fn check(&self, kind: &str, value: &Value, path: &str, wrong: &mut Vec<String>) {
        if let Some(element) = kind.strip_suffix("[]") {
            match value.as_array() {
                Some(list) if !list.is_empty() => {
                    for value in list {
                        self.check(element, value, &format!("{path}[]"), wrong);
                    }
                }
                _ => wrong.push(format!("{path}: not a list with something in it")),
            }
            return;
        }
        let Some(class) = self.objects.get(kind) else {
            let right = match kind {
                "integer_t" | "long_t" | "timestamp_t" => value.is_i64() || value.is_u64(),
                "boolean_t" => value.is_boolean(),
                "ip_t" => value.as_str().is_some_and(|ip| ip.parse::<IpAddr>().is_ok()),
                "object" => value.is_object(),
                "json_t" => true,
                kind if kind.ends_with("_t") => value.is_string(),
                // An object that we said we do not use.
                _ => false,
            };
            if !right {
                wrong.push(format!("{path}: {value} is no {kind}"));
            }
            return;
        };
        let Some(map) = value.as_object() else {
            wrong.push(format!("{path}: {value} is no {kind}"));
            return;
        };
        for name in &class.required {
            if !map.contains_key(name) {
                wrong.push(format!("{path}.{name}: required"));
            }
        }
        let one = class.at_least_one.iter().any(|name| map.contains_key(name));
        if !class.at_least_one.is_empty() && !one {
            wrong.push(format!("{path}: none of {:?}", class.at_least_one));
        }
        for (name, value) in map {
            let path = format!("{path}.{name}");
            match class.attributes.get(name) {
                Some(kind) => self.check(kind, value, &path, wrong),
                None => wrong.push(format!("{path}: not in the schema")),
            }
            let allowed = class.enums.get(name);
            if allowed.is_some_and(|allowed| !allowed.contains(&value.as_i64().unwrap_or(-1))) {
                wrong.push(format!("{path}: {value} is not allowed"));
            }
        }
    }
}

fn check(finding: &Finding) -> Value {
    let value = detection_finding(finding);
    let mut wrong = Vec::new();
    Schema::published().check("detection_finding", &value, "", &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}\n{value:#}");
    value
}

fn typical() -> Finding {
    let mut value = least();
    for (name, more) in [
        ("account", json!("307578594326")),
        ("accounts", json!({ "acting": "307578594326", "recipient": "307578594326" })),
        ("organization", json!("o-aa111bb222")),
        ("outcome", json!("failure")),
        ("outcome_reason", json!("AccessDenied: no identity-based policy allows it")),
        (
            "principal",
            json!({ "type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/a/b",
            "access_key_id": "ASIA36EV31F1RB3OA8IG", "mfa": false }),
        ),
        ("source_ip", json!("252.5.222.230")),
        ("user_agent", json!("aws-sdk-go")),
        ("region", json!("us-east-1")),
        ("target", json!({ "type": "ACCOUNT", "id": "111111111111" })),
        ("details", json!({ "policy": "p-1" })),
        ("parts", json!(["22222222222222222222222222222222"])),
        ("events", json!(["16903cbd-fdff-4818-82f2-d66ad09aaf57"])),
        ("first_seen", json!("2024-08-02T08:30:00Z")),
        ("last_seen", json!("2024-08-02T08:30:01.5Z")),
        ("triage", json!(["Look.", "Ask."])),
        ("attack", json!(["TA0040", "T1666", "T1098.003"])),
    ] {
        value[name] = more;
    }
    serde_json::from_value(value).unwrap()
}

#[test]
fn the_schema_is_the_one_that_we_claim() {
    let schema = Schema::published();
    assert_eq!(schema.version, VERSION);
    let required = &schema.objects["detection_finding"].required;
    for name in ["activity_id", "class_uid", "finding_info", "metadata", "severity_id", "time"] {
        assert!(required.iter().any(|required| required == name), "{name}");
    }
}

#[test]
fn every_finding_keeps_the_schema() {
    check(&serde_json::from_value(least()).unwrap());
    check(&hostile());
    let value = check(&typical());
    assert_eq!(value["class_uid"], 2004);
    assert_eq!(value["category_uid"], 2);
    assert_eq!(value["type_uid"], 200_401);
    assert_eq!(value["severity_id"], 4);
    assert_eq!(value["time"], 1_722_587_401_500_i64);
    assert_eq!(value["start_time"], 1_722_587_400_000_i64);
    assert_eq!(value["cloud"]["account"]["uid"], "307578594326");
    assert_eq!(value["finding_info"]["attacks"][2]["technique"]["uid"], "T1098");
    assert_eq!(value["evidences"][0]["src_endpoint"]["ip"], "252.5.222.230");
    assert_eq!(value["resources"][2]["uid"], "111111111111");
    assert_eq!(value["unmapped"]["details"]["policy"], "p-1");
}

#[test]
fn a_service_is_no_ip_address() {
    let mut finding = typical();
    finding.source_ip = Some("organizations.amazonaws.com".into());
    let value = check(&finding);
    assert_eq!(value["evidences"][0]["src_endpoint"]["svc_name"], "organizations.amazonaws.com");
}

#[test]
fn only_new_findings_are_alerts() {
    let mut finding = typical();
    for (status, id, alert) in [
        (Status::New, 1, true),
        (Status::Approved, 3, false),
        (Status::Learning, 99, false),
        (Status::DryRun, 99, false),
        (Status::FollowUp, 99, false),
        (Status::Other, 99, false),
    ] {
        finding.status = status;
        let value = check(&finding);
        assert_eq!((&value["status_id"], &value["is_alert"]), (&json!(id), &json!(alert)));
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    let mut value = detection_finding(&typical());
    value["invented"] = json!(1);
    value["severity_id"] = json!(7);
    value["finding_info"].as_object_mut().unwrap().remove("uid");
    value["evidences"][0]["src_endpoint"] = json!({ "zone": 1 });
    value.as_object_mut().unwrap().remove("time");
    let mut wrong = Vec::new();
    Schema::published().check("detection_finding", &value, "", &mut wrong);
    assert_eq!(wrong.len(), 6, "{wrong:#?}");
}
