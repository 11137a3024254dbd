//! The table of fields: rules may name them as another product does.

use std::collections::BTreeMap;

use crate::{Correlation, CorrelationKind, Expr, Field, Matcher, Path};

/// Fields as rules name them, and as CloudTrail does.
pub(super) type Table = BTreeMap<String, String>;

/// Renames the fields of an expression.
pub(super) fn expression(expr: &mut Expr, table: &Table) {
    match expr {
        Expr::And(list) | Expr::Or(list) | Expr::NOf(_, list) => {
            list.iter_mut().for_each(|inner| expression(inner, table));
        }
        Expr::Not(inner) => expression(inner, table),
        Expr::Item(item) => {
            field(&mut item.field, table);
            for matcher in &mut item.matchers {
                if let Matcher::FieldRef(other) = matcher {
                    field(&mut other.field, table);
                }
            }
        }
    }
}

/// Renames the fields of a correlation.
pub(super) fn correlation(chain: &mut Correlation, table: &Table) {
    if let CorrelationKind::ValueCount(_, counted) = &mut chain.kind {
        field(counted, table);
    }
    for rule in chain.members.iter_mut().flat_map(|member| &mut member.rules) {
        rule.key.iter_mut().for_each(|key| field(key, table));
        if let Some(filter) = &mut rule.member_filter {
            expression(filter, table);
        }
    }
}

/// Renames a field.
pub(super) fn field(field: &mut Field, table: &Table) {
    if let Field::Record(path) = field
        && let Some(name) = table.get(&path.text)
    {
        *path = Path::from(name.as_str());
    }
}
