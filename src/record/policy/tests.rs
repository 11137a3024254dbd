use super::*;
use crate::json::ObjectIndex;
use crate::record::EmbeddedJson;

fn with<T>(parameters: serde_json::Value, look: impl FnOnce(&Record<'_>) -> T) -> T {
    let text = serde_json::json!({"requestParameters": parameters}).to_string();
    let mut tape = Tape::default();
    tape.parse(&text).unwrap();
    look(&Record::new(&ObjectIndex::of(Value::root(&tape, &text)), &EmbeddedJson::default()))
}

fn grants(document: &str) -> bool {
    with(serde_json::json!({"policyDocument": document}), grants_leave)
}

#[test]
fn what_allows_leaving() {
    for (statement, expected) in [
        (r#"{"Effect":"Allow","Action":"organizations:LeaveOrganization","Resource":"*"}"#, true),
        (r#"[{"Effect":"Allow","Action":["s3:*","org*:Leave*"]}]"#, true),
        (r#"{"Effect":"Allow","Action":"*"}"#, true),
        (r#"{"Effect":"Allow","Action":"organizations:Describe*"}"#, false),
        (r#"{"Effect":"Allow","NotAction":"iam:*"}"#, true),
        (r#"{"Effect":"Allow","NotAction":["organizations:*"]}"#, false),
        (r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::logs"}"#, true),
        (r#"{"Effect":"Allow","Action":"*","NotResource":["*"]}"#, false),
        (r#"{"Effect":"Deny","Action":"organizations:LeaveOrganization"}"#, false),
        (
            r#"[{"Effect":"Allow","Action":"*"},{"Effect":"Deny","Action":"organizations:Leave*"}]"#,
            false,
        ),
        (
            r#"[{"Effect":"Allow","Action":"*"},{"Effect":"Deny","Action":"*","Condition":{"Bool":{"a":"b"}}}]"#,
            true,
        ),
        (r#"{"Effect":"Allow"}"#, false),
        (r#"{"Effect":"Allow","Action":7}"#, false),
    ] {
        let document = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
        assert_eq!(grants(&document), expected, "{document}");
        let encoded: String = document.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!(grants(&encoded), expected, "{encoded}");
    }
    let unreadable =
        |document: &str| with(serde_json::json!({"policyDocument": document}), is_unreadable);
    let whole = r#"{"Statement":[{"Effect":"Allow","Action":"*"}]}"#;
    let encoded: String = whole.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for readable in [whole, &encoded, &serde_json::json!(whole).to_string(), "", " ", "{}", HIDDEN]
    {
        assert!(!unreadable(readable), "{readable}");
    }
    for cut in [&whole[..30], &encoded[..90], "***", "\"{\"", "17", "null", "…"] {
        assert!(unreadable(cut), "{cut}");
    }
    assert!(!grants("not JSON") && !grants("%7B%") && !grants(""));
}
