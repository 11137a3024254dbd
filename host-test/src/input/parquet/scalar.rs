//! A value of a column, by what the schema says that it means, as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::errors::Result;
use parquet::schema::types::Type;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::columns::Value;

/// The meaning of a column's values.
#[derive(Clone, Copy)]
pub(super) enum Scalar {
    Plain,
    Unsigned,
    /// As many of it are a second. As a count of milliseconds, if it is a time of OCSF's.
    Timestamp {
        each_second: i128,
        count: bool,
    },
    Date,
    /// Digits behind the point.
    Decimal(u32),
    Uuid,
    Text,
}

impl Scalar {
    pub(super) fn of(schema: &Type) -> Scalar {
        let info = schema.get_basic_info();
        let name = schema.name().to_ascii_lowercase();
        let count = name == "time" || name.ends_with("_time");
        let timestamp = |each_second| Scalar::Timestamp { each_second, count };
        match info.logical_type_ref() {
            Some(LogicalType::Timestamp { unit, .. }) => {
                return timestamp(match unit {
                    TimeUnit::MILLIS => 1_000,
                    TimeUnit::MICROS => 1_000_000,
                    TimeUnit::NANOS => 1_000_000_000,
                });
            }
            Some(LogicalType::Uuid) => return Scalar::Uuid,
            _ => {}
        }
        match (info.converted_type(), schema.get_physical_type()) {
            (ConvertedType::TIMESTAMP_MILLIS, _) => timestamp(1_000),
            (ConvertedType::TIMESTAMP_MICROS, _) => timestamp(1_000_000),
            (_, Physical::INT96) => timestamp(1_000_000_000),
            (ConvertedType::DATE, _) => Scalar::Date,
            (ConvertedType::DECIMAL, _) => {
                Scalar::Decimal(u32::try_from(schema.get_scale()).unwrap_or(0))
            }
            (
                ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64,
                _,
            ) => Scalar::Unsigned,
            (ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON, _) => Scalar::Text,
            _ => Scalar::Plain,
        }
    }

    pub(super) fn write(self, value: Value<'_>, out: &mut Vec<u8>) -> Result<bool> {
        if let Scalar::Timestamp { each_second, count } = self {
            let Some(nanos) = nanoseconds(&value, each_second) else { return Ok(false) };
            let moment = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
            match moment.filter(|_| !count).and_then(|moment| moment.format(&Rfc3339).ok()) {
                Some(moment) => text(&moment, out),
                None => number(nanos.div_euclid(1_000_000), out),
            }
            return Ok(true);
        }
        match (self, value) {
            (_, Value::Bool(value)) => {
                out.extend_from_slice(if value { b"true" } else { b"false" })
            }
            (Scalar::Date, Value::Int32(days)) => {
                let day = OffsetDateTime::from_unix_timestamp(i64::from(days) * 86_400);
                match day {
                    Ok(day) => text(&day.date().to_string(), out),
                    Err(_) => number(i128::from(days), out),
                }
            }
            (Scalar::Decimal(scale), Value::Int32(value)) => decimal(i128::from(value), scale, out),
            (Scalar::Decimal(scale), Value::Int64(value)) => decimal(i128::from(value), scale, out),
            (Scalar::Decimal(scale), Value::Bytes(bytes)) if (1..=16).contains(&bytes.len()) => {
                let fill = if bytes[0] & 0x80 == 0 { 0 } else { 0xff };
                let mut wide = [fill; 16];
                wide[16 - bytes.len()..].copy_from_slice(bytes);
                decimal(i128::from_be_bytes(wide), scale, out);
            }
            (Scalar::Unsigned, Value::Int32(value)) => number(i128::from(value as u32), out),
            (Scalar::Unsigned, Value::Int64(value)) => number(i128::from(value as u64), out),
            (_, Value::Int32(value)) => number(i128::from(value), out),
            (_, Value::Int64(value)) => number(i128::from(value), out),
            (_, Value::Float(value)) if !value.is_finite() => return Ok(false),
            (_, Value::Float(value)) => out.extend_from_slice(format!("{value:?}").as_bytes()),
            (Scalar::Uuid, Value::Bytes(bytes)) if bytes.len() == 16 => {
                let mut hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                for at in [20, 16, 12, 8] {
                    hex.insert(at, '-');
                }
                text(&hex, out);
            }
            (Scalar::Text, Value::Bytes(bytes)) => text(&String::from_utf8_lossy(bytes), out),
            // Older writers do not say what is text.
            (_, Value::Bytes(bytes)) => match std::str::from_utf8(bytes) {
                Ok(value) => text(value, out),
                Err(_) => text(&STANDARD.encode(bytes), out),
            },
            (_, Value::Int96(_)) => return Ok(false),
        }
        Ok(true)
    }
}

fn nanoseconds(value: &Value<'_>, each_second: i128) -> Option<i128> {
    Some(match value {
        Value::Int32(count) => i128::from(*count) * (1_000_000_000 / each_second),
        Value::Int64(count) => i128::from(*count) * (1_000_000_000 / each_second),
        Value::Int96(value) => {
            // Nanoseconds of a Julian day.
            let [low, high, day] = *value.data() else { return None };
            let nanos = i128::from(low) | i128::from(high) << 32;
            (i128::from(day) - 2_440_588) * 86_400_000_000_000 + nanos
        }
        _ => return None,
    })
}

fn number(value: i128, out: &mut Vec<u8>) {
    out.extend_from_slice(value.to_string().as_bytes());
}

/// A number with so many digits behind the point.
fn decimal(value: i128, scale: u32, out: &mut Vec<u8>) {
    let scale = scale.min(64) as usize;
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    out.extend_from_slice(format!("{sign}{whole}{point}{part}").as_bytes());
}

pub(super) fn text(value: &str, out: &mut Vec<u8>) {
    // Nothing fails to be written into memory.
    let _ = serde_json::to_writer(out, value);
}
