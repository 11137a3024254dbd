//! Rows as JSON.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::errors::Result;
use parquet::schema::types::Type;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::{MAX_LINE, TOO_LONG};
use super::columns::{Column, Value};
use super::pages::wrong;

/// A part of the schema, and how it becomes JSON.
pub(super) struct Node {
    name: String,
    /// The level of definition from which on it is there.
    definition: i16,
    /// Its columns.
    columns: Range<usize>,
    form: Form,
}

enum Form {
    Scalar(Scalar),
    Structure(Vec<Node>),
    List { repeated: Level, element: Box<Node> },
    Map { repeated: Level, key: Box<Node>, value: Option<Box<Node>> },
}

#[derive(Clone, Copy)]
struct Level {
    definition: i16,
    repetition: i16,
}

/// The meaning of a column's values.
#[derive(Clone, Copy)]
enum Scalar {
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

/// Levels of what a node is in, and the next column.
struct Building {
    definition: i16,
    repetition: i16,
    column: usize,
}

impl Node {
    /// That of all columns.
    pub(super) fn root(schema: &Type) -> Node {
        let mut at = Building { definition: 0, repetition: 0, column: 0 };
        let fields = schema.get_fields().iter().map(|field| Node::new(field, &mut at)).collect();
        let columns = 0..at.column;
        Node { name: String::new(), definition: 0, columns, form: Form::Structure(fields) }
    }

    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    fn new(schema: &Type, at: &mut Building) -> Node {
        if schema.get_basic_info().repetition() == Repetition::REPEATED {
            // A list without a group of its own around it.
            let (definition, start) = (at.definition, at.column);
            let (repeated, element) = at.repeated(|at| Node::inside(schema, at));
            let (name, columns) = (schema.name().to_owned(), start..at.column);
            let form = Form::List { repeated, element: Box::new(element) };
            return Node { name, definition, columns, form };
        }
        let optional = i16::from(schema.is_optional());
        at.definition += optional;
        let node = Node::inside(schema, at);
        at.definition -= optional;
        node
    }

    /// Without regard to how often it is there.
    fn inside(schema: &Type, at: &mut Building) -> Node {
        let (definition, start) = (at.definition, at.column);
        let form = if schema.is_primitive() {
            at.column += 1;
            Form::Scalar(Scalar::of(schema))
        } else if let Some(repeated) = only_repeated(schema) {
            match (is_map(schema), repeated.is_group().then(|| repeated.get_fields())) {
                (true, Some([key, value])) => {
                    let (repeated, (key, value)) =
                        at.repeated(|at| (Node::new(key, at), Node::new(value, at)));
                    Form::Map { repeated, key: Box::new(key), value: Some(Box::new(value)) }
                }
                (_, fields) => {
                    let one =
                        fields.filter(|fields| fields.len() == 1 && is_wrapper(schema, repeated));
                    let (repeated, element) = at.repeated(|at| match one {
                        Some(fields) => Node::new(&fields[0], at),
                        None => Node::inside(repeated, at),
                    });
                    Form::List { repeated, element: Box::new(element) }
                }
            }
        } else {
            Form::Structure(schema.get_fields().iter().map(|field| Node::new(field, at)).collect())
        };
        let columns = start..at.column;
        Node { name: schema.name().to_owned(), definition, columns, form }
    }

    /// Appends the next value as JSON. False, and nothing is appended, if it is null.
    pub(super) fn write(
        &self,
        columns: &mut [Column],
        out: &mut Vec<u8>,
        most: usize,
    ) -> Result<bool> {
        fits(out, most)?;
        let Some(first) = columns.get(self.columns.start).filter(|_| !self.columns.is_empty())
        else {
            return Ok(false);
        };
        let definition = first.definition()?;
        if definition < self.definition {
            self.skip(columns)?;
            return Ok(false);
        }
        match &self.form {
            Form::Scalar(scalar) => {
                let column = &mut columns[self.columns.start];
                return scalar.write(column.take()?, out);
            }
            Form::Structure(fields) => {
                out.push(b'{');
                let empty = out.len();
                for field in fields {
                    let start = out.len();
                    if start > empty {
                        out.push(b',');
                    }
                    text(&field.name, out);
                    out.push(b':');
                    if !field.write(columns, out, most)? {
                        out.truncate(start);
                    }
                }
                out.push(b'}');
            }
            Form::List { repeated, element } => {
                out.push(b'[');
                self.repeat(*repeated, columns, out, |columns, out, _| {
                    if !element.write(columns, out, most)? {
                        out.extend_from_slice(b"null");
                    }
                    Ok(())
                })?;
                out.push(b']');
            }
            Form::Map { repeated, key, value } => {
                out.push(b'{');
                self.repeat(*repeated, columns, out, |columns, out, start| {
                    let key_at = out.len();
                    if !key.write(columns, out, most)? {
                        out.extend_from_slice(b"null");
                    }
                    if out.get(key_at) != Some(&b'"') {
                        let other = String::from_utf8_lossy(&out.split_off(key_at)).into_owned();
                        text(&other, out);
                    }
                    out.push(b':');
                    let written = match value {
                        Some(value) => value.write(columns, out, most)?,
                        None => false,
                    };
                    if !written {
                        out.truncate(start);
                    }
                    Ok(())
                })?;
                out.push(b'}');
            }
        }
        Ok(true)
    }

    /// Writes what is repeated, with commas between; each is told where it is to start.
    fn repeat(
        &self,
        repeated: Level,
        columns: &mut [Column],
        out: &mut Vec<u8>,
        mut one: impl FnMut(&mut [Column], &mut Vec<u8>, usize) -> Result<()>,
    ) -> Result<()> {
        let first = self.columns.start;
        if columns[first].definition()? < repeated.definition {
            return self.skip(columns);
        }
        let empty = out.len();
        loop {
            let start = out.len();
            if start > empty {
                out.push(b',');
            }
            one(columns, out, start)?;
            if columns[first].repetition() != repeated.repetition {
                return Ok(());
            }
        }
    }

    fn skip(&self, columns: &mut [Column]) -> Result<()> {
        columns[self.columns.clone()].iter_mut().try_for_each(Column::skip)
    }
}

impl Building {
    fn repeated<T>(&mut self, build: impl FnOnce(&mut Building) -> T) -> (Level, T) {
        self.definition += 1;
        self.repetition += 1;
        let level = Level { definition: self.definition, repetition: self.repetition };
        let built = build(self);
        self.definition -= 1;
        self.repetition -= 1;
        (level, built)
    }
}

/// The only field of a list or a map.
fn only_repeated(schema: &Type) -> Option<&Type> {
    let info = schema.get_basic_info();
    let list = matches!(info.logical_type_ref(), Some(LogicalType::List))
        || info.converted_type() == ConvertedType::LIST;
    let [field] = schema.get_fields() else { return None };
    let repeated = field.get_basic_info().repetition() == Repetition::REPEATED;
    ((list || is_map(schema)) && repeated).then_some(field)
}

fn is_map(schema: &Type) -> bool {
    let info = schema.get_basic_info();
    matches!(info.logical_type_ref(), Some(LogicalType::Map))
        || matches!(info.converted_type(), ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE)
}

/// Whether a group of one field is only there because a list needs one, by the rules of the format.
fn is_wrapper(list: &Type, group: &Type) -> bool {
    group.name() != "array" && group.name() != format!("{}_tuple", list.name())
}

impl Scalar {
    fn of(schema: &Type) -> Scalar {
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

    fn write(self, value: Value<'_>, out: &mut Vec<u8>) -> Result<bool> {
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

fn text(value: &str, out: &mut Vec<u8>) {
    // Nothing fails to be written into memory.
    let _ = serde_json::to_writer(out, value);
}

/// Whether a row is not too long yet.
pub(super) fn fits(out: &[u8], most: usize) -> Result<()> {
    if out.len() > most { Err(wrong(format!("a row is {TOO_LONG}"))) } else { Ok(()) }
}

/// As long a line may become, from where it starts.
pub(super) fn longest_line(start: usize) -> usize {
    start.saturating_add(MAX_LINE)
}
