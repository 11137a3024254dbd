//! Rows as JSON.

use std::ops::Range;

use parquet::basic::{ConvertedType, LogicalType, Repetition};
use parquet::errors::Result;
use parquet::schema::types::Type;

use super::super::{MAX_LINE, TOO_LONG};
use super::chunks::wrong;
use super::columns::Column;
use super::scalar::{Scalar, text};

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

/// Whether a row is not too long yet.
pub(super) fn fits(out: &[u8], most: usize) -> Result<()> {
    if out.len() > most { Err(wrong(format!("a row is {TOO_LONG}"))) } else { Ok(()) }
}

/// As long a line may become, from where it starts.
pub(super) fn longest_line(start: usize) -> usize {
    start.saturating_add(MAX_LINE)
}
