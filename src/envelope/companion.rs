//! Things that stand beside CloudTrail's records in buckets and queues and are none.

use crate::json::{Kind, Value};

/// Something that accompanies records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Companion {
    /// A notification that an object was written, by S3, SNS or CloudTrail: the records are in the object.
    Notification,
    /// A digest file, for checking that log files are whole.
    Digest,
    /// An event of CloudTrail Insights.
    Insight,
    /// A finding of orgwatch.
    Finding,
    /// An object of a bucket that holds no record.
    Empty,
}

impl Companion {
    /// The kind that an object is of.
    pub(super) fn of(value: Value<'_>) -> Option<Companion> {
        let text = |key: &str| value.get(key).and_then(|value| value.text());
        let has = |key: &str| value.get(key).is_some();
        if is_service_notification(value) || has("s3ObjectKey") && has("s3Bucket") {
            return Some(Companion::Notification);
        }
        if text("Event").is_some_and(|event| event == "s3:TestEvent") {
            return Some(Companion::Notification);
        }
        if text("detail-type").is_some_and(|kind| kind.starts_with("Object "))
            && text("source").is_some_and(|source| source == "aws.s3")
        {
            return Some(Companion::Notification);
        }
        if has("digestS3Bucket") && has("digestStartTime") {
            return Some(Companion::Digest);
        }
        if has("insightDetails") {
            return Some(Companion::Insight);
        }
        is_finding(value).then_some(Companion::Finding)
    }
}

/// Whether S3 or another service tells of something that happened to it, in records that look like
/// CloudTrail's. Those of queues and streams that carry something are envelopes.
fn is_service_notification(value: Value<'_>) -> bool {
    let source = value.get("eventSource").and_then(|source| source.text());
    source.is_some_and(|source| source.starts_with("aws:"))
        && value.get("body").is_none()
        && value.get("kinesis").is_none()
        && value.get("Sns").is_none()
}

/// Whether it is a finding of ours, plain or as OCSF.
fn is_finding(value: Value<'_>) -> bool {
    let named = |value: Option<Value<'_>>| {
        let name = value.filter(|value| value.kind() == Kind::Object).and_then(|it| it.get("name"));
        name.and_then(|name| name.text()).is_some_and(|name| name == "orgwatch")
    };
    named(value.get("artifact")) && value.get("rule_id").is_some()
        || named(value.get("metadata").and_then(|metadata| metadata.get("product")))
}
