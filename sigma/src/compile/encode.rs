//! Values as they stand in an encoded text: UTF-16 and base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The forms of UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Utf16 {
    /// `wide`, `utf16le`: little-endian.
    Little,
    /// `utf16be`: big-endian.
    Big,
    /// `utf16`: little-endian, behind its mark.
    Marked,
}

/// The forms of base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base64 {
    /// `base64`: the whole value.
    Whole,
    /// `base64offset`: what is certain of it wherever it begins.
    Offset,
}

/// The bytes of a value.
pub(super) fn bytes(text: &str, utf16: Option<Utf16>) -> Vec<u8> {
    let little = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    match utf16 {
        None => text.as_bytes().to_vec(),
        Some(Utf16::Little) => little(text),
        Some(Utf16::Big) => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Some(Utf16::Marked) => [vec![0xff, 0xfe], little(text)].concat(),
    }
}

/// The texts of which an encoded text has one if the value is in what it encodes; none for a value so
/// short that nothing of it is certain.
pub(super) fn base64(bytes: &[u8], form: Base64) -> Option<Vec<String>> {
    if form == Base64::Whole {
        return Some(vec![STANDARD.encode(bytes)]);
    }
    // The bytes before the value, and the characters that they and those behind it have a part in.
    let texts = [("", 0), (" ", 2), ("  ", 3)].into_iter().map(|(before, first)| {
        let shifted = [before.as_bytes(), bytes].concat();
        let encoded = STANDARD.encode(&shifted);
        let behind = match shifted.len() % 3 {
            0 => 0,
            1 => 3,
            _ => 2,
        };
        let certain = encoded.get(first..encoded.len().saturating_sub(behind))?;
        (!certain.is_empty()).then(|| certain.to_owned())
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_text_has_a_part_of_the_value() {
        for value in ["ab", "abc", "http://", "äö"] {
            let texts = base64(value.as_bytes(), Base64::Offset).unwrap();
            for before in ["", "x", "xy", "xyz"] {
                for behind in ["", "z", "zz"] {
                    let whole = STANDARD.encode(format!("{before}{value}{behind}"));
                    assert!(
                        texts.iter().any(|text| whole.contains(text.as_str())),
                        "{value} {whole}"
                    );
                }
            }
        }
        let texts = base64(b"foobar", Base64::Offset).unwrap();
        assert_eq!(texts, ["Zm9vYmFy", "Zvb2Jhc", "mb29iYX"]);
        assert_eq!(base64(b"a", Base64::Offset), None);
        let little = bytes("a", Some(Utf16::Little));
        assert_eq!(base64(&little, Base64::Whole), Some(vec!["YQA=".to_owned()]));
        assert_eq!(bytes("a", Some(Utf16::Marked)), [0xff, 0xfe, 0x61, 0]);
        assert_eq!(bytes("a", Some(Utf16::Big)), [0, 0x61]);
    }
}
