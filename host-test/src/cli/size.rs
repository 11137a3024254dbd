//! Sizes, as people write them.

use std::str::FromStr;

use parse_size::Config;

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub(super) u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Digits and a unit: the library takes fractions, exponents and underscores as well.
        let unit = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
        let plain = unit.bytes().all(|byte| byte.is_ascii_alphabetic());
        let size = plain.then(|| Config::new().with_binary().parse_size(text).ok()).flatten();
        size.map(Size).ok_or_else(|| {
            format!("{text:?} is no size: give a number of bytes, or one such as 512M")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, size) in [
            ("0", 0),
            ("123", 123),
            ("2k", 2048),
            ("512M", 512 << 20),
            ("4GiB", 4 << 30),
            ("1TB", 1 << 40),
            ("7B", 7),
        ] {
            assert_eq!(text.parse(), Ok(Size(size)), "{text}");
        }
        for text in ["", "G", "-1", "+1", "1.5G", "1 G", "1e3", "1_0", "99999999T", "4X"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
