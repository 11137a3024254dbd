//! The sections of a WebAssembly file, without those of modules inside it.

use std::fmt;
use std::ops::Range;

use wasmparser::{BinaryReader, BinaryReaderError};

/// The kind of a file, by its first eight bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A core module.
    Module,
    /// A component.
    Component,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Module => "a core module",
            Kind::Component => "a component",
        })
    }
}

/// Bytes that are not laid out as WebAssembly is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {problem}")]
pub struct Malformed {
    /// Where.
    pub offset: usize,
    /// The problem there.
    pub problem: String,
}

impl From<BinaryReaderError> for Malformed {
    fn from(err: BinaryReaderError) -> Self {
        let offset = usize::try_from(err.offset()).unwrap_or(usize::MAX);
        Malformed { offset, problem: err.message().to_owned() }
    }
}

/// One section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<'a> {
    /// Its number; 0 is a custom section.
    pub id: u8,
    /// A custom section's name.
    pub name: Option<&'a str>,
    /// Its content; of a custom section, the bytes behind the name.
    pub data: &'a [u8],
    /// Its range in the file, number and length included.
    pub range: Range<usize>,
}

/// A file as its sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module<'a> {
    /// The whole file.
    pub bytes: &'a [u8],
    /// Its kind.
    pub kind: Kind,
    /// In their order.
    pub sections: Vec<Section<'a>>,
}

impl<'a> Module<'a> {
    /// Reads where sections begin and end. Their content is read only for the names of custom
    /// sections.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let kind = match bytes.get(..8) {
            Some(b"\0asm\x01\0\0\0") => Kind::Module,
            Some(b"\0asm\x0d\0\x01\0") => Kind::Component,
            _ => {
                let problem = "this is not WebAssembly of a version that is known".into();
                return Err(Malformed { offset: 0, problem });
            }
        };
        let mut reader = BinaryReader::new(&bytes[8..], 8);
        let mut sections = Vec::new();
        while !reader.eof() {
            sections.push(section(&mut reader)?);
        }
        Ok(Module { bytes, kind, sections })
    }

    /// The custom sections of a name.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Section<'a>> {
        self.sections.iter().filter(move |section| section.name == Some(name))
    }

    /// The content of the only custom section of a name; nothing if there are two, neither of which can
    /// be believed then.
    pub fn custom(&self, name: &str) -> Option<&'a [u8]> {
        let mut all = self.all(name);
        let first = all.next()?;
        all.next().is_none().then_some(first.data)
    }

    /// The file without its custom sections of a name.
    pub fn without(&self, name: &str) -> Vec<u8> {
        let mut rest = self.bytes[..8].to_vec();
        for section in self.sections.iter().filter(|section| section.name != Some(name)) {
            rest.extend_from_slice(&self.bytes[section.range.clone()]);
        }
        rest
    }

    /// The file with one custom section of this name, at its end.
    pub fn with(&self, name: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = self.without(name);
        let mut body = Vec::with_capacity(name.len() + data.len() + 5);
        leb128(&mut body, name.len());
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(data);
        bytes.push(0);
        leb128(&mut bytes, body.len());
        bytes.extend_from_slice(&body);
        bytes
    }
}

fn section<'a>(reader: &mut BinaryReader<'a>) -> Result<Section<'a>, Malformed> {
    let at = |reader: &BinaryReader<'_>| reader.original_position() as usize;
    let start = at(reader);
    let id = reader.read_u8()?;
    let length = reader.read_var_u32()? as usize;
    let from = at(reader);
    let mut data = reader.read_bytes(length)?;
    let mut name = None;
    if id == 0 {
        let mut inner = BinaryReader::new(data, from as u64);
        name = Some(inner.read_string()?);
        data = inner.read_bytes(inner.bytes_remaining())?;
    }
    Ok(Section { id, name, data, range: start..at(reader) })
}

fn leb128(out: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn what_is_written_is_read() {
        let long = vec![7; 300];
        let one = Module::parse(EMPTY).unwrap().with("one", b"1");
        let two = Module::parse(&one).unwrap().with("two", &long);
        let module = Module::parse(&two).unwrap();
        assert_eq!((module.kind, module.sections.len()), (Kind::Module, 2));
        assert_eq!(module.custom("one"), Some(&b"1"[..]));
        assert_eq!(module.custom("two"), Some(&long[..]));
        assert_eq!(module.custom("three"), None);
        assert_eq!(module.without("two"), one);
        assert_eq!(Module::parse(&module.with("one", b"")).unwrap().custom("one"), Some(&b""[..]));
    }

    #[test]
    fn two_of_one_name_are_none() {
        let one = Module::parse(EMPTY).unwrap().with("one", b"1");
        let twice = [&one[..], &one[8..]].concat();
        assert_eq!(Module::parse(&twice).unwrap().custom("one"), None);
    }

    #[test]
    fn what_is_cut_short_is_malformed() {
        let one = Module::parse(EMPTY).unwrap().with("one", b"12345");
        for end in (0..one.len()).filter(|end| *end != 8) {
            assert!(Module::parse(&one[..end]).is_err(), "{end}");
        }
        let err = Module::parse(b"#!/bin/sh\n").unwrap_err();
        assert_eq!(
            err.to_string(),
            "at byte 0: this is not WebAssembly of a version that is known"
        );
    }
}
