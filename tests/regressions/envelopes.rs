//! Records that something else in the same envelope hid.

use super::*;

/// Only one wrapper was looked into: the first that spoke of an event, whatever it held.
#[test]
fn something_foreign_in_one_wrapper_does_not_hide_a_record_in_another() {
    let record = leave(1, "2026-06-01T12:00:00Z", json!({}));
    let text = record.to_string();
    let foreign = json!({"eventName": 7, "x": "eventName"});
    let escaped = text.replace("eventName", "\\u0065ventName");
    for wrapper in [
        json!({"detail": foreign, "message": text}),
        json!({"detail": record, "message": foreign.to_string()}),
        json!({"CloudTrailEvent": foreign.to_string(), "log": text}),
        json!({"event": {"original": foreign.to_string()}, "detail": record}),
        json!({"event.original": "{broken: eventName", "message": text}),
        json!({"Records": [foreign], "message": text}),
        json!({"Records": [foreign], "Events": [record]}),
        json!({"logEvents": [{"message": "eventName"}], "detail": record}),
        json!({"awslogs": {"data": "H4sI"}, "message": text}),
        json!({"detail": {"detail": foreign, "log": foreign.to_string()}, "message": text}),
        json!({"detail": foreign, "message": escaped}),
    ] {
        assert_eq!(
            rules(&detect("{}", std::slice::from_ref(&wrapper))),
            ["member-left-organization"],
            "{wrapper}"
        );
    }
}

/// Data beside a record in one envelope is no event of its own, and the same text in two places is
/// one record.
#[test]
fn an_envelope_with_several_wrappers_is_one_event() {
    let record = leave(1, "2026-06-01T12:00:00Z", json!({}));
    let text = record.to_string();
    // The prefilter lets pass what names a wanted event, wherever that stands.
    let wanted = json!({"x": {"eventName": "LeaveOrganization"}});
    for (wrapper, evaluated, foreign, unreadable) in [
        (json!({"event": {"original": text}, "message": text}), 1, 0, 0),
        (json!({"detail": {}, "message": text, "log": "[]"}), 1, 0, 0),
        // It names an event that a rule wants, and is no record.
        (json!({"detail": wanted, "message": wanted}), 0, 0, 1),
        (json!([{"detail": {}, "message": {}}, {"message": text}]), 1, 1, 0),
    ] {
        let counts =
            Detector::open("{}").unwrap().detect_batch(wrapper.to_string().as_bytes()).counts;
        let counted = (counts.evaluated, counts.foreign, counts.unreadable);
        assert_eq!(counted, (evaluated, foreign, unreadable), "{wrapper}");
        assert_eq!(counts.events, evaluated + foreign + unreadable, "{wrapper}");
    }
}

/// What says `eventName` in another syntax than JSON's, or as a value, was counted as a record that no rule wants.
#[test]
fn a_wanted_name_that_is_no_key_of_json_is_unreadable() {
    for (line, named) in [
        ("{'eventName': 'LeaveOrganization'}", false),
        ("time=1 eventName=LeaveOrganization", true),
        ("%7B%22eventName%22%3A%22LeaveOrganization%22%7D", true),
        ("{&quot;eventName&quot;:&quot;LeaveOrganization&quot;}", false),
        (r#"{"results":[[{"field":"eventName","value":"LeaveOrganization"}]]}"#, true),
        (r#"[{"Key":"eventName","Value":"LeaveOrganization"}]"#, true),
        (r#"{"eventName":{"S":"LeaveOrganization"},"eventSource":{"S":"x"}}"#, true),
        (r#"{"log":"eventName=LeaveOrganization"}"#, true),
        (r#"{"eventName":["LeaveOrganization"]}"#, true),
    ] {
        let batch = Detector::open("{}").unwrap().detect_batch(line.as_bytes());
        assert_eq!((batch.counts.events, batch.counts.unreadable), (1, 1), "{line}");
        let reason = &batch.unreadable[0].reason;
        assert_eq!(reason.contains("names LeaveOrganization"), named, "{line}: {reason}");
        let other = line.replace("LeaveOrganization", "DescribeThings");
        let counts = Detector::open("{}").unwrap().detect_batch(other.as_bytes()).counts;
        assert_eq!((counts.events, counts.rejected, counts.evaluated), (1, 0, 0), "{other}");
    }
}
