//! A finding as JSON, for where every instruction counts.
//!
//! The bytes are those that `serde_json` writes of a [`Finding`], as a test of every case shows, and the
//! structure comes from the same `Serialize`. But `serde_json` looks at each byte of a text by itself, a
//! third of the cost of a finding in an interpreter; [`text`] looks at eight at once.

use serde::Serialize;
use serde::ser::{self, Impossible, Serializer};
use serde_json::Error;

use crate::finding::Finding;
use crate::json::needs_escape;
use crate::text::hex_digit;

/// Appends a list of findings.
pub fn findings(findings: &[Finding], out: &mut Vec<u8>) {
    let start = out.len();
    if findings.serialize(Writer(out)).is_err() {
        // Only a form that a finding does not have fails; an empty list is JSON at least.
        debug_assert!(false, "a finding has a form that is not written");
        out.truncate(start);
        out.extend_from_slice(b"[]");
    }
}

/// Appends a text.
pub fn text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, escaped) = rest.split_at(needs_escape(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = escaped.split_first() else { break };
        rest = after;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            other => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[other >> 4, other & 15].map(hex_digit));
            }
        }
    }
    out.push(b'"');
}

/// Writes values as `serde_json` does.
struct Writer<'a>(&'a mut Vec<u8>);

/// Methods for values other than texts, which `serde_json` writes.
macro_rules! plain {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            serde_json::to_writer(self.0, &value)
        })*
    };
}

/// The error for the forms that no part of a finding has.
fn unsupported<T>() -> Result<T, Error> {
    Err(ser::Error::custom("no part of a finding has this form"))
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Members<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    plain! {
        serialize_bool: bool, serialize_char: char, serialize_bytes: &[u8], serialize_f32: f32,
        serialize_f64: f64, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32,
        serialize_u64: u64,
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        text(value, self.0);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        unsupported()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'a>, Error> {
        Ok(Members::open(self.0, b'[', b']'))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, Error> {
        Ok(Members::open(self.0, b'{', b'}'))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'a>, Error> {
        Ok(Members::open(self.0, b'{', b'}'))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        unsupported()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        unsupported()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        unsupported()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        unsupported()
    }
}

/// A list or an object that is being written.
struct Members<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
    close: u8,
}

impl<'a> Members<'a> {
    fn open(out: &'a mut Vec<u8>, open: u8, close: u8) -> Self {
        out.push(open);
        Members { out, is_first: true, close }
    }

    fn separate(&mut self) {
        if !self.is_first {
            self.out.push(b',');
        }
        self.is_first = false;
    }

    fn close(self) -> Result<(), Error> {
        self.out.push(self.close);
        Ok(())
    }
}

impl ser::SerializeSeq for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.separate();
        value.serialize(Writer(self.out))
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.separate();
        key.serialize(Writer(self.out))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.out.push(b':');
        value.serialize(Writer(self.out))
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.separate();
        text(key, self.out);
        self.out.push(b':');
        value.serialize(Writer(self.out))
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;
    use crate::detector::Detector;

    proptest! {
        #[test]
        fn texts_are_written_as_serde_json_writes_them(value in r#"[ -~\x00-\x20"\\é€😀]{0,40}"#) {
            let mut out = Vec::new();
            text(&value, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&value).unwrap());
        }
    }

    #[test]
    fn findings_are_written_as_serde_json_writes_them() {
        let (mut detector, mut seen) = (Detector::open("{}").unwrap(), 0);
        let within = |folder: PathBuf| {
            let entries = fs::read_dir(folder).into_iter().flatten();
            entries.map(|entry| entry.unwrap().path())
        };
        for case in within("tests/cases".into()).flat_map(within) {
            let Ok(events) = fs::read(case.join("events.ndjson")) else { continue };
            for located in detector.detect_batch(&events).findings {
                let mut out = Vec::new();
                findings(&[located.finding.clone(), located.finding.clone()], &mut out);
                let expected = serde_json::to_string(&[&located.finding; 2]).unwrap();
                assert_eq!(String::from_utf8(out).unwrap(), expected);
                seen += 1;
            }
        }
        assert!(seen > 100, "{seen} findings");
    }
}
