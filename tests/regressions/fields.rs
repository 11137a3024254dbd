//! Fields, and the documents and errors in them.

use super::*;

const FULL: &str = "arn:aws:iam::aws:policy/AWSOrganizationsFullAccess";

/// A record whose keys a pipeline has flattened down to a depth.
fn flattened(record: &Value, depth: usize) -> Value {
    let mut flat = serde_json::Map::new();
    for (key, value) in record.as_object().unwrap() {
        match value {
            Value::Object(inner) if depth > 0 && !inner.is_empty() => {
                let inner = flattened(value, depth - 1);
                for (below, value) in inner.as_object().unwrap() {
                    flat.insert(format!("{key}.{below}"), value.clone());
                }
            }
            _ => {
                flat.insert(key.clone(), value.clone());
            }
        }
    }
    flat.into()
}

fn grants(document: Value) -> bool {
    let event = event(
        1,
        "PutUserPolicy",
        "iam",
        "2026-06-01T12:00:00Z",
        json!({"requestParameters": {"userName": "x", "policyDocument": document}}),
    );
    rules(&detect("{}", &[event])).contains(&"leave-permission-granted")
}

/// Rules knew flattened keys, and what a finding says was looked up in another way.
#[test]
fn flattened_keys_serve_rules_and_findings_alike() {
    let document = json!({"Statement": [{"Effect": "Allow", "Action": "*"}]});
    for (name, request) in [
        ("AttachUserPolicy", json!({"userName": "x", "policyArn": FULL})),
        ("PutUserPolicy", json!({"userName": "x", "policyDocument": document.to_string()})),
        ("PutUserPolicy", json!({"userName": "x", "policyDocument": document})),
    ] {
        let more = json!({"requestParameters": request});
        let record = event(1, name, "iam", "2026-06-01T12:00:00Z", more);
        let nested = detect("{}", std::slice::from_ref(&record));
        assert_eq!(rules(&nested), ["leave-permission-granted"]);
        for depth in 1..5 {
            let flat = detect("{}", &[flattened(&record, depth)]);
            assert_eq!(rules(&flat), rules(&nested), "{depth}");
            assert_eq!(flat[0].principal, nested[0].principal, "{depth}");
            assert_eq!(flat[0].accounts, nested[0].accounts, "{depth}");
            assert_eq!(flat[0].summary, nested[0].summary, "{depth}");
            assert_eq!(flat[0].target, nested[0].target, "{depth}");
        }
    }
    // Half of it flattened, on either side.
    let identity =
        json!({"sessionContext.sessionIssuer": {"userName": "ops"}, "type": "AssumedRole"});
    let mut record = leave(1, "2026-06-01T12:00:00Z", json!({"userIdentity": identity}));
    record["userIdentity.arn"] = json!("arn:aws:sts::444455556666:assumed-role/ops/x");
    let found = &detect("{}", &[record])[0];
    assert_eq!(found.principal.name.as_deref(), Some("ops"));
    assert_eq!(
        found.principal.arn.as_deref(),
        Some("arn:aws:sts::444455556666:assumed-role/ops/x")
    );
}

/// Only text that began with a brace or a percent sign was read.
#[test]
fn a_policy_document_is_read_however_it_is_packed() {
    let document = json!({"Version": "2012-10-17", "Statement":
        [{"Effect": "Allow", "Action": "organizations:*", "Resource": "*"}]});
    let text = document.to_string();
    let encode = |keep: &str| -> String {
        let encoded = text.bytes().map(|byte| match char::from(byte) {
            c if c.is_ascii_alphanumeric() || keep.contains(c) => c.to_string(),
            _ => format!("%{byte:02X}"),
        });
        encoded.collect()
    };
    let once = encode("");
    for packed in [
        document.clone(),
        json!(text),
        json!(format!("\n {text} ")),
        json!(once),
        json!(format!("+{once}")),
        json!(format!("%20{once}")),
        json!(encode("{")),
        json!(encode("{}[]:,*")),
        json!(once.replace('%', "%25")),
        json!(json!(text).to_string()),
        json!([text]),
        json!([document]),
    ] {
        assert!(grants(packed.clone()), "{packed}");
    }
    for nothing in [json!("%"), json!("Allow"), json!(7), json!({"Statement": "Allow"}), json!({})]
    {
        assert!(!grants(nothing.clone()), "{nothing}");
    }
}

/// `Condition: {}` asks for nothing.
#[test]
fn a_denial_under_an_empty_condition_is_one() {
    for (condition, granted) in [(json!({}), false), (json!({"Bool": {"aws:x": "true"}}), true)] {
        let document = json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}]});
        assert_eq!(grants(document), granted);
    }
}

/// `errorCode: "200"` turned an exit into a refused attempt.
#[test]
fn an_error_that_spells_success_is_none() {
    for none in ["200", "Success", "SUCCESS", " success ", "-", " - ", "", "  ", "OK", "None"] {
        for error in [
            json!({"errorCode": none}),
            json!({"errorMessage": none}),
            json!({"errorCode": none, "errorMessage": none}),
        ] {
            let found = detect("{}", &[leave(1, "2026-06-01T12:00:00Z", error.clone())]);
            assert_eq!(rules(&found), ["member-left-organization"], "{error}");
        }
    }
    let number = json!({"errorCode": 200});
    let found = detect("{}", &[leave(1, "2026-06-01T12:00:00Z", number)]);
    assert_eq!(rules(&found), ["member-left-organization"]);
    for error in [
        json!({"errorCode": "AccessDenied"}),
        json!({"errorCode": "200", "errorMessage": "You are not authorized"}),
        json!({"errorCode": "AccessDenied", "errorMessage": "-"}),
        json!({"errorCode": "SuccessfulOrNot"}),
    ] {
        let found = detect("{}", &[leave(1, "2026-06-01T12:00:00Z", error.clone())]);
        assert_eq!(rules(&found), ["member-leave-denied"], "{error}");
    }
}

/// White space around an ARN hid what was attached.
#[test]
fn an_arn_is_compared_without_white_space_around_it() {
    let attached = |policy: &str| {
        let more = json!({"requestParameters": {"userName": "x", "policyArn": policy}});
        let event = event(1, "AttachUserPolicy", "iam", "2026-06-01T12:00:00Z", more);
        rules(&detect("{}", &[event])).first().map(|rule| rule.to_string())
    };
    for (around, policy, rule) in [
        ("AdministratorAccess", "arn:aws:iam::aws:policy/", "administrator-granted"),
        ("AWSOrganizationsFullAccess", "arn:aws:iam::aws:policy/", "leave-permission-granted"),
    ]
    .map(|(name, arn, rule)| (["", " ", "\t", "\r\n", "\u{a0}"], format!("{arn}{name}"), rule))
    {
        for blank in around {
            for written in [format!("{policy}{blank}"), format!("{blank}{policy}")] {
                assert_eq!(attached(&written).as_deref(), Some(rule), "{written:?}");
            }
        }
    }
    for other in ["arn:aws:iam::444455556666:policy/AdministratorAccess ", "AdministratorAccess "] {
        assert_eq!(attached(other), None);
    }
}

/// UpdateFilter archives as CreateFilter does, and UpdateMemberDetectors turns features off.
#[test]
fn guardduty_is_muted_by_updates_too() {
    let on = json!({"name": "S3_DATA_EVENTS", "status": "ENABLED"});
    let off = json!({"name": "EKS_AUDIT_LOGS", "status": "DISABLED"});
    for (name, parameters, fires) in [
        ("UpdateFilter", json!({"filterName": "f", "action": "ARCHIVE"}), true),
        ("UpdateFilter", json!({"filterName": "f", "action": "NOOP"}), false),
        ("UpdateMemberDetectors", json!({"accountIds": ["111122223333"]}), true),
        ("UpdateMemberDetectors", json!({"features": [off]}), true),
        ("UpdateMemberDetectors", json!({"features": [on, off]}), true),
        ("UpdateMemberDetectors", json!({"features": [on]}), false),
        ("UpdateMemberDetectors", json!({"features": [on], "dataSources": {}}), true),
    ] {
        let more = json!({"requestParameters": parameters});
        let event = event(1, name, "guardduty", "2026-06-01T12:00:00Z", more);
        let found = detect("{}", &[event]);
        assert_eq!(found.len(), usize::from(fires), "{name} {parameters}");
        assert!(found.iter().all(|one| one.severity == orgwatch::finding::Severity::Medium));
    }
}
