//! Short texts, which are what records hold: searches, comparisons, bounds, digits.
//!
//! The searches of the library are made for long ones: they prepare first, and without vectors they look at
//! each byte by itself.

use std::borrow::Cow;

/// The offset at which a literal first stands in a text.
pub fn find(text: &str, literal: &str) -> Option<usize> {
    let Some(&first) = literal.as_bytes().first() else { return Some(0) };
    let rest = |at: usize| text.as_bytes().get(at..).unwrap_or_default();
    let starts = |at: &usize| rest(*at).starts_with(literal.as_bytes());
    memchr::memchr_iter(first, text.as_bytes()).find(starts)
}

/// Whether two texts are the same.
pub fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    // Whole words, and what is left. Slices would be compared byte for byte.
    let ((words, rest), (of_other, rest_of_other)) = (one.as_chunks(), other.as_chunks());
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    words.iter().zip(of_other).all(|(one, other)| word(one) == word(other))
        && rest.iter().zip(rest_of_other).all(|(one, other)| one == other)
}

/// The hexadecimal digit of the lower half of a byte, in lower case.
pub fn hex_digit(value: u8) -> u8 {
    match value & 0xf {
        digit @ 0..10 => digit | b'0',
        // The letters begin at 0x61, and nine below ten is one.
        letter => letter.wrapping_sub(9) | b'`',
    }
}

/// The number of the account that an ARN names, if it names one.
pub fn account_of_arn(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').nth(3).filter(|account| !account.is_empty())
}

/// The longest value that a finding repeats, in bytes. A hostile field may be megabytes; the event
/// itself is passed on whole, so that nothing is lost.
pub const MAX_VALUE: usize = 4096;

/// A value as a finding repeats it: no longer than [`MAX_VALUE`].
pub fn bounded(text: &str) -> String {
    shortened(text, MAX_VALUE).into_owned()
}

/// Text cut at a character after at most so many bytes, and marked when it was.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text.into();
    }
    let (head, _) = text.split_at_checked(text.floor_char_boundary(most)).unwrap_or((text, ""));
    format!("{head}…").into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_say_what_the_library_says(text in "[aé]{0,30}", literal in "[aé]{0,4}") {
            prop_assert_eq!(find(&text, &literal), text.find(&literal));
        }

        #[test]
        fn texts_are_the_same_or_not(one in "[ab]{0,3}[a-c]{0,30}", at in 0..40usize) {
            prop_assert!(same(&one, &one.clone()));
            let mut other = one.clone().into_bytes();
            if let Some(byte) = other.get_mut(at) {
                *byte ^= 1;
                prop_assert!(!same(&one, std::str::from_utf8(&other).unwrap()));
            }
            other.push(b'a');
            prop_assert!(!same(&one, std::str::from_utf8(&other).unwrap()));
        }
    }
}
