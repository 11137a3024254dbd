//! OCSF API Activity (class 3005 until OCSF 1.0, 6003 since), as Amazon Security Lake makes it of
//! CloudTrail, and the other classes that it makes of single calls. Read in its published mappings for
//! source versions 1 and 2; later versions of OCSF have added fields and moved none of these.

use super::fields::Fields;
use super::writer::Writer;
use crate::json::{Kind, Value};
use crate::text::account_of_arn;

/// The record that an event tells. None, if it has the record itself, as it came.
pub(super) fn record(value: Value<'_>) -> Option<String> {
    if value.get("class_uid").is_none() && value.get("api.operation").is_none() {
        return None;
    }
    let fields = Fields::of(value);
    let (name, source) = (fields.text("api.operation")?, fields.text("api.service.name")?);
    if fields.text("raw_data").is_some_and(|raw| raw.trim_start().starts_with('{')) {
        return None;
    }
    let mut to = Writer::new();
    to.text("eventVersion", fields.text("metadata.product.version"));
    to.object("userIdentity", |to| identity(&fields, to));
    match fields.text("time_dt") {
        Some(time) => to.text("eventTime", Some(time)),
        None => to.value("eventTime", fields.get("time")),
    }
    to.text("eventSource", Some(source));
    to.text("eventName", Some(name));
    to.text("awsRegion", fields.text("cloud.region"));
    let from = ["src_endpoint.ip", "src_endpoint.domain", "src_endpoint.svc_name"];
    to.text("sourceIPAddress", from.iter().find_map(|path| fields.text(path)));
    to.text("userAgent", fields.text("http_request.user_agent"));
    let failed = fields.text("status_id").is_some_and(|id| id == "2")
        || fields.text("status").is_some_and(|status| status.eq_ignore_ascii_case("failure"));
    let code = fields.text("api.response.error").or_else(|| fields.text("api.response.code"));
    let code = code.map(std::borrow::Cow::into_owned);
    to.text("errorCode", code.or(failed.then(|| "Failure".to_owned())));
    let message = ["api.response.error_message", "api.response.message", "status_detail"];
    to.text("errorMessage", message.iter().find_map(|path| fields.text(path)));
    to.value("requestParameters", fields.get("api.request.data").filter(says_something));
    to.value("responseElements", fields.get("api.response.data").filter(says_something));
    to.text("requestID", fields.text("api.request.uid"));
    to.text("eventID", fields.text("metadata.uid"));
    let kind = fields.text("metadata.event_code").or_else(|| fields.text("unmapped.eventType"));
    to.text("eventType", kind);
    let account = ["unmapped.recipientAccountId", "cloud.account.uid", "cloud.account_uid"];
    to.text("recipientAccountId", account.iter().find_map(|path| fields.text(path)));
    unmapped(&fields, &mut to);
    Some(to.finish())
}

fn identity(fields: &Fields<'_>, to: &mut Writer) {
    let ids = ["uid", "uuid", "uid_alt"].map(|name| fields.text(&format!("actor.user.{name}")));
    let is_arn = |id: &&str| id.starts_with("arn:");
    let ids: Vec<&str> = ids.iter().filter_map(|id| id.as_deref()).collect();
    let arn = ids.iter().copied().find(is_arn);
    to.text("type", fields.text("actor.user.type"));
    to.text("principalId", ids.iter().copied().find(|id| !is_arn(id)));
    to.text("arn", arn);
    let account = ["actor.user.account.uid", "actor.user.account_uid"];
    let account = account.iter().find_map(|path| fields.text(path));
    to.text("accountId", account.as_deref().or_else(|| account_of_arn(arn?)));
    to.text("accessKeyId", fields.text("actor.user.credential_uid"));
    to.text("userName", fields.text("actor.user.name"));
    to.text("invokedBy", fields.text("actor.invoked_by"));
    let issuer = fields.text("actor.session.issuer");
    let mfa = ["actor.session.is_mfa", "actor.session.mfa", "is_mfa", "mfa"];
    to.object("sessionContext", |to| {
        to.object("sessionIssuer", |to| {
            let name = issuer.as_deref().and_then(|issuer| issuer.rsplit('/').next());
            to.text("arn", issuer.as_deref());
            to.text(
                "userName",
                name.filter(|_| issuer.as_deref().is_some_and(|it| it.contains('/'))),
            );
        });
        to.object("attributes", |to| {
            let created = ["actor.session.created_time_dt", "actor.session.created_time"];
            to.text("creationDate", created.iter().find_map(|path| fields.text(path)));
            to.text("mfaAuthenticated", mfa.iter().find_map(|path| fields.text(path)));
        });
    });
}

/// What the mapping left as it was. Keys with dots are CloudTrail's own paths; no field that was written
/// above comes again.
fn unmapped(fields: &Fields<'_>, to: &mut Writer) {
    const WRITTEN: &[&str] = &[
        "errorCode",
        "errorMessage",
        "eventID",
        "eventName",
        "eventSource",
        "eventTime",
        "eventType",
        "recipientAccountId",
        "userIdentity",
    ];
    let Some(unmapped) = fields.get("unmapped") else { return };
    let has = |key: &str| match key {
        "requestParameters" => fields.get("api.request.data").is_some_and(|it| says_something(&it)),
        "responseElements" => fields.get("api.response.data").is_some_and(|it| says_something(&it)),
        key => WRITTEN.contains(&key),
    };
    for (key, value) in unmapped.entries() {
        if let Some(key) = key.text().filter(|key| !has(key)) {
            to.value(&key, Some(value));
        }
    }
}

/// Whether a value is more than the word null.
fn says_something(value: &Value<'_>) -> bool {
    value.kind() != Kind::Null && !value.text().is_some_and(|text| matches!(&*text, "" | "null"))
}
