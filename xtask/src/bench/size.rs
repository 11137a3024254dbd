//! Sizes as they are typed.

use std::str::FromStr;

use parse_size::Config;

/// Bytes; with K, M or G, powers of 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"KMG".contains(&byte));
        let bytes = plain.then(|| Config::new().with_binary().parse_size(text).ok()).flatten();
        match bytes {
            Some(bytes) if bytes > 0 => Ok(Size(bytes)),
            _ => Err("a size is a whole number above 0, with K, M or G behind it: 64M".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        let size = |text: &str| text.parse::<Size>().map(|size| size.0);
        assert_eq!([size("7"), size("2K"), size("3M")], [Ok(7), Ok(2048), Ok(3 << 20)]);
        for bad in ["", "0", "M", "-1", "1.5M", "99999999999999999999", "99999999999G", "1T", "1é"]
        {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
