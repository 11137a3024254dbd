//! The secret that a sender must know, where one is set.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::panic))]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::unwrap_used))]

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A bearer token. Only its digest is kept, and it is never shown.
#[derive(Clone)]
pub struct Token([u8; 32]);

/// Shorter ones can be guessed.
const MIN: usize = 16;
const MAX: usize = 4096;

impl Token {
    /// A token, as a file or an environment variable holds it: white space around it does not count.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !(MIN..=MAX).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "no token: {MIN} to {MAX} visible ASCII characters without spaces, such as \
                 `openssl rand -hex 32` gives"
            ));
        }
        Ok(Token(digest(text.as_bytes())))
    }

    /// Whether the value of an `Authorization` header is `Bearer` and this token. The time that
    /// takes does not depend on how much of it is right.
    pub(super) fn is_in(&self, header: &[u8]) -> bool {
        const SCHEME: &[u8] = b"bearer ";
        let Some((scheme, token)) = header.split_at_checked(SCHEME.len()) else { return false };
        let same: bool = digest(token.trim_ascii()).ct_eq(&self.0).into();
        same && scheme.eq_ignore_ascii_case(SCHEME)
    }
}

fn digest(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_let_in() {
        let token = Token::new(" 0123456789abcdef\n").unwrap();
        for right in
            ["Bearer 0123456789abcdef", "bearer 0123456789abcdef", "BEARER  0123456789abcdef"]
        {
            assert!(token.is_in(right.as_bytes()), "{right}");
        }
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "0123456789abcdef",
            "Basic 0123456789abcdef",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdefg",
            "Bearer 0123456789abcdeF",
        ] {
            assert!(!token.is_in(wrong.as_bytes()), "{wrong}");
        }
        assert!(!format!("{token:?}").contains("0123"));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "short", "0123456789 abcdef", "0123456789abcdé0", &"a".repeat(4097)] {
            assert!(Token::new(text).is_err(), "{text}");
        }
    }
}
