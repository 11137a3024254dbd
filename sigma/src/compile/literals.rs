//! Literals that the prefilter and the index of rules may rely on.

mod pattern;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::witness::rarity;
use crate::{Expr, Field, Glob, Item, Matcher, Rule, Token};

/// The texts, in lower case, that a field must have one of for an expression to hold; none if it
/// can hold whatever the field says.
pub(super) fn of(field: &str, expr: &Expr) -> Option<Vec<String>> {
    set(field, expr).map(|texts| texts.into_iter().collect())
}

/// Texts of plain letters of which the request has one as it stands if an expression holds: those that are
/// compared with regard to case. Letters are written as they are in JSON, or as an escape that the
/// prefilter looks for.
fn verbatim(expr: &Expr) -> Option<Vec<String>> {
    sets(expr, &verbatim_of_item).map(|texts| texts.into_iter().collect())
}

/// Finds the witness of a rule anew, from its condition.
pub fn find_witness(rule: &mut Rule) {
    let condition = &rule.condition;
    // A name ends at these for the prefilter, and CloudTrail has none with one.
    let plain = |name: &String| !name.contains([':', '"', '\\']);
    let names = of("eventName", condition).filter(|names| names.iter().all(plain));
    rule.event_names = names.unwrap_or_default();
    rule.event_sources = of("eventSource", condition).unwrap_or_default();
    rule.verbatim = verbatim(condition).unwrap_or_default();
    // Names are told sooner than texts.
    let texts = if rule.event_names.is_empty() { texts(condition) } else { None };
    rule.texts = texts.unwrap_or_default();
}

/// Texts, in lower case, of which a record has one in any case if an expression holds: the rarest that there
/// are; none if it can hold for a record without.
///
/// They stand in the JSON of the record as they are, whatever form it is in and whoever wrote it, but for letters
/// that are escaped and for the two characters beyond ASCII whose lower case is in it, which the prefilter
/// looks for.
fn texts(expr: &Expr) -> Option<Vec<String>> {
    rarest(expr).map(|texts| texts.into_iter().collect())
}

fn rarest(expr: &Expr) -> Option<BTreeSet<String>> {
    let texts = match expr {
        // All must hold, so any one of the sets will do.
        Expr::And(all) => best(all.iter().filter_map(rarest))?,
        Expr::Or(any) => union(any.iter().map(rarest))?,
        Expr::NOf(0, _) | Expr::Not(_) => return None,
        Expr::NOf(_, any) => union(any.iter().map(rarest))?,
        Expr::Item(item) if matches!(item.field, Field::Derived(_)) || item.negated => return None,
        Expr::Item(item) if item.all => best(item.matchers.iter().filter_map(texts_of_matcher))?,
        Expr::Item(item) => union(item.matchers.iter().map(texts_of_matcher))?,
    };
    Some(texts).filter(|texts| !texts.is_empty())
}

fn best(sets: impl Iterator<Item = BTreeSet<String>>) -> Option<BTreeSet<String>> {
    sets.max_by_key(|texts| (texts.iter().map(|text| rarity(text)).min(), Reverse(texts.len())))
}

fn union(sets: impl Iterator<Item = Option<BTreeSet<String>>>) -> Option<BTreeSet<String>> {
    sets.collect::<Option<Vec<_>>>().map(|sets| sets.into_iter().flatten().collect())
}

/// The shortest text that the prefilter searches for.
const SHORTEST_TEXT: usize = 4;

/// What records in other forms are given for a value that they have in other words: an outcome, and whether a
/// second factor was used.
const MAPPED: [&str; 3] = ["failure", "yes", "no"];

/// Texts of which a value that matches has one, as it stands in JSON.
fn texts_of_matcher(matcher: &Matcher) -> Option<BTreeSet<String>> {
    match matcher {
        Matcher::Text(glob) if !fits_numbers(literals(glob)) => rarest_part(literals(glob)),
        Matcher::Regex(regex) => pattern::texts(regex.pattern(), &|literals, sets| {
            let literals = literals.iter().map(String::as_str);
            let own = literals.filter(|text| !fits_numbers(std::iter::once(*text)));
            best(sets.into_iter().chain(rarest_part(own)))
        }),
        // An address is read by its four numbers, which are written in one way only.
        Matcher::Cidr { network: IpAddr::V4(network), prefix } => {
            let octets = network.octets();
            let whole = octets.iter().take(usize::from(*prefix / 8));
            let text = whole.map(|octet| format!("{octet}.")).collect::<String>();
            rarest_part(
                [if *prefix == 32 { text.trim_end_matches('.') } else { &text }].into_iter(),
            )
        }
        _ => None,
    }
}

/// The rarest part of some texts that stands in JSON as it is, but for its slashes.
fn rarest_part<'a>(texts: impl Iterator<Item = &'a str>) -> Option<BTreeSet<String>> {
    let parts = texts.flat_map(|text| text.split(|c| !is_plain(c) && c != '/'));
    let parts = parts.map(|text| text.trim_matches('/').to_ascii_lowercase());
    let long = parts.filter(|text| text.split('/').any(|part| part.len() >= SHORTEST_TEXT));
    let own = long.filter(|text| !MAPPED.iter().any(|mapped| mapped.contains(text.as_str())));
    own.max_by_key(|text| (rarity(text), text.len())).map(|text| [text].into())
}

fn literals(glob: &Glob) -> impl Iterator<Item = &str> {
    glob.tokens.iter().filter_map(|token| match token {
        Token::Literal(text) => Some(text.as_str()),
        _ => None,
    })
}

/// Whether a character is written in JSON as it is, by those too who escape more than they must: what means
/// something in HTML, and slashes. The prefilter knows the same ones; only it looks for slashes as well.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~')
        && !matches!(c, '"' | '\\' | '/' | '&' | '\'' | '+' | '<' | '=' | '>' | '`')
}

/// Whether a number may have all these texts in it. They are compared as texts and may be written in many
/// ways.
fn fits_numbers<'a>(mut texts: impl Iterator<Item = &'a str>) -> bool {
    let part = |c| matches!(c, '0'..='9' | '.' | '-' | 'i' | 'n' | 'f' | 'I' | 'N' | 'F');
    let mut dots = 0_usize;
    let all = texts.all(|text| {
        dots = dots.saturating_add(text.matches('.').count());
        text.chars().all(part) && !text.get(1..).is_some_and(|rest| rest.contains('-'))
    });
    all && dots < 2
}

fn set(field: &str, expr: &Expr) -> Option<BTreeSet<String>> {
    sets(expr, &|item| of_item(field, item))
}

fn sets(
    expr: &Expr,
    of_item: &dyn Fn(&Item) -> Option<BTreeSet<String>>,
) -> Option<BTreeSet<String>> {
    match expr {
        // All must hold, so any one of the sets will do: the smallest is the sharpest.
        Expr::And(all) => {
            all.iter().filter_map(|expr| sets(expr, of_item)).min_by_key(BTreeSet::len)
        }
        Expr::Or(any) => any
            .iter()
            .map(|expr| sets(expr, of_item))
            .collect::<Option<Vec<_>>>()
            .map(|sets| sets.into_iter().flatten().collect()),
        Expr::NOf(0, _) | Expr::Not(_) => None,
        Expr::NOf(_, any) => sets(&Expr::Or(any.clone()), of_item),
        Expr::Item(item) => of_item(item),
    }
}

/// The shortest text that is worth a search.
const SHORTEST: usize = 8;

fn verbatim_of_item(item: &Item) -> Option<BTreeSet<String>> {
    // The conditions of routers look into the request alone.
    let in_request = |field: &Field| match field {
        Field::Record(path) => path.segments.first().is_some_and(|it| it == "requestParameters"),
        _ => false,
    };
    if !in_request(&item.field) || item.negated || item.matchers.is_empty() {
        return None;
    }
    let longest = |glob: &Glob| {
        let texts = glob.tokens.iter().filter_map(|token| match token {
            Token::Literal(text) => Some(text.split(|c: char| !c.is_ascii_alphabetic())),
            Token::One | Token::Many | Token::Dash => None,
        });
        let longest = texts.flatten().max_by_key(|text| text.len());
        longest.filter(|text| text.len() >= SHORTEST && glob.cased).map(str::to_owned)
    };
    let of_matcher = |matcher: &Matcher| match matcher {
        Matcher::Text(glob) => longest(glob),
        _ => None,
    };
    item.matchers.iter().map(of_matcher).collect()
}

fn of_item(field: &str, item: &Item) -> Option<BTreeSet<String>> {
    let Field::Record(path) = &item.field else {
        return None;
    };
    if path.text != field || item.negated {
        return None;
    }
    item.matchers
        .iter()
        .map(|matcher| match matcher {
            Matcher::Text(glob) => glob.literal().map(str::to_lowercase),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Regex, RegexFlags};

    fn of_regex(pattern: &str) -> Vec<String> {
        let flags = RegexFlags { ignore_case: true, ..RegexFlags::default() };
        let regex = Regex::new(pattern, flags).unwrap();
        // Only letters of ASCII have another case.
        assert!(!Regex::new("s|k|i", flags).unwrap().is_match("\u{17f}\u{212a}\u{130}"));
        texts_of_matcher(&Matcher::Regex(regex)).into_iter().flatten().collect()
    }

    #[test]
    fn a_regular_expression_has_what_all_its_matches_have() {
        for (pattern, texts) in [
            ("kali", vec!["kali"]),
            ("^KALI.linux$", vec!["linux"]),
            ("(kali|parrot|pentoo)", vec!["kali", "parrot", "pentoo"]),
            ("(?i:kali)+-linux*", vec!["-linu"]),
            ("(?:parrot)?kalii?", vec!["kali"]),
            ("(?P<os>parrot){0,3}kali", vec!["kali"]),
            (r"aws-cli\/1\.16\.312 Python", vec!["aws-cli/1.16.312 python"]),
            (r"/:assumed-role/aws:=", vec![":assumed-role/aws:"]),
            ("kal/ali/par", vec![]),
            (r"\d{4}-roles", vec!["-roles"]),
            ("[kali]{4}parrot[^x-z]", vec!["parrot"]),
            ("parrots?", vec!["parrot"]),
            ("kali|abc", vec![]),
            ("kali|", vec![]),
            ("12345", vec![]),
            (r"\x6bali", vec![]),
            ("(?x)ka li", vec![]),
            ("a*", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(of_regex(pattern), texts, "{pattern}");
        }
    }

    #[test]
    fn the_rarest_witness_of_a_condition_is_taken() {
        let item = |field: &str, text: &str| {
            let tokens = vec![Token::Many, Token::Literal(text.into()), Token::Many];
            Expr::Item(Item {
                field: Field::Record(field.into()),
                matchers: vec![Matcher::Text(Glob { tokens, cased: false })],
                all: false,
                negated: false,
            })
        };
        let root = || item("userIdentity.type", "root");
        let hog = || item("userAgent", "trufflehog/3");
        let kali = || item("userAgent", "kali");
        let not = |expr| Expr::Not(Box::new(expr));
        for (expr, texts) in [
            (Expr::And(vec![root(), hog(), not(kali())]), vec!["trufflehog/3"]),
            (Expr::Or(vec![hog(), Expr::And(vec![kali(), root()])]), vec!["kali", "trufflehog/3"]),
            (Expr::NOf(2, vec![hog(), kali(), root()]), vec!["kali", "root", "trufflehog/3"]),
            (Expr::Or(vec![hog(), not(kali())]), vec![]),
            (Expr::And(vec![not(root()), item("errorCode", "fail")]), vec![]),
            (item("awsRegion", "eu"), vec![]),
        ] {
            assert_eq!(super::texts(&expr).unwrap_or_default(), texts, "{expr:?}");
        }
    }

    #[test]
    fn texts_that_numbers_may_have_are_none() {
        for (text, fits) in [
            ("123456789012", true),
            ("-1.5", true),
            ("inf", true),
            ("198.51.100.7", false),
            ("2026-11-17", false),
            ("12a", false),
        ] {
            assert_eq!(fits_numbers([text].into_iter()), fits, "{text}");
        }
    }
}
