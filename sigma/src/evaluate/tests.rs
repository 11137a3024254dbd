use serde_json::{Value, json};

use super::*;
use crate::{Derived, FieldRef, Glob, Path, Regex, Relation};

/// A whole event in `serde_json`; `orgwatch.user_name` is what it says under `user`.
pub(crate) struct JsonEvent(pub(crate) Value);

impl Event for JsonEvent {
    type Value<'a> = &'a Value;

    fn field(&self, field: &Field) -> Lookup<'_, &Value> {
        let path = match (field, self.0["user"].as_str()) {
            (Field::Record(path), _) => path,
            (Field::Derived(_), Some(user)) => return Lookup::Text(user.into()),
            _ => return Lookup::Missing,
        };
        let mut found = Vec::new();
        let several = walk(&self.0, &path.segments, &mut found);
        match (found.as_slice(), several) {
            ([], _) => Lookup::Missing,
            ([value], false) => Lookup::One(*value),
            _ => Lookup::Many(found),
        }
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        texts(&self.0).into_iter().any(test)
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(map) => map.values().flat_map(texts).collect(),
        _ => vec![],
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

fn regex(pattern: &str) -> Matcher {
    Matcher::Regex(Regex::new(pattern, Default::default()).unwrap())
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
        (regex("^a.c$"), json!(["x", "abc"]), true),
        (regex("^12"), json!(123), true),
        (regex("."), json!({}), false),
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
fn a_keyword_is_looked_for_in_every_text() {
    let keywords = |all, patterns: &[&str]| Item {
        field: Field::Keyword,
        matchers: patterns.iter().map(|pattern| glob(pattern)).collect(),
        all,
        negated: false,
    };
    let event = json!({"a": [{"b": "one two"}], "c": "three", "n": 4});
    for (all, patterns, expected) in [
        (false, ["*two*", "*x*"].as_slice(), true),
        (false, &["*c*", "*4*"], false),
        (true, &["*one*", "*three*"], true),
        (true, &["*one*", "*x*"], false),
    ] {
        assert_eq!(matches(&keywords(all, patterns), event.clone()), expected, "{patterns:?}");
    }
    assert!(!matches(&Item { negated: true, ..keywords(false, &["*two*"]) }, event));
}

#[test]
fn a_field_is_compared_with_another() {
    let to = |relation, cased| {
        let field = Field::Record("y".into());
        item("x", vec![Matcher::FieldRef(FieldRef { field, relation, cased })])
    };
    for (relation, cased, event, expected) in [
        (Relation::Equal, false, json!({"x": "A", "y": "a"}), true),
        (Relation::Equal, true, json!({"x": "A", "y": "a"}), false),
        (Relation::Equal, false, json!({"x": 5, "y": "5"}), true),
        (Relation::Equal, false, json!({"x": "a"}), false),
        (Relation::Equal, false, json!({"x": null, "y": null}), false),
        (Relation::Equal, false, json!({"x": ["a", "b"], "y": ["c", "b"]}), true),
        (Relation::StartsWith, false, json!({"x": "arn:a", "y": "ARN"}), true),
        (Relation::EndsWith, true, json!({"x": "arn:a", "y": ":a"}), true),
        (Relation::Contains, false, json!({"x": "arn:a", "y": "b"}), false),
    ] {
        assert_eq!(matches(&to(relation, cased), event.clone()), expected, "{relation:?} {event}");
    }
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
