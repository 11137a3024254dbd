//! Events made from rules: ones that should match, and mutants of them.

use orgwatch_sigma::{Expr, Field, Glob, Item, Matcher, Relation, Token};
use regex_syntax::hir::{Class, Hir, HirKind};
use serde_json::{Map, Value, json};

use super::modifiers::matches;
use crate::support::Random;

/// An event on which a condition should hold, as far as one can be made by looking at each part alone.
pub fn matching(condition: &Expr, random: &mut Random) -> Value {
    let mut event = json!({
        "eventVersion": "1.09", "eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances",
        "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7", "userAgent": "aws-cli/2",
        "userIdentity": {"type": "IAMUser", "userName": "alice", "accountId": "111122223333"},
        "requestParameters": {}, "readOnly": false, "recipientAccountId": "111122223333",
    });
    fulfil(condition, true, &mut event, random);
    event
}

/// The event, changed so that one part of a condition should have the other answer.
pub fn mutant(item: &Item, holds: bool, event: &Value, random: &mut Random) -> Value {
    let mut event = event.clone();
    ask(item, holds, &mut event, random);
    event
}

/// The parts of a condition.
pub fn items(expr: &Expr) -> Vec<&Item> {
    match expr {
        Expr::And(list) | Expr::Or(list) | Expr::NOf(_, list) => {
            list.iter().flat_map(items).collect()
        }
        Expr::Not(inner) => items(inner),
        Expr::Item(item) => vec![item],
    }
}

fn fulfil(expr: &Expr, holds: bool, event: &mut Value, random: &mut Random) {
    // What is so already may be by another part that needs it.
    if matches(expr, event) == holds {
        return;
    }
    match (expr, holds) {
        (Expr::Not(inner), holds) => fulfil(inner, !holds, event, random),
        (Expr::Item(item), holds) => ask(item, holds, event, random),
        (Expr::And(list), true) | (Expr::Or(list), false) => {
            list.iter().for_each(|inner| fulfil(inner, holds, event, random));
        }
        (Expr::Or(list), true) | (Expr::And(list), false) => {
            if !list.is_empty() {
                fulfil(random.pick(list), holds, event, random);
            }
        }
        (Expr::NOf(count, list), true) => {
            list.iter().take(*count as usize).for_each(|i| fulfil(i, true, event, random));
        }
        (Expr::NOf(_, list), false) => list.iter().for_each(|i| fulfil(i, false, event, random)),
    }
}

fn ask(item: &Item, holds: bool, event: &mut Value, random: &mut Random) {
    let wanted = holds != item.negated;
    let Field::Record(path) = &item.field else {
        if item.field == Field::Keyword && wanted {
            let count = if item.all { item.matchers.len() } else { 1 };
            for (n, matcher) in item.matchers.iter().take(count).enumerate() {
                let text = value(matcher, event, random);
                set(event, &["requestParameters".into(), format!("text{n}")], text);
            }
        }
        return;
    };
    if !wanted {
        match random.below(6) {
            0 => set(event, &path.segments, Some(Value::Null)),
            1 => set(event, &path.segments, Some(json!(["other", 77]))),
            2 => set(event, &path.segments, None),
            _ => set(event, &path.segments, Some(json!("other"))),
        }
        let exists = item.matchers.iter().any(|matcher| *matcher == Matcher::Exists(true));
        if exists || item.matchers.contains(&Matcher::Null) {
            set(event, &path.segments, (!exists).then(|| json!("other")));
        }
        return;
    }
    let made = match item.all {
        false => value(random.pick(&item.matchers), event, random),
        true => {
            let texts = item.matchers.iter().filter_map(|matcher| match matcher {
                Matcher::Text(glob) => Some(text(glob, random)),
                _ => None,
            });
            Some(json!(texts.collect::<Vec<_>>().concat()))
        }
    };
    let made = match (made, random.below(8)) {
        (Some(made), 0) => Some(json!([made, "other"])),
        (made, _) => made,
    };
    set(event, &path.segments, made);
}

/// A value that a matcher should match; none to leave the field out.
fn value(matcher: &Matcher, event: &mut Value, random: &mut Random) -> Option<Value> {
    let number = |number: f64, random: &mut Random| match random.below(2) {
        0 => json!(number),
        _ => json!(number.to_string()),
    };
    Some(match matcher {
        Matcher::Text(glob) => json!(text(glob, random)),
        Matcher::Equals(n) | Matcher::Gte(n) | Matcher::Lte(n) => number(*n, random),
        Matcher::Gt(n) => number(n + 1.0, random),
        Matcher::Lt(n) => number(n - 1.0, random),
        Matcher::Bool(value) => match random.below(2) {
            0 => json!(value),
            _ => json!(if *value { "TRUE" } else { "no" }),
        },
        Matcher::Null => return (random.below(2) == 0).then_some(Value::Null),
        Matcher::Exists(true) => json!("x"),
        Matcher::Exists(false) => return None,
        Matcher::Cidr { network, .. } => json!(network.to_string()),
        Matcher::Regex(regex) => {
            let hir = regex_syntax::parse(regex.pattern()).expect("it was compiled");
            let mut text = String::new();
            sample(&hir, &mut text);
            json!(if regex.flags().ignore_case { text.to_uppercase() } else { text })
        }
        Matcher::FieldRef(other) => {
            let Field::Record(path) = &other.field else { return None };
            set(event, &path.segments, Some(json!("mid-Word")));
            json!(match other.relation {
                Relation::Equal => "mid-Word",
                Relation::Contains => "a mid-Word b",
                Relation::StartsWith => "mid-Word b",
                Relation::EndsWith => "a mid-Word",
            })
        }
    })
}

/// A text that fits a pattern.
fn text(glob: &Glob, random: &mut Random) -> String {
    let mut text = String::new();
    for token in &glob.tokens {
        match token {
            Token::Literal(literal) => match !glob.cased && random.below(4) == 0 {
                true => text.push_str(&literal.to_uppercase()),
                false => text.push_str(literal),
            },
            Token::One => text.push('x'),
            Token::Many => text.push_str(random.pick::<&str>(&["", "zz", " and "])),
            Token::Dash => text.push(*random.pick(&['-', '/', '–', '—', '―'])),
        }
    }
    text
}

/// A text in which an expression matches.
fn sample(hir: &Hir, text: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(Class::Unicode(class)) => {
            text.extend(
                class.ranges().iter().map(|range| range.start().max('a').min(range.end())).next(),
            );
        }
        HirKind::Class(Class::Bytes(class)) => {
            text.extend(class.ranges().first().map(|range| char::from(range.start())));
        }
        HirKind::Repetition(repetition) => {
            (0..repetition.min.max(1)).for_each(|_| sample(&repetition.sub, text));
        }
        HirKind::Capture(capture) => sample(&capture.sub, text),
        HirKind::Concat(list) => list.iter().for_each(|inner| sample(inner, text)),
        HirKind::Alternation(list) => sample(&list[0], text),
    }
}

/// Puts a value at a path, or takes it away.
fn set(event: &mut Value, path: &[String], value: Option<Value>) {
    let Some((last, above)) = path.split_last() else { return };
    let mut here = event;
    for key in above {
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        here = &mut here[key.as_str()];
    }
    if !here.is_object() {
        *here = Value::Object(Map::new());
    }
    match value {
        Some(value) => here[last.as_str()] = value,
        None => drop(here.as_object_mut().and_then(|here| here.remove(last))),
    }
}
