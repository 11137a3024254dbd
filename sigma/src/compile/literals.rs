//! Literals that the prefilter and the index of rules may rely on.

use std::collections::BTreeSet;

use crate::{Expr, Field, Glob, Item, Matcher, Token};

/// The texts, in lower case, that a field must have one of for an expression to hold; none if it
/// can hold whatever the field says.
pub(super) fn of(field: &str, expr: &Expr) -> Option<Vec<String>> {
    set(field, expr).map(|texts| texts.into_iter().collect())
}

/// Texts of plain letters of which a record has one as it stands if an expression holds: those that are
/// compared with regard to case. Letters are written as they are in JSON, or as an escape that the
/// prefilter looks for.
pub(super) fn verbatim(expr: &Expr) -> Option<Vec<String>> {
    sets(expr, &verbatim_of_item).map(|texts| texts.into_iter().collect())
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
    if !matches!(item.field, Field::Record(_)) || item.negated || item.matchers.is_empty() {
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
