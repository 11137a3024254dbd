//! The kinds of the fields of Parquet's metadata, by Thrift's compact protocol.
//!
//! Source: `parquet.thrift` of parquet-format 2.12.

/// A truth value.
pub(super) const TRUTH: u8 = 2;
const I8: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BYTES: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// The kind of a field, by the numbers that lead to it; none if the format has no such field.
pub(super) fn of(path: &[i16]) -> Option<u8> {
    let (field, parent) = path.split_last()?;
    let kinds: &[u8] = match parent {
        // FileMetaData
        [] => &[I32, LIST, I64, LIST, LIST, BYTES, LIST, STRUCT, BYTES],
        // SchemaElement
        [2] => &[I32, I32, I32, BYTES, I32, I32, I32, I32, I32, STRUCT],
        // LogicalType, and those of its kinds that have fields
        [2, 10] => &[STRUCT; 18],
        [2, 10, 5] => &[I32, I32],
        [2, 10, 7 | 8] => &[TRUTH, STRUCT],
        [2, 10, 7 | 8, 2] => &[STRUCT, STRUCT, STRUCT],
        [2, 10, 10] => &[I8, TRUTH],
        [2, 10, 16] => &[I8],
        [2, 10, 17] => &[BYTES],
        [2, 10, 18] => &[BYTES, I32],
        // RowGroup
        [4] => &[LIST, I64, I64, LIST, I64, I64, I16],
        // SortingColumn
        [4, 4] => &[I32, TRUTH, TRUTH],
        // ColumnChunk
        [4, 1] => &[BYTES, I64, STRUCT, I64, I32, I64, I32, STRUCT, BYTES],
        // ColumnMetaData
        [4, 1, 3] => &[
            I32, LIST, LIST, I32, I64, I64, I64, LIST, I64, I64, I64, STRUCT, LIST, I64, I32,
            STRUCT, STRUCT,
        ],
        // Statistics
        [4, 1, 3, 12] => &[BYTES, BYTES, I64, I64, BYTES, BYTES, TRUTH, TRUTH],
        // PageEncodingStats
        [4, 1, 3, 13] => &[I32, I32, I32],
        // SizeStatistics
        [4, 1, 3, 16] => &[I64, LIST, LIST],
        // GeospatialStatistics, and BoundingBox
        [4, 1, 3, 17] => &[STRUCT, LIST],
        [4, 1, 3, 17, 1] => &[DOUBLE; 8],
        // KeyValue
        [5] | [4, 1, 3, 8] => &[BYTES, BYTES],
        // ColumnOrder
        [7] => &[STRUCT],
        _ => &[],
    };
    kinds.get(usize::try_from(*field).ok()?.checked_sub(1)?).copied()
}

/// The kind of the elements of a list; none if the format has no such list.
pub(super) fn of_elements(path: &[i16]) -> Option<u8> {
    Some(match path {
        [2 | 4 | 5 | 7] | [4, 1 | 4] | [4, 1, 3, 8 | 13] => STRUCT,
        [4, 1, 3, 2] | [4, 1, 3, 17, 2] => I32,
        [4, 1, 3, 3] => BYTES,
        [4, 1, 3, 16, 2 | 3] => I64,
        _ => return None,
    })
}
