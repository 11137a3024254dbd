//! Records with values that rules look for, in every form.

use serde_json::{Value, json};

use super::Maker;
use crate::envelopes::written;

/// A text of those that rules look for, or one that looks like it.
fn text(random: &mut Maker) -> String {
    let text = random.text();
    match random.below(8) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        2 => text.replace(['k', 'K'], "\u{212a}"),
        3 => format!("{text} and {}", random.text()),
        4 => format!("x{text}"),
        _ => text.to_owned(),
    }
}

fn value(random: &mut Maker) -> Value {
    match random.below(8) {
        0 => json!([text(random), [text(random)]]),
        1 => serde_json::from_str(random.pick::<&str>(&["12345", "1.2345e4", "1.50", "1e999"]))
            .unwrap_or(Value::Null),
        2 => (random.below(2) == 0).into(),
        3 => Value::Null,
        _ => text(random).into(),
    }
}

/// A container as it is, or as JSON in text.
fn container(value: Value, random: &mut Maker) -> Value {
    match random.below(4) {
        0 => value.to_string().into(),
        1 => {
            let mut text = String::new();
            written(&value, random, &mut text);
            text.into()
        }
        _ => value,
    }
}

/// A record with values that rules look for, in any form.
pub(super) fn record(random: &mut Maker) -> Value {
    let request = json!({
        "name": value(random), "count": value(random),
        "items": [{"id": value(random)}, {"id": value(random)}],
    });
    let issuer = json!({"userName": value(random)});
    let identity = json!({
        "type": value(random), "arn": value(random), "sessionContext": {"sessionIssuer": issuer},
    });
    let plain = |random: &mut Maker| {
        json!({
            "eventVersion": "1.09",
            "eventTime": "2026-05-04T03:02:01Z",
            "eventName": text(random),
            "eventSource": text(random),
            "eventID": "1",
            "awsRegion": value(random),
            "errorCode": value(random),
            "sourceIPAddress": value(random),
            "userAgent": value(random),
            "userIdentity": container(identity.clone(), random),
            "recipientAccountId": "111122223333",
            "requestParameters": container(request.clone(), random),
            "responseElements": {"state": value(random)},
            "additionalEventData": {"MFAUsed": value(random)},
        })
    };
    let in_text = |random: &mut Maker| -> Value {
        let (a, b) = (text(random), text(random));
        format!("{{name={a}, items=[{{id={b}}}], count=null}}").into()
    };
    match random.below(8) {
        0 => json!({
            "class_uid": 6003,
            "api": {
                "operation": text(random), "service": {"name": text(random)},
                "request": {"data": request}, "response": {"error": value(random)},
            },
            "status_id": random.below(3), "cloud": {"region": value(random)},
            "actor": {
                "user": {"type": value(random), "uid": text(random)},
                "session": {"issuer": text(random), "is_mfa": "true"},
            },
            "src_endpoint": {"ip": value(random)}, "http_request": {"user_agent": value(random)},
            "unmapped": {"responseElements.state": value(random)},
        }),
        1 => json!({
            "api.operation": text(random), "api.service.name": text(random), "status": "failure",
            "http_request.user_agent": value(random),
        }),
        2 => json!({
            "event": {
                "action": text(random), "provider": "kms.amazonaws.com",
                "outcome": random.pick(&["failure", "success"]),
            },
            "user_agent": {"original": value(random)}, "source.ip": value(random),
            "aws": {"cloudtrail": {
                "request_parameters": in_text(random), "error_code": value(random),
                "user_identity": {"type": value(random), "arn": value(random)},
                "console_login": {"additional_eventdata": {"mfa_used": random.below(2) == 0}},
            }},
        }),
        3 => json!({
            "event.action": text(random), "event.provider": "kms.amazonaws.com",
            "user_agent.original": value(random), "cloud.region": value(random),
        }),
        4 => json!({
            "eventname": text(random), "eventsource": text(random), "eventtime": "2026-05-04 03:02:01",
            "useridentity": "{type=Root, arn=arn:aws:iam::111122223333:role/Kiosk/Admin's}",
            "useragent": value(random), "awsregion": value(random),
            "requestparameters": in_text(random),
        }),
        5 => json!([
            {"eventName": text(random)}, {"eventSource": text(random)},
            {"recipientAccountId": "111122223333"}, {"userAgent": value(random)},
        ]),
        _ => plain(random),
    }
}
