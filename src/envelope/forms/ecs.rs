//! The Elastic Common Schema, as Elastic's AWS integration and Filebeat's module write CloudTrail: nested or
//! with dots in the keys. Field names are those of the integration's `fields.yml`.

use std::borrow::Cow;

use super::fields::Fields;
use super::struct_text;
use super::writer::Writer;
use crate::json::{Kind, Value};
use crate::text::account_of_arn;

/// The record that a document tells. None, if it has the record itself, as it came.
pub(super) fn record(value: Value<'_>) -> Option<String> {
    if value.get("event").is_none() && value.get("event.action").is_none() {
        return None;
    }
    let fields = Fields::of(value);
    let (name, source) = (fields.text("event.action")?, fields.text("event.provider")?);
    let dataset =
        || ["event.dataset", "data_stream.dataset"].iter().find_map(|path| fields.text(path));
    let is_cloudtrail = source.ends_with(".amazonaws.com")
        || fields.get("aws.cloudtrail").is_some()
        || dataset().is_some_and(|dataset| dataset == "aws.cloudtrail");
    let original = ["event.original", "message"].iter().filter_map(|path| fields.text(path));
    if !is_cloudtrail || original.into_iter().any(|text| text.trim_start().starts_with('{')) {
        return None;
    }
    let own = |name: &str| format!("aws.cloudtrail.{name}");
    let text = |name: &str| fields.text(&own(name));
    let mut to = Writer::new();
    to.text("eventVersion", text("event_version"));
    to.object("userIdentity", |to| identity(&fields, to));
    to.text("eventTime", fields.text("@timestamp").or_else(|| fields.text("event.created")));
    to.text("eventSource", Some(source));
    to.text("eventName", Some(name));
    to.text("awsRegion", fields.text("cloud.region"));
    to.text("sourceIPAddress", fields.text("source.address").or_else(|| fields.text("source.ip")));
    to.text("userAgent", fields.text("user_agent.original"));
    let failed = fields.text("event.outcome").filter(|outcome| outcome == "failure");
    to.text("errorCode", text("error_code").or(failed));
    to.text("errorMessage", text("error_message"));
    for (key, name) in [
        ("requestParameters", "request_parameters"),
        ("responseElements", "response_elements"),
        ("serviceEventDetails", "service_event_details"),
    ] {
        structure(&fields, key, name, &mut to);
    }
    if structure(&fields, "additionalEventData", "additional_eventdata", &mut to).is_none() {
        let mfa = text("console_login.additional_eventdata.mfa_used");
        to.object("additionalEventData", |to| {
            let says = |used: Cow<'_, str>| if used == "true" { "Yes" } else { "No" };
            to.text("MFAUsed", mfa.map(says));
        });
    }
    to.text("requestID", text("request_id"));
    to.text("eventID", fields.text("event.id").or_else(|| text("event_id")));
    to.text("readOnly", text("read_only"));
    to.text("eventType", text("event_type"));
    to.text("managementEvent", text("management_event"));
    let account = text("recipient_account_id").or_else(|| fields.text("cloud.account.id"));
    to.text("recipientAccountId", account);
    to.text("sharedEventID", text("shared_event_id"));
    to.text("eventCategory", text("event_category"));
    to.text("vpcEndpointId", text("vpc_endpoint_id"));
    Some(to.finish())
}

fn identity(fields: &Fields<'_>, to: &mut Writer) {
    let text = |name: &str| fields.text(&format!("aws.cloudtrail.user_identity.{name}"));
    let arn = text("arn");
    to.text("type", text("type"));
    to.text("principalId", text("principal_id").or_else(|| fields.text("user.id")));
    to.text("arn", arn.as_deref());
    let account = text("account_id").or_else(|| account_of_arn(arn.as_deref()?).map(Cow::Borrowed));
    to.text("accountId", account.or_else(|| fields.text("cloud.account.id")));
    to.text("accessKeyId", text("access_key_id"));
    to.text("userName", fields.text("user.name"));
    to.text("invokedBy", text("invoked_by"));
    to.object("sessionContext", |to| {
        to.object("sessionIssuer", |to| {
            let text = |name: &str| text(&format!("session_context.session_issuer.{name}"));
            to.text("type", text("type"));
            to.text("principalId", text("principal_id"));
            to.text("arn", text("arn"));
            to.text("accountId", text("account_id"));
            to.text("userName", fields.text("user.name"));
        });
        to.object("attributes", |to| {
            to.text("creationDate", text("session_context.creation_date"));
            to.text("mfaAuthenticated", text("session_context.mfa_authenticated"));
        });
    });
}

/// A structure, which the integration keeps as an object (`flattened`), as JSON in text, or as text of its
/// own (`{a=b}`).
fn structure(fields: &Fields<'_>, key: &str, name: &str, to: &mut Writer) -> Option<()> {
    let object = fields.get(&format!("aws.cloudtrail.flattened.{name}"));
    let value = object.or_else(|| fields.get(&format!("aws.cloudtrail.{name}")))?;
    let text = value.text().filter(|text| struct_text::is_struct(text));
    match text.and_then(|text| struct_text::to_json(&text, |key| key)) {
        Some(json) => to.json(key, &json),
        None if value.kind() == Kind::Null => return None,
        None => to.value(key, Some(value)),
    }
    Some(())
}
