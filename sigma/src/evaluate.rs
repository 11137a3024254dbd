//! Evaluation: whether an expression holds for an event, by the Sigma specification.
//!
//! An event is anything that implements [`Event`]: orgwatch's core has one over borrowed JSON, the tests
//! here one over `serde_json`. Dispatch is static and nothing is copied, because the guest of a router
//! evaluates every candidate. `rsigma-eval` is the oracle: a test of the core runs both over the same
//! records.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::{Expr, Field, FieldRef, Item, Matcher};

/// The bound on arrays in arrays that are looked into: call depth, of which a small interpreter has
/// little.
const MAX_ARRAYS: usize = 4;

/// An event whose fields can be looked up.
pub trait Event {
    /// A value of this event.
    type Value<'a>: EventValue
    where
        Self: 'a;

    /// The values of a field.
    fn field(&self, field: &Field) -> Lookup<'_, Self::Value<'_>>;

    /// Whether a test holds for any text value of the event, at any depth.
    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool;
}

/// The values of a field in one event.
#[derive(Debug)]
pub enum Lookup<'a, V> {
    /// There is no such field.
    Missing,
    /// One value.
    One(V),
    /// Several values, because the path crosses an array.
    Many(Vec<V>),
    /// A text that was derived from the event rather than read in it.
    Text(Cow<'a, str>),
}

/// The type of a value, as JSON has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ValueKind {
    Object,
    Array,
    Text,
    Number,
    Bool(bool),
    Null,
}

/// A value of an event. It is a reference and cheap to copy.
pub trait EventValue: Copy {
    /// The type.
    fn kind(&self) -> ValueKind;

    /// A text, a number or a boolean as text, the form in which patterns are compared with it: the number
    /// 1.0 reads `1`. `None` for anything else.
    fn text(&self) -> Option<Cow<'_, str>>;

    /// The digits of a number as the event has them, `1.0`; only asked of a number.
    fn digits(&self) -> Cow<'_, str>;

    /// The elements of an array; nothing for anything else.
    fn items(&self) -> impl Iterator<Item = Self>;
}

/// Whether an expression holds for an event.
pub fn holds<E: Event>(expr: &Expr, event: &E) -> bool {
    match expr {
        Expr::And(all) => all.iter().all(|expr| holds(expr, event)),
        Expr::Or(any) => any.iter().any(|expr| holds(expr, event)),
        Expr::NOf(count, any) => {
            let held = any.iter().filter(|expr| holds(expr, event)).count();
            held as u64 >= *count
        }
        Expr::Not(expr) => !holds(expr, event),
        Expr::Item(item) => item_holds(item, event),
    }
}

fn item_holds<E: Event>(item: &Item, event: &E) -> bool {
    if item.field == Field::Keyword {
        let matches =
            |matcher: &Matcher| event.any_text(&mut |text: &str| text_matches(matcher, text));
        return matched(item, matches) != item.negated;
    }
    let lookup = event.field(&item.field);
    let matches = |matcher: &Matcher| match &lookup {
        lookup if let Matcher::FieldRef(other) = matcher => refers(lookup, other, event),
        Lookup::Missing => absent(matcher),
        Lookup::One(value) => value_matches(matcher, *value, MAX_ARRAYS),
        Lookup::Many(values) => present(matcher).unwrap_or_else(|| {
            values.iter().any(|value| value_matches(matcher, *value, MAX_ARRAYS))
        }),
        Lookup::Text(text) => present(matcher).unwrap_or_else(|| text_matches(matcher, text)),
    };
    matched(item, matches) != item.negated
}

fn matched(item: &Item, matches: impl Fn(&Matcher) -> bool) -> bool {
    match item.all {
        true => item.matchers.iter().all(matches),
        false => item.matchers.iter().any(matches),
    }
}

/// Whether a value is in a relation to one of another field. A field that is null or not there has none.
fn refers<E: Event>(lookup: &Lookup<'_, E::Value<'_>>, to: &FieldRef, event: &E) -> bool {
    let others = event.field(&to.field);
    any_of(lookup, &mut |text| {
        any_of(&others, &mut |other| match to.cased {
            true => to.relation.holds(text, other),
            false => to.relation.holds(&text.to_lowercase(), &other.to_lowercase()),
        })
    })
}

/// Whether a test holds for any text, number or boolean among the values of a field.
fn any_of<V: EventValue>(lookup: &Lookup<'_, V>, test: &mut dyn FnMut(&str) -> bool) -> bool {
    match lookup {
        Lookup::Missing => false,
        Lookup::One(value) => any_text_in(*value, test, MAX_ARRAYS),
        Lookup::Many(values) => values.iter().any(|value| any_text_in(*value, test, MAX_ARRAYS)),
        Lookup::Text(text) => test(text),
    }
}

fn any_text_in<V: EventValue>(value: V, test: &mut dyn FnMut(&str) -> bool, arrays: usize) -> bool {
    match value.kind() {
        ValueKind::Array => {
            let inner = arrays.checked_sub(1);
            inner.is_some_and(|left| value.items().any(|item| any_text_in(item, test, left)))
        }
        _ => value.text().is_some_and(|text| test(&text)),
    }
}

/// Whether a matcher matches a field that is not there.
fn absent(matcher: &Matcher) -> bool {
    matches!(matcher, Matcher::Null | Matcher::Exists(false))
}

/// The answer of a matcher that only asks for presence, for a field that is there.
fn present(matcher: &Matcher) -> Option<bool> {
    match matcher {
        Matcher::Null => Some(false),
        Matcher::Exists(expected) => Some(*expected),
        _ => None,
    }
}

fn value_matches<V: EventValue>(matcher: &Matcher, value: V, arrays: usize) -> bool {
    match (value.kind(), matcher) {
        // Presence is of the field, whatever it holds.
        (_, Matcher::Exists(expected)) => *expected,
        (ValueKind::Null, _) => *matcher == Matcher::Null,
        (_, Matcher::Null) => false,
        (ValueKind::Array, _) => {
            let inner = arrays.checked_sub(1);
            inner.is_some_and(|left| value.items().any(|item| value_matches(matcher, item, left)))
        }
        (ValueKind::Bool(value), Matcher::Bool(expected)) => value == *expected,
        (ValueKind::Text, _)
        | (
            ValueKind::Number | ValueKind::Bool(_),
            Matcher::Text(_) | Matcher::Cidr { .. } | Matcher::Regex(_),
        ) => value.text().is_some_and(|text| text_matches(matcher, &text)),
        (ValueKind::Number, Matcher::Bool(_)) => false,
        (ValueKind::Number, _) => text_matches(matcher, &value.digits()),
        (ValueKind::Object | ValueKind::Bool(_), _) => false,
    }
}

fn text_matches(matcher: &Matcher, text: &str) -> bool {
    match matcher {
        Matcher::Text(glob) => glob.matches(text),
        other => other_matches(other, text),
    }
}

/// Apart from the texts, which nearly all matchers are: an interpreter has little stack.
#[inline(never)]
fn other_matches(matcher: &Matcher, text: &str) -> bool {
    let number = |compare: fn(&f64, &f64) -> bool, than: &f64| {
        text.parse::<f64>().is_ok_and(|number| compare(&number, than))
    };
    match matcher {
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
        Matcher::Regex(regex) => regex.is_match(text),
        Matcher::Text(_) | Matcher::Null | Matcher::Exists(_) | Matcher::FieldRef(_) => false,
    }
}

/// Whether an address shares the first `prefix` bits of a network. A prefix longer than an address is
/// no network; the compiler refuses it, and a pack that was damaged must not trap here.
fn in_network(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    let (address, network, bits) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (u128::from(a.to_bits()), u128::from(n.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits(), n.to_bits(), 128),
        _ => return false,
    };
    let Some(ignored) = u32::checked_sub(bits, u32::from(prefix)) else { return false };
    ignored >= 128 || address >> ignored == network >> ignored
}

#[cfg(test)]
pub(crate) mod tests;
