//! Policy documents of any kind, in each of the forms in which a record may hold them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use orgwatch::detector::Detector;
use serde_json::{Value, json};

const CALLS: [(&str, &str, &str); 6] = [
    ("organizations.amazonaws.com", "UpdatePolicy", "content"),
    ("organizations.amazonaws.com", "PutResourcePolicy", "content"),
    ("iam.amazonaws.com", "PutRolePolicy", "policyDocument"),
    ("iam.amazonaws.com", "CreatePolicyVersion", "policyDocument"),
    ("iam.amazonaws.com", "UpdateAssumeRolePolicy", "policyDocument"),
    ("s3.amazonaws.com", "PutBucketPolicy", "bucketPolicy"),
];

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let encoded: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
    let mut forms = vec![Value::from(&*text), Value::from(encoded)];
    if let Ok(document) = serde_json::from_str::<Value>(&text) {
        forms.push(document.clone());
        forms.push(Value::from(Value::from(document.to_string()).to_string()));
    }
    let mut detector = Detector::open("{}").expect("the defaults are right");
    for (source, name, key) in CALLS {
        for (number, form) in forms.iter().enumerate() {
            let event = json!({
                "eventVersion": "1.09", "eventTime": "2026-06-01T12:00:00Z", "eventSource": source,
                "eventName": name, "eventID": format!("{name}-{number}"), "awsRegion": "us-east-1",
                "recipientAccountId": "444455556666",
                "userIdentity": {"type": "IAMUser", "accountId": "444455556666", "userName": "a"},
                "requestParameters": {
                    key: form, "policyId": "p-1", "roleName": "r", "policyName": "p",
                    "policyArn": "arn:aws:iam::444455556666:policy/p", "setAsDefault": true,
                },
                "responseElements": {"policy": {"content": form, "policySummary": {"id": "p-1"}}},
            });
            // A record in the right form is read, whatever the policy says.
            detector.detect(event.to_string().as_bytes()).expect("it is a record");
        }
    }
});
