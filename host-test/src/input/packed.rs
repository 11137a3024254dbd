//! Lines whose events are packed: compressed, in base64, or both.
//!
//! | line | packed |
//! | --- | --- |
//! | `{"awslogs":{"data":"…"}}` | a CloudWatch Logs subscription, as a Lambda function gets it |
//! | `{"Records":[{"kinesis":{"data":"…"}}]}` | records of a Kinesis stream, as a Lambda function gets them |
//! | `{"records":[{"data":"…"}]}` | records of Firehose, as a Lambda function or an HTTP endpoint gets them |

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::allowance::Allowance;
use super::layers::{BodyFailure, decompress_all};
use super::{MAX_LINE, TOO_LONG};

/// The key that all of them have.
pub(super) const KEY: &[u8] = b"\"data\"";

/// Keys of which a packed line has one.
const CARRIERS: [&[u8]; 3] = [b"\"awslogs\"", b"\"kinesis\"", b"\"records\""];

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    awslogs: Option<Data<'a>>,
    #[serde(borrow, default)]
    records: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default, rename = "Records")]
    kinesis_records: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
}

#[derive(Deserialize)]
struct KinesisRecord<'a> {
    #[serde(borrow)]
    kinesis: Data<'a>,
}

/// The line that a packed line stands for: its document, or the same list with its data unpacked. None, if it
/// is not packed; fails with the reason.
pub(super) fn unpacked(line: &[u8], allowance: &mut Allowance) -> Option<Result<Vec<u8>, String>> {
    if !CARRIERS.iter().any(|key| memmem::find(line, key).is_some()) {
        return None;
    }
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    if let Some(Data { data }) = line.awslogs {
        let packed = |document: &Vec<u8>| !is_json(document) && !document.trim_ascii().is_empty();
        let document = match decode(&data, allowance) {
            Ok(document) if packed(&document) => Err("neither compressed nor JSON".into()),
            document => document.map(one_line),
        };
        return Some(document.map_err(|reason| format!("awslogs: {reason}")));
    }
    if let Some(records) = line.records {
        let data =
            |raw: &str| serde_json::from_str::<Data<'_>>(raw).ok().map(|it| it.data.into_owned());
        return list(&records, data, b"{\"records\":[", (b"{\"data\":", b"}"), allowance);
    }
    let data = |raw: &str| {
        serde_json::from_str::<KinesisRecord<'_>>(raw).ok().map(|it| it.kinesis.data.into_owned())
    };
    let around = (&b"{\"kinesis\":{\"data\":"[..], &b"}}"[..]);
    list(&line.kinesis_records?, data, b"{\"Records\":[", around, allowance)
}

/// A list with the data of its elements unpacked. None, if none of them has any.
fn list(
    elements: &[&RawValue],
    data: impl Fn(&str) -> Option<String>,
    start: &[u8],
    (before, after): (&[u8], &[u8]),
    allowance: &mut Allowance,
) -> Option<Result<Vec<u8>, String>> {
    let mut line = start.to_vec();
    let mut any = false;
    for (n, element) in elements.iter().enumerate() {
        if n > 0 {
            line.push(b',');
        }
        let unpacked = match data(element.get()) {
            Some(data) => decode(&data, allowance).ok(),
            None => None,
        };
        match unpacked.filter(|unpacked| is_json(unpacked)) {
            Some(unpacked) => {
                any = true;
                line.extend_from_slice(before);
                push_value(&unpacked, &mut line);
                line.extend_from_slice(after);
            }
            // As it came: the detector says that it cannot be read, if it is packed.
            None => line.extend_from_slice(element.get().as_bytes()),
        }
        if line.len() > MAX_LINE {
            return Some(Err(TOO_LONG.into()));
        }
    }
    line.extend_from_slice(b"]}");
    any.then(|| Ok(one_line(line)))
}

/// Appends JSON as it stands, and anything else as text.
fn push_value(unpacked: &[u8], line: &mut Vec<u8>) {
    if serde_json::from_slice::<IgnoredAny>(unpacked).is_ok() {
        return line.extend_from_slice(unpacked);
    }
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(line, &String::from_utf8_lossy(unpacked));
}

/// The bytes behind base64 and, where they are compressed, behind that.
fn decode(data: &str, allowance: &mut Allowance) -> Result<Vec<u8>, String> {
    let bytes = STANDARD.decode(data).map_err(|err| format!("not base64: {err}"))?;
    let limit = allowance.left().min(MAX_LINE as u64);
    match decompress_all(bytes.into(), None, limit as usize) {
        Ok(document) if document.len() as u64 <= limit => {
            allowance.spend(document.len() as u64);
            Ok(document.into())
        }
        Ok(_) | Err(BodyFailure::TooLong) => {
            allowance.spend(limit);
            Err(match limit < MAX_LINE as u64 {
                true => "decompresses to more than --max-decompressed allows".into(),
                false => TOO_LONG.into(),
            })
        }
        Err(BodyFailure::Damaged(err)) => Err(format!("cannot be decompressed: {err}")),
    }
}

/// Whether bytes are text that begins like JSON.
fn is_json(bytes: &[u8]) -> bool {
    let begins = |text: &str| text.trim_start().starts_with(['{', '[', '"']);
    std::str::from_utf8(bytes).is_ok_and(begins)
}

/// One line: outside of strings this changes nothing, and inside line breaks are not allowed.
fn one_line(mut document: Vec<u8>) -> Vec<u8> {
    super::one_line(&mut document);
    document
}

#[cfg(test)]
mod tests {
    use super::super::bytes::gzip;
    use super::*;

    fn unpacked_line(line: &str) -> Option<Result<String, String>> {
        let unpacked = unpacked(line.as_bytes(), &mut Allowance::new(1 << 30, false))?;
        Some(unpacked.map(|line| String::from_utf8(line).unwrap()))
    }

    #[test]
    fn data_of_firehose_and_kinesis_is_unpacked_where_it_stands() {
        let plain = STANDARD.encode("{\"a\":1}\n");
        let several = STANDARD.encode("{\"a\":1}\n{\"b\":2}");
        let packed = STANDARD.encode(gzip(b"{\"c\":\n3}"));
        let line = format!(
            r#"{{"requestId":"r","records":[{{"data":"{plain}"}},{{"data":"{several}"}}]}}"#
        );
        let unpacked = r#"{"records":[{"data":{"a":1} },{"data":"{\"a\":1}\n{\"b\":2}"}]}"#;
        assert_eq!(unpacked_line(&line), Some(Ok(unpacked.into())));
        let line = format!(
            r#"{{"Records":[{{"kinesis":{{"partitionKey":"p","data":"{packed}"}}}},{{"x":1}}]}}"#
        );
        let unpacked = r#"{"Records":[{"kinesis":{"data":{"c": 3}}},{"x":1}]}"#;
        assert_eq!(unpacked_line(&line), Some(Ok(unpacked.into())));
    }

    #[test]
    fn other_lines_are_not_packed() {
        for line in [
            r#"{"eventName":"PutRecords","requestParameters":{"records":[{"data":"aGVsbG8="}]}}"#,
            r#"{"records":[{"data":"hello"}]}"#,
            r#"{"records":[{"data":"aGVsbG8="}]}"#,
            r#"{"Records":[{"body":"x","kinesis":1}]}"#,
            r#"{"data":"e30="}"#,
            r#"{"records":"#,
        ] {
            assert_eq!(unpacked_line(line), None, "{line}");
        }
    }
}
