//! A look at the metadata of a Parquet file before the library parses it.
//!
//! The library reserves memory for as many elements as a list says that it has, follows a schema
//! however deep it is, and skips lists of elements that take no bytes one by one. None of that may be
//! the writer's choice. It also reads a field that it knows as what the format says, whatever the writer
//! says: both must say the same, or what is checked here is not what is read there.

use super::kinds;

/// The most elements of one list.
const MOST_ELEMENTS: u64 = 100_000;
/// The most columns of all row groups together.
const MOST_CHUNKS: u64 = 1_000_000;
/// The deepest schema, and the deepest structure around a value.
const MOST_DEPTH: usize = 64;

/// Why metadata is not parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// They end early.
    Short,
    /// They are damaged, or larger or deeper than any that a log has.
    Wrong,
}

/// Checks the metadata at the end of a file.
pub(super) fn check_footer(bytes: &[u8]) -> Result<(), Refused> {
    const SCHEMA: &[i16] = &[2];
    const CHILDREN: &[i16] = &[2, 5];
    const ROW_GROUPS: &[i16] = &[4];
    let (mut nodes, mut groups) = (0, 0);
    // How many children the groups have that the current node of the schema is in.
    let mut open: Vec<i64> = Vec::new();
    let mut walk = Walk { bytes, at: 0, path: Vec::new() };
    walk.structure(&mut |seen| {
        match seen {
            Seen::Field(path, kind) if kinds::of(path).is_some_and(|known| known != kind) => {
                return Err(Refused::Wrong);
            }
            Seen::List(path, length, kind)
                if length > 0 && kinds::of_elements(path).is_some_and(|known| known != kind) =>
            {
                return Err(Refused::Wrong);
            }
            Seen::List(SCHEMA, length, _) => nodes = length,
            Seen::List(ROW_GROUPS, length, _) => groups = length,
            // A node's children follow it, and what is before the number of them is no node.
            Seen::Number(CHILDREN, children) if children > 0 => open.push(children),
            Seen::End(SCHEMA) => {
                while let Some(last) = open.last_mut() {
                    *last -= 1;
                    if *last >= 0 {
                        break;
                    }
                    open.pop();
                }
            }
            _ => {}
        }
        if open.len() > MOST_DEPTH { Err(Refused::Wrong) } else { Ok(()) }
    })?;
    if nodes * groups > MOST_CHUNKS { Err(Refused::Wrong) } else { Ok(()) }
}

/// How long a structure is.
pub(super) fn length(bytes: &[u8]) -> Result<usize, Refused> {
    let mut walk = Walk { bytes, at: 0, path: Vec::new() };
    walk.structure(&mut |_| Ok(()))?;
    Ok(walk.at)
}

/// Something in a structure, with the fields that lead to it.
enum Seen<'a> {
    /// A field, and the kind of its value. The two truth values are one kind.
    Field(&'a [i16], u8),
    /// A list, how long it is, and the kind of its elements.
    List(&'a [i16], u64, u8),
    Number(&'a [i16], i64),
    /// The end of a structure that is a field's value or in its list.
    End(&'a [i16]),
}

type Visit<'a> = dyn FnMut(Seen<'_>) -> Result<(), Refused> + 'a;

/// Walks through Thrift's compact protocol.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    path: Vec<i16>,
}

impl Walk<'_> {
    fn byte(&mut self) -> Result<u8, Refused> {
        let byte = *self.bytes.get(self.at).ok_or(Refused::Short)?;
        self.at += 1;
        Ok(byte)
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Refused> {
        if bytes > (self.bytes.len() - self.at) as u64 {
            return Err(Refused::Short);
        }
        self.at += bytes as usize;
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, Refused> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Refused::Wrong)
    }

    fn signed(&mut self) -> Result<i64, Refused> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn structure(&mut self, visit: &mut Visit<'_>) -> Result<(), Refused> {
        if self.path.len() > MOST_DEPTH {
            return Err(Refused::Wrong);
        }
        let mut field = 0_i16;
        loop {
            let head = self.byte()?;
            if head & 0x0f == 0 {
                return visit(Seen::End(&self.path));
            }
            field = match head >> 4 {
                0 => self.signed()? as i16,
                more => field.wrapping_add(i16::from(more)),
            };
            self.path.push(field);
            let kind = head & 0x0f;
            visit(Seen::Field(&self.path, if kind == 1 { kinds::TRUTH } else { kind }))?;
            // A truth value is in the head.
            if head & 0x0f > 2 {
                self.value(head & 0x0f, visit)?;
            }
            self.path.pop();
        }
    }

    fn value(&mut self, kind: u8, visit: &mut Visit<'_>) -> Result<(), Refused> {
        match kind {
            1..=3 => self.skip(1),
            4..=6 => {
                let value = self.signed()?;
                visit(Seen::Number(&self.path, value))
            }
            7 => self.skip(8),
            8 => {
                let length = self.varint()?;
                self.skip(length)
            }
            9 | 10 => {
                let head = self.byte()?;
                let length = match head >> 4 {
                    15 => self.varint()?,
                    length => u64::from(length),
                };
                if length > MOST_ELEMENTS || self.path.len() > MOST_DEPTH {
                    return Err(Refused::Wrong);
                }
                visit(Seen::List(&self.path, length, head & 0x0f))?;
                (0..length).try_for_each(|_| self.element(head & 0x0f, visit))
            }
            12 => self.structure(visit),
            // Maps and all else are nowhere in these metadata.
            _ => Err(Refused::Wrong),
        }
    }

    fn element(&mut self, kind: u8, visit: &mut Visit<'_>) -> Result<(), Refused> {
        // A list in a list leads nowhere further by a field.
        if matches!(kind, 9 | 10) {
            return Err(Refused::Wrong);
        }
        self.value(kind, visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_count_is_believed() {
        // Field 2, a list of 2^31 - 1 structures; and of as many truth values.
        for kind in [0x0c, 0x01] {
            let list = [0x29, 0xf0 | kind, 0xff, 0xff, 0xff, 0xff, 0x07];
            assert_eq!(check_footer(&list), Err(Refused::Wrong));
        }
        assert_eq!(check_footer(&[0x29, 0x2c, 0x00]), Err(Refused::Short));
        assert_eq!(check_footer(&[0x29, 0x2c, 0x00, 0x00, 0x00]), Ok(()));
        assert_eq!(length(&[0x15, 0x02, 0x00, 0xff]), Ok(3));
        // Structures in structures.
        assert_eq!(length(&[0x1c; 1000]), Err(Refused::Wrong));
        // The library takes field 2 for a list, whatever it says that it is, and a list of what it should be.
        assert_eq!(
            check_footer(&[0x26, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00]),
            Err(Refused::Wrong)
        );
        assert_eq!(check_footer(&[0x29, 0x13, 0x00, 0x00]), Err(Refused::Wrong));
        assert_eq!(check_footer(&[0x29, 0x00, 0x00]), Ok(()));
        // A name that is a number, in the schema.
        assert_eq!(check_footer(&[0x29, 0x1c, 0x45, 0x02, 0x00, 0x00]), Err(Refused::Wrong));
        // Fields that the format does not have are skipped by what they say.
        assert_eq!(check_footer(&[0xf6, 0x02, 0x00]), Ok(()));
    }

    #[test]
    fn a_schema_may_not_be_deep() {
        // Each node has one child but the last.
        let schema = |depth: usize| {
            let nodes = [&[0x55, 0x02, 0x00][..]].repeat(depth).concat();
            [&[0x29, 0xfc, depth as u8 + 1][..], &nodes, &[0x00, 0x00]].concat()
        };
        assert_eq!(check_footer(&schema(60)), Ok(()));
        assert_eq!(check_footer(&schema(80)), Err(Refused::Wrong));
        // Many that are beside one another are not.
        let flat = [&[0x29, 0xfc, 101, 0x55, 0xc8, 0x01, 0x00][..], &[0; 100], &[0]].concat();
        assert_eq!(check_footer(&flat), Ok(()));
    }
}
