//! Whether an expression holds for a record, by the Sigma specification.
//!
//! `rsigma-eval` is the oracle: a test runs both over the same records.

use std::borrow::Cow;
use std::net::IpAddr;

use orgwatch_sigma::{Expr, Glob, Item, Matcher, Token};

use super::context::{Context, FieldValue};
use crate::json::{Kind, Value};
use crate::record::Found;
use crate::text::find;

/// How deep arrays of arrays are looked into: a bound on call depth, which a small interpreter needs.
const MAX_ARRAYS: usize = 4;

/// Whether an expression holds.
pub fn holds(expr: &Expr, context: &Context<'_>) -> bool {
    match expr {
        Expr::And(all) => all.iter().all(|expr| holds(expr, context)),
        Expr::Or(any) => any.iter().any(|expr| holds(expr, context)),
        Expr::NOf(count, any) => {
            let held = any.iter().filter(|expr| holds(expr, context)).count();
            held as u64 >= *count
        }
        Expr::Not(expr) => !holds(expr, context),
        Expr::Item(item) => item_holds(item, context),
    }
}

fn item_holds(item: &Item, context: &Context<'_>) -> bool {
    let held = context.held(&item.field);
    let matches = |matcher: &Matcher| match &held {
        FieldValue::Record(Found::Missing) | FieldValue::Derived(None) => absent(matcher),
        FieldValue::Record(Found::One(value)) => value_matches(matcher, *value, MAX_ARRAYS),
        FieldValue::Record(Found::Many(values)) => present(matcher).unwrap_or_else(|| {
            values.iter().any(|value| value_matches(matcher, *value, MAX_ARRAYS))
        }),
        FieldValue::Derived(Some(text)) => {
            present(matcher).unwrap_or_else(|| text_matches(matcher, text))
        }
    };
    let matched = match item.all {
        true => item.matchers.iter().all(matches),
        false => item.matchers.iter().any(matches),
    };
    matched != item.negated
}

/// Whether a matcher matches a field that is not there.
fn absent(matcher: &Matcher) -> bool {
    matches!(matcher, Matcher::Null | Matcher::Exists(false))
}

/// What a matcher that only asks for presence says of a field that is there.
fn present(matcher: &Matcher) -> Option<bool> {
    match matcher {
        Matcher::Null => Some(false),
        Matcher::Exists(expected) => Some(*expected),
        _ => None,
    }
}

fn value_matches(matcher: &Matcher, value: Value<'_>, arrays: usize) -> bool {
    match (value.kind(), matcher) {
        // Presence is of the field, whatever it holds.
        (_, Matcher::Exists(expected)) => *expected,
        (Kind::Null, _) => *matcher == Matcher::Null,
        (_, Matcher::Null) => false,
        (Kind::Array, _) => {
            arrays > 0 && value.items().any(|item| value_matches(matcher, item, arrays - 1))
        }
        (Kind::Bool(value), Matcher::Bool(expected)) => value == *expected,
        (Kind::Text, _)
        | (Kind::Number | Kind::Bool(_), Matcher::Text(_) | Matcher::Cidr { .. }) => {
            value.scalar().is_some_and(|text| text_matches(matcher, &text))
        }
        (Kind::Number, Matcher::Bool(_)) => false,
        (Kind::Number, _) => text_matches(matcher, value.raw()),
        (Kind::Object | Kind::Bool(_), _) => false,
    }
}

fn text_matches(matcher: &Matcher, text: &str) -> bool {
    let number = |compare: fn(&f64, &f64) -> bool, than: &f64| {
        text.parse::<f64>().is_ok_and(|number| compare(&number, than))
    };
    match matcher {
        Matcher::Text(glob) => glob_matches(glob, crate::record::arn(text)),
        Matcher::Equals(expected) => number(|a, b| (a - b).abs() < f64::EPSILON, expected),
        Matcher::Gt(than) => number(f64::gt, than),
        Matcher::Gte(than) => number(f64::ge, than),
        Matcher::Lt(than) => number(f64::lt, than),
        Matcher::Lte(than) => number(f64::le, than),
        Matcher::Bool(expected) => match text.to_lowercase().as_str() {
            "true" | "1" | "yes" => *expected,
            "false" | "0" | "no" => !*expected,
            _ => false,
        },
        Matcher::Cidr { network, prefix } => {
            text.parse().is_ok_and(|address| in_network(address, *network, *prefix))
        }
        Matcher::Null | Matcher::Exists(_) => false,
    }
}

fn in_network(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    let (address, network, bits) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (u128::from(a.to_bits()), u128::from(n.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits(), n.to_bits(), 128),
        _ => return false,
    };
    let ignored = bits - u32::from(prefix);
    ignored >= 128 || address >> ignored == network >> ignored
}

/// Whether text fits a pattern: the last `Many` passed is where another try begins, so that the
/// worst case is the product of the two lengths, and no stack is used.
pub(crate) fn glob_matches(glob: &Glob, text: &str) -> bool {
    let ascii = text.is_ascii();
    if let Some(literal) = glob.literal()
        && (ascii || glob.cased)
    {
        return if glob.cased { text == literal } else { text.eq_ignore_ascii_case(literal) };
    }
    // Nearly all are shorter or have it; to be sure takes a copy in lower case.
    if ascii && text.len() < glob.shortest() {
        return false;
    }
    let text: Cow<'_, str> = match glob.cased {
        true => text.into(),
        false if ascii => text.to_ascii_lowercase().into(),
        false => text.to_lowercase().into(),
    };
    let tokens = &glob.tokens;
    let (mut token, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let rest = &text[at..];
        let step = match tokens.get(token) {
            Some(Token::Many) => {
                retry = Some((token, at));
                token += 1;
                continue;
            }
            Some(Token::Literal(literal)) => {
                rest.starts_with(literal.as_str()).then_some(literal.len())
            }
            Some(Token::One) => rest.chars().next().map(char::len_utf8),
            None if rest.is_empty() => return true,
            None => None,
        };
        if let Some(step) = step {
            (token, at) = (token + 1, at + step);
            continue;
        }
        let Some((many, from)) = retry else {
            return false;
        };
        // What follows the last `Many` is tried one character on, or where its text next stands.
        let from = match (tokens.get(many + 1), text[from..].chars().next()) {
            (_, None) | (None, _) => return tokens.get(many + 1).is_none(),
            (Some(Token::Literal(literal)), Some(first)) => {
                let next = from + first.len_utf8();
                match find(&text[next..], literal) {
                    Some(found) => next + found,
                    None => return false,
                }
            }
            (Some(_), Some(first)) => from + first.len_utf8(),
        };
        retry = Some((many, from));
        (token, at) = (many + 1, from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(pattern: &str) -> Glob {
        let mut tokens = Vec::new();
        for c in pattern.chars() {
            match (c, tokens.last_mut()) {
                ('*', _) => tokens.push(Token::Many),
                ('?', _) => tokens.push(Token::One),
                (c, Some(Token::Literal(text))) => text.push(c),
                (c, _) => tokens.push(Token::Literal(c.to_string())),
            }
        }
        Glob { tokens, cased: false }
    }

    #[test]
    fn patterns_match_as_sigma_means_them() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("*", "anything", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbcd", false),
            ("*a*b", "xaxxaxb", true),
            ("*ab", "aab", true),
            ("?b", "äb", true),
            ("a?", "a", false),
            ("leave*", "LeaveOrganization", true),
            ("*ab*ab", "ab", false),
            ("*?b*", "bb", true),
        ] {
            assert_eq!(glob_matches(&glob(pattern), text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn networks_hold_their_addresses_only() {
        let any: IpAddr = "0.0.0.0".parse().unwrap();
        assert!(in_network("203.0.113.7".parse().unwrap(), any, 0));
        assert!(!in_network("::1".parse().unwrap(), any, 0));
        assert!(in_network("::1".parse().unwrap(), "::".parse().unwrap(), 0));
        let network = "192.0.2.0".parse().unwrap();
        assert!(in_network("192.0.2.255".parse().unwrap(), network, 24));
        assert!(!in_network("192.0.3.0".parse().unwrap(), network, 24));
    }
}
