//! Events that are made for a fleet.

/// The number of the first near miss: those before leave.
const FIRST: usize = 1_000_000;

const ID: &str = "00000000-0000-4000-8000-";

/// The number of the event that a message speaks of.
pub fn number_of(message: &str) -> Option<usize> {
    let digits = &message[message.find(ID)? + ID.len()..];
    digits.get(..12)?.parse().ok()
}

/// An account leaves its organization.
pub fn leaving(number: usize) -> String {
    event(number, "LeaveOrganization", 100_000_000_000 + number)
}

/// Wanted by a rule, which does not match: what most candidates are.
pub fn near_miss(number: usize) -> String {
    event(FIRST + number, "PutBucketPolicy", 111_122_223_333)
}

fn event(number: usize, name: &str, account: usize) -> String {
    let source = if name == "LeaveOrganization" { "organizations" } else { "s3" };
    let id = format!("{ID}{number:012}");
    let padding = "p".repeat(500);
    format!(
        "{{\"eventVersion\":\"1.09\",\"userIdentity\":{{\"type\":\"AssumedRole\",\
         \"arn\":\"arn:aws:sts::{account:012}:assumed-role/admin/someone\",\"accountId\":\"{account:012}\"}},\
         \"eventTime\":\"2026-05-04T03:02:01Z\",\"eventSource\":\"{source}.amazonaws.com\",\
         \"eventName\":\"{name}\",\"awsRegion\":\"us-east-1\",\"sourceIPAddress\":\"198.51.100.7\",\
         \"userAgent\":\"aws-cli/2.0\",\"requestParameters\":{{\"key\":\"{padding}\"}},\"responseElements\":null,\
         \"eventID\":\"{id}\",\"eventType\":\"AwsApiCall\",\"recipientAccountId\":\"{account:012}\"}}\n"
    )
}
