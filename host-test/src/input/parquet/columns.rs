//! The values of a column, some rows at a time.

use std::sync::Arc;

use parquet::basic::Type;
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray,
    FixedLenByteArrayType, FloatType, Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::errors::Result;
use parquet::file::metadata::RowGroupMetaData;

use super::chunks::{Chunks, wrong};
use super::pages::{Counts, Pages};

/// A column, and where in it the next value is.
pub(super) struct Column {
    values: Values,
    definition: Vec<i16>,
    repetition: Vec<i16>,
    max_definition: i16,
    repeated: bool,
    /// How many levels were read, and how many of them and of the values were taken.
    levels: usize,
    at: usize,
    value_at: usize,
}

/// One value.
pub(super) enum Value<'a> {
    Bool(bool),
    Int32(i32),
    Int64(i64),
    Int96(Int96),
    Float(f64),
    Bytes(&'a [u8]),
}

struct Typed<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
}

enum Values {
    Bool(Typed<BoolType>),
    Int32(Typed<Int32Type>),
    Int64(Typed<Int64Type>),
    Int96(Typed<Int96Type>),
    Float(Typed<FloatType>),
    Double(Typed<DoubleType>),
    Bytes(Typed<ByteArrayType>),
    Fixed(Typed<FixedLenByteArrayType>),
}

/// Runs the same for each type of values.
macro_rules! each {
    ($values:expr, $typed:ident => $result:expr) => {
        match $values {
            Values::Bool($typed) => $result,
            Values::Int32($typed) => $result,
            Values::Int64($typed) => $result,
            Values::Int96($typed) => $result,
            Values::Float($typed) => $result,
            Values::Double($typed) => $result,
            Values::Bytes($typed) => $result,
            Values::Fixed($typed) => $result,
        }
    };
}

impl Column {
    pub(super) fn new(
        chunks: &Arc<Chunks>,
        group: &RowGroupMetaData,
        number: usize,
        counts: &Arc<Counts>,
        most: u64,
    ) -> Result<Self> {
        let descriptor = group.column(number).column_descr_ptr();
        let pages = Box::new(Pages::new(chunks, group, number, counts, most)?);
        let (max_definition, repeated) =
            (descriptor.max_def_level(), descriptor.max_rep_level() > 0);
        macro_rules! typed {
            ($kind:ident) => {
                Values::$kind(Typed {
                    reader: ColumnReaderImpl::new(descriptor, pages),
                    values: Vec::new(),
                })
            };
        }
        let values = match group.column(number).column_type() {
            Type::BOOLEAN => typed!(Bool),
            Type::INT32 => typed!(Int32),
            Type::INT64 => typed!(Int64),
            Type::INT96 => typed!(Int96),
            Type::FLOAT => typed!(Float),
            Type::DOUBLE => typed!(Double),
            Type::BYTE_ARRAY => typed!(Bytes),
            Type::FIXED_LEN_BYTE_ARRAY => typed!(Fixed),
        };
        let (definition, repetition) = (Vec::new(), Vec::new());
        let (levels, at, value_at) = (0, 0, 0);
        Ok(Column {
            values,
            definition,
            repetition,
            max_definition,
            repeated,
            levels,
            at,
            value_at,
        })
    }

    /// Reads so many rows, once all before them were taken.
    pub(super) fn read(&mut self, rows: usize) -> Result<()> {
        if self.at < self.levels {
            return Err(wrong("its columns are of different lengths"));
        }
        (self.at, self.value_at) = (0, 0);
        self.definition.clear();
        self.repetition.clear();
        let definition = (self.max_definition > 0).then_some(&mut self.definition);
        let repetition = self.repeated.then_some(&mut self.repetition);
        let (read, _, levels) = each!(&mut self.values, typed => {
            typed.values.clear();
            typed.reader.read_records(rows, definition, repetition, &mut typed.values)?
        });
        self.levels = levels;
        if read < rows {
            return Err(wrong("a column has fewer values than there are rows"));
        }
        Ok(())
    }

    /// How much of the structure around the next value there is.
    pub(super) fn definition(&self) -> Result<i16> {
        if self.at >= self.levels {
            return Err(wrong("its columns are of different lengths"));
        }
        Ok(if self.max_definition > 0 { self.definition[self.at] } else { 0 })
    }

    /// The innermost list that the next value goes on with; 0 for the next row.
    pub(super) fn repetition(&self) -> i16 {
        if self.repeated { self.repetition.get(self.at).copied().unwrap_or(0) } else { 0 }
    }

    /// Whether the last value of a row was taken.
    pub(super) fn is_between(&self) -> bool {
        self.repetition() == 0
    }

    /// Takes a value that is missing.
    pub(super) fn skip(&mut self) -> Result<()> {
        if self.definition()? == self.max_definition {
            self.value_at += 1;
        }
        self.at += 1;
        Ok(())
    }

    /// Takes the next value.
    pub(super) fn take(&mut self) -> Result<Value<'_>> {
        self.definition()?;
        let at = self.value_at;
        self.at += 1;
        self.value_at += 1;
        fn get<T>(values: &[T], at: usize) -> Result<&T> {
            values.get(at).ok_or_else(|| wrong("a column has too few values"))
        }
        Ok(match &self.values {
            Values::Bool(typed) => Value::Bool(*get(&typed.values, at)?),
            Values::Int32(typed) => Value::Int32(*get(&typed.values, at)?),
            Values::Int64(typed) => Value::Int64(*get(&typed.values, at)?),
            Values::Int96(typed) => Value::Int96(*get(&typed.values, at)?),
            Values::Float(typed) => Value::Float(f64::from(*get(&typed.values, at)?)),
            Values::Double(typed) => Value::Float(*get(&typed.values, at)?),
            Values::Bytes(typed) => {
                let bytes: &ByteArray = get(&typed.values, at)?;
                Value::Bytes(bytes.data())
            }
            Values::Fixed(typed) => {
                let bytes: &FixedLenByteArray = get(&typed.values, at)?;
                Value::Bytes(bytes.data())
            }
        })
    }
}
