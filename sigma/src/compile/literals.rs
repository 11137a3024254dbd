//! Literals that the prefilter and the index of rules may rely on.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::witness::rarity;
use crate::{Expr, Field, Glob, Item, Matcher, Token};

/// The texts, in lower case, that a field must have one of for an expression to hold; none if it
/// can hold whatever the field says.
pub(super) fn of(field: &str, expr: &Expr) -> Option<Vec<String>> {
    set(field, expr).map(|texts| texts.into_iter().collect())
}

/// Texts of plain letters of which the request has one as it stands if an expression holds: those that are
/// compared with regard to case. Letters are written as they are in JSON, or as an escape that the
/// prefilter looks for.
pub(super) fn verbatim(expr: &Expr) -> Option<Vec<String>> {
    sets(expr, &verbatim_of_item).map(|texts| texts.into_iter().collect())
}

/// Texts, in lower case, of which a record has one in any case if an expression holds: the rarest that there
/// are; none if it can hold for a record without.
///
/// They stand in the JSON of the record as they are, whatever form it is in and whoever wrote it, but for letters
/// that are escaped and for the two characters beyond ASCII whose lower case is in it, which the prefilter
/// looks for.
pub(super) fn texts(expr: &Expr) -> Option<Vec<String>> {
    rarest(expr).map(|texts| texts.into_iter().collect())
}

fn rarest(expr: &Expr) -> Option<BTreeSet<String>> {
    let texts = match expr {
        // All must hold, so any one of the sets will do.
        Expr::And(all) => all.iter().filter_map(rarest).max_by_key(|texts| {
            (texts.iter().map(|text| rarity(text)).min(), Reverse(texts.len()))
        })?,
        Expr::Or(any) => {
            any.iter().map(rarest).collect::<Option<Vec<_>>>()?.into_iter().flatten().collect()
        }
        Expr::NOf(0, _) | Expr::Not(_) => return None,
        Expr::NOf(_, any) => rarest(&Expr::Or(any.clone()))?,
        Expr::Item(item) => texts_of_item(item)?,
    };
    Some(texts).filter(|texts: &BTreeSet<String>| !texts.is_empty())
}

fn texts_of_item(item: &Item) -> Option<BTreeSet<String>> {
    if matches!(item.field, Field::Derived(_)) || item.negated {
        return None;
    }
    let mut texts = item.matchers.iter().map(text_of_matcher);
    match item.all {
        true => Some(texts.flatten().max_by_key(|text| rarity(text)).into_iter().collect()),
        false => texts.try_fold(BTreeSet::new(), |mut texts, text| {
            texts.insert(text?);
            Some(texts)
        }),
    }
}

/// The shortest text that the prefilter searches for.
const SHORTEST_TEXT: usize = 4;

/// What records in other forms are given for a value that they have in other words: an outcome, and whether a
/// second factor was used.
const MAPPED: [&str; 3] = ["failure", "yes", "no"];

/// The rarest text of which a value that matches has a part that stands in JSON as it is.
fn text_of_matcher(matcher: &Matcher) -> Option<String> {
    let rarest = |pieces: &mut dyn Iterator<Item = String>| {
        let long = pieces.filter(|text| text.len() >= SHORTEST_TEXT);
        let own = long.filter(|text| !MAPPED.iter().any(|mapped| mapped.contains(text.as_str())));
        own.max_by_key(|text| (rarity(text), text.len()))
    };
    match matcher {
        Matcher::Text(glob) if !fits_numbers(glob) => {
            let pieces = literals(glob).flat_map(|text| text.split(|c| !is_plain(c)));
            rarest(&mut pieces.map(str::to_ascii_lowercase))
        }
        // An address is read by its four numbers, which are written in one way only.
        Matcher::Cidr { network: IpAddr::V4(network), prefix } => {
            let octets = network.octets();
            let whole = octets.iter().take(usize::from(*prefix / 8));
            let mut text = whole.map(|octet| format!("{octet}.")).collect::<String>();
            if *prefix == 32 {
                text.pop();
            }
            rarest(&mut std::iter::once(text))
        }
        _ => None,
    }
}

fn literals(glob: &Glob) -> impl Iterator<Item = &str> {
    glob.tokens.iter().filter_map(|token| match token {
        Token::Literal(text) => Some(text.as_str()),
        _ => None,
    })
}

/// Whether a character is written in JSON as it is, by those too who escape more than they must: what means
/// something in HTML, and slashes. The prefilter knows the same ones.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~')
        && !matches!(c, '"' | '\\' | '/' | '&' | '\'' | '+' | '<' | '=' | '>' | '`')
}

/// Whether numbers may fit a pattern, which are compared as texts and may be written in many ways.
fn fits_numbers(glob: &Glob) -> bool {
    let part = |c| matches!(c, '0'..='9' | '.' | '-' | 'i' | 'n' | 'f' | 'I' | 'N' | 'F');
    let dots: usize = literals(glob).map(|text| text.matches('.').count()).sum();
    let sign_within = |text: &str| text.get(1..).is_some_and(|rest| rest.contains('-'));
    dots < 2 && literals(glob).all(|text| text.chars().all(part) && !sign_within(text))
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
