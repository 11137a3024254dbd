//! The resources that carry the trail: buckets, topics, queues, keys, log groups, rules and delivery streams.

use super::{Ownership, Record};

/// The names or ARNs of the resources that carry the trail, by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPath {
    /// Of each of [`KINDS`], in its order.
    pub of_kind: [Vec<String>; KINDS.len()],
}

/// The kinds, by the setting's key: the service that a call on one comes from, and the parameters that
/// name it.
pub const KINDS: [(&str, &str, &[&str]); 7] = [
    ("buckets", "s3.amazonaws.com", &["bucketName"]),
    ("topics", "sns.amazonaws.com", &["topicArn", "subscriptionArn"]),
    ("queues", "sqs.amazonaws.com", &["queueUrl"]),
    ("keys", "kms.amazonaws.com", &["keyId"]),
    ("log_groups", "logs.amazonaws.com", &["logGroupName"]),
    ("rules", "events.amazonaws.com", &["rule", "name"]),
    ("delivery_streams", "firehose.amazonaws.com", &["deliveryStreamName"]),
];

/// The parameters of UpdateTrail that say where the trail goes, and their kinds' places in [`KINDS`].
const TRAIL_TO: [(&str, usize); 5] = [
    ("s3BucketName", 0),
    ("snsTopicName", 1),
    ("snsTopicARN", 1),
    ("kmsKeyId", 3),
    ("cloudWatchLogsLogGroupArn", 4),
];

/// Parts of the names that AWS and its guides give such resources.
const LIKELY: [&str; 2] = ["cloudtrail", "aws-controltower"];

/// Whether the request is about a resource that carries the trail: `named` in the settings, or `likely` by
/// its name where they name none of its kind.
pub fn concerns(record: &Record<'_>, ownership: &Ownership) -> Option<&'static str> {
    let source = record.at(&["eventSource"])?;
    let kind = KINDS.iter().position(|(_, service, _)| *service == source)?;
    let (_, _, parameters) = KINDS.get(kind)?;
    let asked = parameters.iter().filter_map(|key| record.at(&["requestParameters", key]));
    let resources = ["ARN", "arn"].iter().flat_map(|key| record.look(&["resources", key]).values());
    let resources = resources.filter_map(|arn| arn.scalar());
    let all: Vec<_> = asked.chain(resources).collect();
    let named = ownership.log_path.of_kind.get(kind)?;
    if named.is_empty() {
        let likely =
            |text: &str| LIKELY.iter().any(|part| name(text).to_lowercase().contains(part));
        return all.iter().any(|text| likely(text)).then_some("likely");
    }
    all.iter().any(|text| named.iter().any(|own| is_same(own, text))).then_some("named")
}

/// Where a trail is sent by the request: `elsewhere` than the settings name, `known` to them, or `unknown`,
/// as they name nothing of the kind.
pub fn trail_to(record: &Record<'_>, ownership: &Ownership) -> Option<&'static str> {
    let mut worst = None;
    for (key, kind) in TRAIL_TO {
        let Some(to) = record.at(&["requestParameters", key]) else { continue };
        let named = ownership.log_path.of_kind.get(kind).map(Vec::as_slice).unwrap_or_default();
        let says = match named {
            [] => "unknown",
            named if named.iter().any(|own| is_same(own, &to)) => "known",
            _ => return Some("elsewhere"),
        };
        if worst != Some("unknown") {
            worst = Some(says);
        }
    }
    worst
}

/// Whether two names or ARNs are of one resource. Two ARNs have to agree on the account too.
fn is_same(own: &str, other: &str) -> bool {
    let (own, other) = (own.trim(), other.trim());
    let whole = |text: &str| text.starts_with("arn:");
    // The resource of a bucket says neither region nor account.
    let place = |text: &str| text.split(':').take(5).map(str::to_owned).collect::<Vec<_>>();
    name(own) == name(other) && !(whole(own) && whole(other) && place(own) != place(other))
}

/// The name in an ARN or in the URL of a queue; any other text is a name.
fn name(text: &str) -> &str {
    let text = text.trim();
    if let Some((_, path)) = text.split_once("://") {
        return path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    }
    if !text.starts_with("arn:") {
        return text.strip_suffix(":*").unwrap_or(text);
    }
    let service = text.split(':').nth(2).unwrap_or_default();
    let resource = text.splitn(6, ':').nth(5).unwrap_or(text);
    match service {
        // `log-group:<name>:*`
        "logs" => {
            let group = resource.strip_prefix("log-group:").unwrap_or(resource);
            group.split(':').next().unwrap_or(group)
        }
        // An alias has no key in front of it; its type is part of its name.
        "kms" => resource.strip_prefix("key/").unwrap_or(resource),
        // A subscription is its topic and an id.
        "sns" => resource.split(':').next().unwrap_or(resource),
        "s3" => resource.split('/').next().unwrap_or(resource),
        _ => resource.rsplit('/').next().unwrap_or(resource),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_arns_of_one_resource_are_the_same() {
        for (own, other, same) in [
            ("trail-logs", "trail-logs", true),
            ("trail-logs", "trail-logs-2", false),
            ("arn:aws:s3:::trail-logs", "trail-logs", true),
            ("trail", "arn:aws:sns:us-east-1:111122223333:trail:0f-1", true),
            ("trail", "https://sqs.us-east-1.amazonaws.com/111122223333/trail", true),
            ("arn:aws:sqs:us-east-1:111122223333:trail", "https://sqs.x/111122223333/trail", true),
            ("arn:aws:logs:us-east-1:111122223333:log-group:/aws/trail:*", "/aws/trail", true),
            ("1-2", "arn:aws:kms:us-east-1:111122223333:key/1-2", true),
            ("alias/trail", "arn:aws:kms:us-east-1:111122223333:alias/trail", true),
            ("trail", "arn:aws:events:us-east-1:111122223333:rule/bus/trail", true),
            ("arn:aws:sns:us-east-1:111122223333:a", "arn:aws:sns:us-east-1:444455556666:a", false),
        ] {
            assert_eq!(is_same(own, other), same, "{own} {other}");
        }
    }
}
