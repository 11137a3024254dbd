//! Literals that the prefilter and the index of rules may rely on.

use std::collections::BTreeSet;

use crate::{Expr, Field, Item, Matcher};

/// The texts, in lower case, that a field must have one of for an expression to hold; none if it
/// can hold whatever the field says.
pub(super) fn of(field: &str, expr: &Expr) -> Option<Vec<String>> {
    set(field, expr).map(|texts| texts.into_iter().collect())
}

fn set(field: &str, expr: &Expr) -> Option<BTreeSet<String>> {
    match expr {
        // All must hold, so any one of the sets will do: the smallest is the sharpest.
        Expr::And(all) => all.iter().filter_map(|expr| set(field, expr)).min_by_key(BTreeSet::len),
        Expr::Or(any) => any
            .iter()
            .map(|expr| set(field, expr))
            .collect::<Option<Vec<_>>>()
            .map(|sets| sets.into_iter().flatten().collect()),
        Expr::NOf(0, _) | Expr::Not(_) => None,
        Expr::NOf(_, any) => set(field, &Expr::Or(any.clone())),
        Expr::Item(item) => of_item(field, item),
    }
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
