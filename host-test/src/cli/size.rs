//! Sizes, as people write them.

use std::str::FromStr;

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub(super) u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no size: give a number of bytes, or one such as 512M");
        let upper = text.to_ascii_uppercase();
        let number = upper.strip_suffix("IB").or_else(|| upper.strip_suffix('B')).unwrap_or(&upper);
        let (number, unit) = ["K", "M", "G", "T"]
            .into_iter()
            .zip([10_u32, 20, 30, 40])
            .find_map(|(unit, bits)| Some((number.strip_suffix(unit)?, bits)))
            .unwrap_or((number, 0));
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(1 << unit).map(Size).ok_or_else(wrong)
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
        for text in ["", "G", "-1", "+1", "1.5G", "1 G", "99999999T", "4X"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
