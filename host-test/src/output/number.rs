//! Numbers as people read them.
//!
//! Ours, since no crate fits: `num-format` has had no release since 2022, and `indicatif`'s
//! `HumanCount` would bring five packages to an embedder of reports for these ten lines.

/// A count and its noun, in the plural unless it is one.
pub fn plural(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", number(count), if count == 1 { "" } else { "s" })
}

/// With commas between thousands.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
