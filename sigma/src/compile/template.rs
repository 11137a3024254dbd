//! Parsing templates.

use crate::{Part, Path, Source, Template, Value};

/// The fields that a path into a record may begin with: CloudTrail's own top-level fields.
const RECORD_FIELDS: &[&str] = &[
    "additionalEventData",
    "apiVersion",
    "awsRegion",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "recipientAccountId",
    "requestID",
    "requestParameters",
    "resources",
    "responseElements",
    "serviceEventDetails",
    "sessionCredentialFromConsole",
    "sharedEventID",
    "sourceIPAddress",
    "userAgent",
    "userIdentity",
    "vpcEndpointId",
];

/// Parses a template, naming `key` in what is wrong with it.
pub(super) fn parse(key: &str, text: &str) -> Result<Template, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (inside, after) =
            after.split_once('}').ok_or_else(|| format!("{key}: a {{ without its }}"))?;
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        let sources = inside
            .split('|')
            .map(|name| source(name.trim()))
            .collect::<Result<_, _>>()
            .map_err(|problem| format!("{key}: {problem}"))?;
        parts.push(Part::Value(sources));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(Template(parts))
}

fn source(name: &str) -> Result<Source, String> {
    if let Some(literal) = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        return Ok(Source::Literal(literal.to_owned()));
    }
    if let Some((_, value)) = Value::ALL.iter().find(|(known, _)| *known == name) {
        return Ok(Source::Finding(*value));
    }
    let path = Path::from(name);
    if path.segments.first().is_some_and(|first| RECORD_FIELDS.contains(&first.as_str())) {
        return Ok(Source::Record(path));
    }
    Err(format!("{{{name}}} is neither a value of the finding nor a path into a CloudTrail record"))
}
