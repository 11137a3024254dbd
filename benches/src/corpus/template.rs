//! One record of the fixtures, with holes where records of the same kind differ.

use std::sync::LazyLock;

use regex::Regex;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Values that differ in every record: ids, times, accounts, keys, addresses.
static HOLES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        (?<uuid>\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b)
        | (?<time>\b20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)
        | (?<account>\b[0-9]{12}\b)
        | (?<key>\b(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{12,17}\b)
        | (?<hex>\b[0-9a-f]{17}\b)
        | (?<address>\b(?:192\.0\.2|198\.51\.100|203\.0\.113)\.[0-9]{1,3}\b)",
    )
    .expect("it is written here, and tests use it")
});

/// The number of accounts in the organization of a corpus.
const ACCOUNTS: usize = 200;

/// A record to make others of.
#[derive(Debug)]
pub struct Template {
    /// Text, and the value that follows it; the last text is followed by none.
    pieces: Vec<(String, Option<usize>)>,
    /// Values that were the same in the original are the same in what is made of it.
    values: Vec<Value>,
    /// Which of them is the event's id.
    event_id: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Uuid,
    /// Seconds after the event's own time.
    Time(i64),
    Account,
    /// With this prefix, and as long as this.
    Key(String, usize),
    Hex(usize),
    /// With this network.
    Address(String),
}

impl Template {
    /// Makes one of a record; none if the record has no event id or time to replace.
    pub fn of(record: &str, event_id: &str, event_time: &str) -> Option<Self> {
        let start = OffsetDateTime::parse(event_time, &Rfc3339).ok()?.unix_timestamp();
        let mut pieces = Vec::new();
        let mut values = Vec::new();
        let mut known: Vec<&str> = Vec::new();
        let mut end = 0;
        for found in HOLES.captures_iter(record) {
            let whole = found.get(0)?;
            let at = known.iter().position(|text| *text == whole.as_str()).unwrap_or(known.len());
            if at == known.len() {
                known.push(whole.as_str());
                values.push(value(&found, start)?);
            }
            pieces.push((record[end..whole.start()].to_owned(), Some(at)));
            end = whole.end();
        }
        pieces.push((record[end..].to_owned(), None));
        let event_id = known.iter().position(|text| *text == event_id)?;
        known.contains(&event_time).then_some(Template { pieces, values, event_id })
    }

    /// Appends a record of this kind, at a time in seconds since 1970, and gives its event id.
    pub fn write(&self, time: i64, random: &mut fastrand::Rng, to: &mut Vec<u8>) -> String {
        let account = random.usize(..ACCOUNTS);
        let values: Vec<String> = (0..self.values.len())
            // A prime step: no two accounts of one record become the same.
            .map(|at| self.values[at].another(time, (account + at * 7) % ACCOUNTS, random))
            .collect();
        for (text, value) in &self.pieces {
            to.extend_from_slice(text.as_bytes());
            to.extend(value.iter().flat_map(|at| values[*at].bytes()));
        }
        values[self.event_id].clone()
    }
}

fn value(found: &regex::Captures<'_>, start: i64) -> Option<Value> {
    let text = found.get(0)?.as_str();
    Some(if found.name("uuid").is_some() {
        Value::Uuid
    } else if found.name("time").is_some() {
        Value::Time(OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp() - start)
    } else if found.name("account").is_some() {
        Value::Account
    } else if found.name("key").is_some() {
        Value::Key(text[..4].to_owned(), text.len())
    } else if found.name("hex").is_some() {
        Value::Hex(text.len())
    } else {
        Value::Address(text.rsplit_once('.')?.0.to_owned())
    })
}

impl Value {
    fn another(&self, time: i64, account: usize, random: &mut fastrand::Rng) -> String {
        let mut of = |letters: &[u8], length: usize| -> String {
            (0..length).map(|_| char::from(letters[random.usize(..letters.len())])).collect()
        };
        match self {
            Value::Uuid => {
                let n = random.u128(..);
                let (a, b, c) = ((n >> 96) as u32, (n >> 80) as u16, (n >> 68) as u16 & 0xfff);
                let (d, e) = ((n >> 48) as u16 & 0x3fff | 0x8000, n as u64 & 0xffff_ffff_ffff);
                format!("{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}")
            }
            Value::Time(after) => rfc3339(time + after),
            Value::Account => account_number(account),
            Value::Key(prefix, length) => {
                let rest = of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length - prefix.len());
                format!("{prefix}{rest}")
            }
            Value::Hex(length) => of(b"0123456789abcdef", *length),
            Value::Address(network) => format!("{network}.{}", random.u8(1..255)),
        }
    }
}

/// The account numbers of a corpus: spread out, and never the same.
pub(super) fn account_number(account: usize) -> String {
    format!("{:012}", 104_729_000_000 + account as u64 * 3_571_428_571)
}

pub(super) fn rfc3339(time: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(time).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"eventTime":"2026-11-17T00:25:00Z","userIdentity":{"accountId":"444455556666","accessKeyId":"ASIAB7RM2QGUVFW4TFPD","creationDate":"2026-11-17T00:02:11Z"},"sourceIPAddress":"192.0.2.61","instanceId":"i-0d4f8b21c9e7a3560","eventID":"d34e6367-5c34-40c2-82ff-82be834bb1c2","recipientAccountId":"444455556666"}"#;

    fn made(seed: u64) -> (String, String) {
        let template =
            Template::of(RECORD, "d34e6367-5c34-40c2-82ff-82be834bb1c2", "2026-11-17T00:25:00Z");
        let mut to = Vec::new();
        let mut random = fastrand::Rng::with_seed(seed);
        let id = template.unwrap().write(1_800_000_000, &mut random, &mut to);
        (String::from_utf8(to).unwrap(), id)
    }

    #[test]
    fn everything_that_tells_records_apart_is_replaced() {
        let (record, id) = made(1);
        assert_eq!(record.len(), RECORD.len() + "192.0.2.200".len() - "192.0.2.61".len());
        for old in ["00:25:00", "444455556666", "B7RM2QGUVFW4TFPD", "0d4f8b21c9e7a3560", "d34e6367"]
        {
            assert!(!record.contains(old), "{old} is still in {record}");
        }
        assert!(record.contains(&format!("\"eventID\":\"{id}\"")), "{record}");
        assert!(record.contains(r#""eventTime":"2027-01-15T08:00:00Z""#), "{record}");
        assert!(record.contains(r#""creationDate":"2027-01-15T07:37:11Z""#), "{record}");
    }

    #[test]
    fn what_was_the_same_stays_the_same() {
        let record: serde_json::Value = serde_json::from_str(&made(2).0).unwrap();
        assert_eq!(record["userIdentity"]["accountId"], record["recipientAccountId"]);
    }

    #[test]
    fn a_seed_gives_the_same_record() {
        assert_eq!(made(3), made(3));
        assert_ne!(made(3), made(4));
    }

    #[test]
    fn a_record_without_its_own_id_is_no_template() {
        assert!(Template::of(RECORD, "not-a-uuid", "2026-11-17T00:25:00Z").is_none());
    }
}
