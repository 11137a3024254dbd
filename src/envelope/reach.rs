//! Where records are looked for.
//!
//! Others write into the logs that pass a router: a text in a web server's log can be made to look like
//! a record. So a router looks under the keys of envelopes that are known, and those that its settings
//! name. A person who scans files wants whatever is in them.

/// The keys under which envelopes hold records, by themselves or as text.
const KEYS: &[&str] = &[
    // EventBridge; `lookup-events`.
    "detail",
    "CloudTrailEvent",
    // Vector, Fluent Bit, Datadog, CloudWatch Logs; CloudWatch Logs Insights; Splunk, Cribl.
    "message",
    "log",
    "@message",
    "_raw",
    "event",
    // Elastic.
    "event.original",
    "original",
    "_source",
    // SNS, SQS, Lambda's events of both.
    "Message",
    "body",
    "Body",
    "Sns",
    // CloudWatch Logs subscriptions, Kinesis and Firehose, whose data a host has unpacked.
    "awslogs",
    "kinesis",
    "data",
    // OCSF.
    "raw_data",
];

/// The keys of lists whose elements are events each.
const LISTS: &[&str] =
    &["Records", "Events", "logEvents", "records", "Messages", "hits", "QueryResultRows"];

/// Where records are looked for, beside the top of an event and arrays there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Under any key.
    everywhere: bool,
    /// Paths of keys, with dots between them, beside those of known envelopes.
    paths: Vec<String>,
}

impl Reach {
    /// Under any key.
    pub fn everywhere() -> Reach {
        Reach { everywhere: true, paths: Vec::new() }
    }

    /// Under the keys of known envelopes and at these paths of keys; `*` is any key.
    pub fn at(paths: Vec<String>) -> Reach {
        Reach { everywhere: paths.iter().any(|path| path == "*"), paths }
    }

    /// Whether it is under any key.
    pub fn is_everywhere(&self) -> bool {
        self.everywhere
    }

    pub(super) fn paths(&self) -> &[String] {
        &self.paths
    }
}

/// Whether the elements of a list under this key are events each.
pub(super) fn is_list(key: &str) -> bool {
    LISTS.contains(&key)
}

/// Whether a known envelope has records under this key.
pub(super) fn is_known(key: &str) -> bool {
    KEYS.contains(&key)
}
