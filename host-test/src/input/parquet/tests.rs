//! Files that the tests write, and damaged ones.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{BoolType, ByteArrayType, Int32Type, Int64Type};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::*;

/// Columns as Security Lake has them, with every kind of structure.
const SCHEMA: &str = "message schema {
    OPTIONAL INT32 class_uid;
    OPTIONAL INT64 time;
    OPTIONAL INT64 time_dt (TIMESTAMP(MILLIS,true));
    OPTIONAL BYTE_ARRAY status (STRING);
    OPTIONAL GROUP api {
        OPTIONAL BYTE_ARRAY operation (STRING);
        OPTIONAL GROUP service { OPTIONAL BYTE_ARRAY name (STRING); }
    }
    OPTIONAL GROUP unmapped (MAP) {
        REPEATED GROUP key_value {
            REQUIRED BYTE_ARRAY key (STRING);
            OPTIONAL BYTE_ARRAY value (STRING);
        }
    }
    OPTIONAL GROUP resources (LIST) {
        REPEATED GROUP list {
            OPTIONAL GROUP element {
                OPTIONAL BYTE_ARRAY uid (STRING);
                OPTIONAL BOOLEAN criticality;
            }
        }
    }
    OPTIONAL INT64 amount (DECIMAL(18,2));
}";

const ROWS: [&str; 3] = [
    r#"{"class_uid":6003,"time":1767225600000,"time_dt":"2026-01-01T00:00:00Z","status":"Success","api":{"operation":"LeaveOrganization","service":{"name":"organizations.amazonaws.com"}},"unmapped":{"eventID":"a \"b\"","sharedEventID":"c"},"resources":[{"uid":"r1","criticality":true},null,{"criticality":false}],"amount":-0.05}"#,
    r#"{"status":"Failure","unmapped":{},"resources":[]}"#,
    r#"{"class_uid":-1,"api":{"service":{}},"unmapped":{"k":"v"},"resources":[{}],"amount":123.45}"#,
];

fn group(mut group: SerializedRowGroupWriter<'_, Vec<u8>>) {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).into()).collect::<Vec<_>>();
    macro_rules! column {
        ($kind:ty, $values:expr, $definition:expr, $repetition:expr) => {
            let mut column = group.next_column().unwrap().unwrap();
            let writer = column.typed::<$kind>();
            writer.write_batch(&$values, Some(&$definition), $repetition).unwrap();
            column.close().unwrap();
        };
    }
    column!(Int32Type, [6003, -1], [1, 0, 1], None);
    column!(Int64Type, [1_767_225_600_000], [1, 0, 0], None);
    column!(Int64Type, [1_767_225_600_000], [1, 0, 0], None);
    column!(ByteArrayType, texts(&["Success", "Failure"]), [1, 1, 0], None);
    column!(ByteArrayType, texts(&["LeaveOrganization"]), [2, 0, 1], None);
    column!(ByteArrayType, texts(&["organizations.amazonaws.com"]), [3, 0, 2], None);
    let repetition = Some(&[0, 1, 0, 0][..]);
    column!(ByteArrayType, texts(&["eventID", "sharedEventID", "k"]), [2, 2, 1, 2], repetition);
    column!(ByteArrayType, texts(&["a \"b\"", "c", "v"]), [3, 3, 1, 3], repetition);
    let repetition = Some(&[0, 1, 1, 0, 0][..]);
    column!(ByteArrayType, texts(&["r1"]), [4, 2, 3, 1, 3], repetition);
    column!(BoolType, [true, false], [4, 2, 4, 1, 3], repetition);
    column!(Int64Type, [-5, 12345], [1, 0, 1], None);
    group.close().unwrap();
}

/// A file of three rows in each row group.
fn file(groups: usize, compression: Compression, version: WriterVersion) -> Vec<u8> {
    let properties =
        WriterProperties::builder().set_compression(compression).set_writer_version(version);
    // The second version would write texts in a form that is not read.
    let properties = match version {
        WriterVersion::PARQUET_1_0 => properties,
        WriterVersion::PARQUET_2_0 => {
            properties.set_dictionary_enabled(false).set_encoding(Encoding::PLAIN)
        }
    };
    written(groups, properties)
}

fn written(groups: usize, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = Arc::new(properties.build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for _ in 0..groups {
        group(writer.next_row_group().unwrap());
    }
    writer.into_inner().unwrap()
}

fn plain(groups: usize) -> Vec<u8> {
    file(groups, Compression::UNCOMPRESSED, WriterVersion::PARQUET_1_0)
}

/// The lines, and the error behind them.
fn read(file: &[u8], limit: u64) -> (Vec<String>, Option<Error>) {
    let source = ChunkSource::Memory(Bytes::copy_from_slice(file));
    let mut allowance = Allowance::new(limit, true);
    let mut to = Vec::new();
    let mut rows = match Rows::open(source, &ReadProgress::default()) {
        Ok(rows) => rows,
        Err(err) => return (Vec::new(), Some(err)),
    };
    let err = loop {
        match rows.fill(&mut to, 1000, &mut allowance) {
            Ok(true) => {}
            Ok(false) => break None,
            Err(err) => break Some(err),
        }
    };
    let text = String::from_utf8(to).unwrap();
    (text.lines().map(str::to_owned).collect(), err)
}

#[test]
fn rows_become_lines() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let (lines, err) = read(&file(3, compression, version), 1 << 20);
            assert!(err.is_none(), "{err:?}");
            assert_eq!(lines, [ROWS, ROWS, ROWS].concat(), "{compression} {version:?}");
        }
    }
}

#[test]
fn an_encoding_that_is_not_read_is_named() {
    for (column, encoding) in [
        ("class_uid", Encoding::DELTA_BINARY_PACKED),
        ("status", Encoding::DELTA_LENGTH_BYTE_ARRAY),
        ("status", Encoding::DELTA_BYTE_ARRAY),
    ] {
        let properties = WriterProperties::builder().set_dictionary_enabled(false);
        let properties = properties.set_column_encoding(column.into(), encoding);
        let (lines, err) = read(&written(1, properties), 1 << 20);
        let err = err.unwrap().to_string();
        let reason = format!("a column is encoded as {encoding}, which is not read");
        assert!(lines.is_empty() && err.ends_with(&reason), "{err}");
    }
}

#[test]
fn what_comes_out_is_bounded() {
    let compressed = file(100, Compression::ZSTD(ZstdLevel::default()), WriterVersion::PARQUET_1_0);
    for file in [plain(100), compressed] {
        let (lines, err) = read(&file, 10_000);
        assert!(lines.len() > 3 && lines.len() < 100, "{}", lines.len());
        assert!(matches!(err, Some(Error::TooLarge { limit: 10_000 })), "{err:?}");
        assert_eq!(lines[..3], ROWS);
    }
}

#[test]
fn a_bomb_takes_no_memory() {
    let schema = Arc::new(parse_message_type("message m { REQUIRED BYTE_ARRAY a; }").unwrap());
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false);
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let text = vec![b'a'; 20 << 20].into();
    column.typed::<ByteArrayType>().write_batch(&[text], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    let file = writer.into_inner().unwrap();
    let (lines, err) = read(&file, 1 << 20);
    assert!(lines.is_empty());
    assert!(matches!(err, Some(Error::TooLarge { .. })), "{err:?}");
    let (_, err) = read(&file, 1 << 30);
    assert!(matches!(err, Some(Error::Parquet { rows: 0, .. })), "{err:?}");
}

#[test]
fn whatever_is_damaged_ends_with_an_error_or_a_value() {
    let whole = file(2, Compression::SNAPPY, WriterVersion::PARQUET_1_0);
    for end in 0..whole.len() {
        let (lines, err) = read(&whole[..end], 1 << 20);
        assert!(lines.is_empty() && matches!(err, Some(Error::Parquet { .. })), "{end}: {err:?}");
    }
    let mut seed = 1_u32;
    for number in 0..20_000_usize {
        let mut damaged = whole.clone();
        for _ in 0..=number % 4 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (seed >> 8) as usize % damaged.len();
            damaged[at] = match seed >> 4 & 3 {
                0 => 0xff,
                1 => 0,
                _ => damaged[at] ^ (1 << (seed & 7)),
            };
        }
        let (lines, _) = read(&damaged, 1 << 20);
        assert!(lines.len() <= 10_000);
    }
}

#[test]
fn a_file_is_read_through_all_that_it_is_packed_in() {
    use crate::input::bytes::{Bytes, gzip};
    use crate::input::{Limits, Source};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.gz.parquet");
    let all = |live| {
        let mut to = Vec::new();
        let progress = ReadProgress::default();
        let limits = Limits::default();
        let mut bytes = if live {
            let input = Box::new(std::io::Cursor::new(std::fs::read(&path).unwrap()));
            Bytes::new(input, true, &limits, &progress)
        } else {
            Bytes::open(&Source::File(path.clone()), &limits, &progress).unwrap()
        };
        while bytes.fill(&mut to, 100).unwrap() {}
        assert!(progress.bytes() > 0);
        String::from_utf8(to).unwrap()
    };
    let want = [ROWS, ROWS].concat().join("\n") + "\n";
    for pack in [|bytes: &[u8]| bytes.to_vec(), gzip, |bytes: &[u8]| gzip(&gzip(bytes))] {
        std::fs::write(&path, pack(&plain(2))).unwrap();
        for live in [false, true] {
            assert_eq!(all(live), want);
        }
    }
}
