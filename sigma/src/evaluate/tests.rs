use serde_json::{Value, json};

use super::*;
use crate::{Derived, Glob, Path};

/// A whole event in `serde_json`; `orgwatch.user_name` is what it says under `user`.
struct JsonEvent(Value);

impl Event for JsonEvent {
    type Value<'a> = &'a Value;

    fn field(&self, field: &Field) -> Lookup<'_, &Value> {
        let Field::Record(path) = field else {
            return match self.0["user"].as_str() {
                Some(user) => Lookup::Text(user.into()),
                None => Lookup::Missing,
            };
        };
        let mut found = Vec::new();
        let several = walk(&self.0, &path.segments, &mut found);
        match (found.as_slice(), several) {
            ([], _) => Lookup::Missing,
            ([value], false) => Lookup::One(*value),
            _ => Lookup::Many(found),
        }
    }
}

/// Collects what stands at a path, and says whether the path crosses an array.
fn walk<'v>(value: &'v Value, path: &[String], found: &mut Vec<&'v Value>) -> bool {
    match (path, value) {
        ([], value) => {
            found.push(value);
            false
        }
        (_, Value::Array(items)) => {
            items.iter().for_each(|item| _ = walk(item, path, found));
            true
        }
        ([first, rest @ ..], value) => {
            value.get(first).is_some_and(|value| walk(value, rest, found))
        }
    }
}

impl EventValue for &Value {
    fn kind(&self) -> ValueKind {
        match self {
            Value::Null => ValueKind::Null,
            Value::Bool(value) => ValueKind::Bool(*value),
            Value::Number(_) => ValueKind::Number,
            Value::String(_) => ValueKind::Text,
            Value::Array(_) => ValueKind::Array,
            Value::Object(_) => ValueKind::Object,
        }
    }

    fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::String(text) => Some(text.into()),
            Value::Bool(value) => Some(value.to_string().into()),
            Value::Number(number) => Some(number.as_f64()?.to_string().into()),
            _ => None,
        }
    }

    fn digits(&self) -> Cow<'_, str> {
        self.to_string().into()
    }

    fn items(&self) -> impl Iterator<Item = Self> {
        self.as_array().into_iter().flatten()
    }
}

fn glob(pattern: &str) -> Matcher {
    Matcher::Text(Glob { cased: false, ..Glob::wildcard(pattern) })
}

fn item(field: &str, matchers: Vec<Matcher>) -> Item {
    Item { field: Field::Record(Path::from(field)), matchers, all: false, negated: false }
}

/// An expression that holds, or one that does not.
fn given(holds: bool) -> Expr {
    Expr::Item(item("missing", vec![Matcher::Exists(!holds)]))
}

fn matches(item: &Item, event: Value) -> bool {
    holds(&Expr::Item(item.clone()), &JsonEvent(event))
}

#[test]
fn operators_combine_what_holds() {
    let event = JsonEvent(json!({}));
    let (yes, no) = (|| given(true), || given(false));
    for (expr, expected) in [
        (Expr::And(vec![]), true),
        (Expr::And(vec![yes(), no()]), false),
        (Expr::Or(vec![]), false),
        (Expr::Or(vec![no(), yes()]), true),
        (Expr::NOf(2, vec![yes(), no(), yes()]), true),
        (Expr::NOf(2, vec![yes(), no()]), false),
        (Expr::Not(Box::new(no())), true),
    ] {
        assert_eq!(holds(&expr, &event), expected, "{expr:?}");
    }
}

#[test]
fn a_matcher_asks_for_a_type() {
    let network = Matcher::Cidr { network: "192.0.2.0".parse().unwrap(), prefix: 24 };
    for (matcher, value, expected) in [
        (glob("leave*"), json!("LeaveOrganization"), true),
        (glob("1"), json!(1.0), true),
        (glob("TRUE"), json!(true), true),
        (glob("*"), json!({}), false),
        (glob("*"), json!(null), false),
        (Matcher::Equals(5.0), json!("5.0"), true),
        (Matcher::Equals(5.0), json!(5), true),
        (Matcher::Equals(1.0), json!(true), false),
        (Matcher::Gt(5.0), json!(5), false),
        (Matcher::Gte(5.0), json!(5), true),
        (Matcher::Lt(5.0), json!("4"), true),
        (Matcher::Lte(5.0), json!("x"), false),
        (Matcher::Bool(true), json!(true), true),
        (Matcher::Bool(true), json!("Yes"), true),
        (Matcher::Bool(true), json!(1), false),
        (Matcher::Null, json!(null), true),
        (Matcher::Null, json!(""), false),
        (Matcher::Exists(true), json!(null), true),
        (Matcher::Exists(false), json!([]), false),
        (network.clone(), json!("192.0.2.255"), true),
        (network, json!("192.0.3.0"), false),
    ] {
        let item = item("x", vec![matcher]);
        assert_eq!(matches(&item, json!({"x": value})), expected, "{item:?} {value}");
    }
}

#[test]
fn a_missing_field_is_null_and_nothing_else() {
    for (matcher, expected) in [
        (Matcher::Null, true),
        (Matcher::Exists(false), true),
        (Matcher::Exists(true), false),
        (glob("*"), false),
    ] {
        assert_eq!(matches(&item("x.y", vec![matcher]), json!({"x": 1})), expected);
    }
}

#[test]
fn an_element_is_enough_to_a_bounded_depth() {
    let item = item("x", vec![glob("a")]);
    assert!(matches(&item, json!({"x": ["b", "a"]})));
    assert!(matches(&item, json!({"x": [[[["a"]]]]})));
    assert!(!matches(&item, json!({"x": [[[[["a"]]]]]})), "deeper than is looked");
}

#[test]
fn a_path_crosses_arrays() {
    let both = json!({"x": [{"y": "a"}, {"y": "b"}]});
    assert!(matches(&item("x.y", vec![glob("b")]), both.clone()));
    assert!(matches(&item("x.y", vec![Matcher::Exists(true)]), both.clone()));
    assert!(!matches(&item("x.y", vec![Matcher::Null]), both.clone()));
    let all = Item { all: true, ..item("x.y", vec![glob("a"), glob("b")]) };
    assert!(matches(&all, both));
    assert!(!matches(&all, json!({"x": [{"y": "a"}]})));
}

#[test]
fn a_negated_item_holds_when_nothing_matches() {
    let other = Item { negated: true, ..item("x", vec![glob("a"), glob("b")]) };
    assert!(matches(&other, json!({"x": "c"})) && matches(&other, json!({})));
    assert!(!matches(&other, json!({"x": "b"})));
}

#[test]
fn a_derived_text_is_compared_as_text() {
    let named =
        |matcher| Item { field: Field::Derived(Derived::UserName), ..item("", vec![matcher]) };
    let event = json!({"user": "5"});
    for matcher in [glob("?"), Matcher::Equals(5.0), Matcher::Exists(true)] {
        assert!(matches(&named(matcher), event.clone()));
    }
    assert!(!matches(&named(Matcher::Null), event));
    assert!(matches(&named(Matcher::Null), json!({})));
}

#[test]
fn a_network_holds_its_addresses_only() {
    let any: IpAddr = "0.0.0.0".parse().unwrap();
    assert!(in_network("203.0.113.7".parse().unwrap(), any, 0));
    assert!(!in_network("::1".parse().unwrap(), any, 0));
    assert!(in_network("::1".parse().unwrap(), "::".parse().unwrap(), 0));
    let network = "192.0.2.0".parse().unwrap();
    assert!(in_network("192.0.2.255".parse().unwrap(), network, 24));
    assert!(!in_network("192.0.3.0".parse().unwrap(), network, 24));
    assert!(!in_network(any, any, 33), "no such network");
}
