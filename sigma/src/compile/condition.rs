//! Sigma detections and conditions, inlined into one expression.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use rsigma_parser::{ConditionExpr, Detection, Detections, Quantifier, SelectorPattern};
use yaml_serde::Value;

use super::limits::MAX_VALUES;
use super::problem::{Node, all};
use super::{detection, item};
use crate::{Derived, Expr, Field, MAX_DEPTH, Path};

/// The whole `detection` of a rule: any of its conditions. `at` is the key.
pub(super) fn compile(detections: &Detections, at: &Node<'_>) -> Option<Expr> {
    let named = Named { detections, left: Cell::new(MAX_VALUES), used: RefCell::default() };
    let conditions = detections.conditions.iter();
    let conditions = all(conditions.map(|condition| expression(condition, &named, at)))?;
    named.warn_of_unused(at);
    match any(conditions) {
        Some(expr) => shallow(expr, &at.at("condition")),
        None => {
            at.at("condition").refuse("detection: no condition");
            None
        }
    }
}

/// The named detections of a rule, and the number of values that its condition may still ask for: each
/// use of a name has them all.
struct Named<'a> {
    detections: &'a Detections,
    left: Cell<usize>,
    used: RefCell<BTreeSet<String>>,
}

impl Named<'_> {
    fn detection(&self, name: &str, named: &Detection, at: &Node<'_>) -> Option<Expr> {
        let Some(left) = self.left.get().checked_sub(values(named)) else {
            at.at("condition").refuse(format_args!(
                "condition: it asks for more than {MAX_VALUES} values, each counted as often as it is \
                 named"
            ));
            return None;
        };
        self.left.set(left);
        self.used.borrow_mut().insert(name.to_owned());
        detection(named, &at.at(name))
    }
}

impl Named<'_> {
    /// Warns of what the condition does not name, which has no effect.
    fn warn_of_unused(&self, at: &Node<'_>) {
        let used = self.used.borrow();
        for name in self.detections.named.keys().filter(|name| !used.contains(*name)) {
            at.at(name).warn(format_args!("{name}: the condition does not name it"));
        }
    }
}

/// The number of values in a detection, and of what has none.
fn values(detection: &Detection) -> usize {
    match detection {
        Detection::AllOf(items) => items.iter().map(|item| item.values.len()).sum(),
        Detection::AnyOf(list) | Detection::And(list) => list.iter().map(values).sum(),
        Detection::Keywords(values) => values.len(),
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => 0,
    }
    .saturating_add(1)
}

/// An expression that a pack can hold.
fn shallow(expr: Expr, at: &Node<'_>) -> Option<Expr> {
    if expr.depth() > MAX_DEPTH {
        at.refuse(format_args!("more than {MAX_DEPTH} operators stand in one another"));
        return None;
    }
    Some(expr)
}

/// A detection map that stands in an extension key, read as Sigma would read it in a rule.
pub(super) fn map(key: &str, value: &Value, at: &Node<'_>) -> Option<Expr> {
    if !detection::named(value, at) {
        return None;
    }
    match parsed(value) {
        Ok(named) => shallow(detection(&named, at)?, at),
        Err(problem) => {
            if !narrowed(value, at) {
                at.refuse(format_args!("{key}: {problem}"));
            }
            None
        }
    }
}

/// Whether the parser refuses a detection; if so, it is reported.
pub(super) fn refused(value: &Value, at: &Node<'_>) -> bool {
    let Err(problem) = parsed(value) else { return false };
    if !narrowed(value, at) {
        at.refuse(problem);
    }
    true
}

/// A detection on its own. The parser reads whole rules only, so that one is written around it.
fn parsed(value: &Value) -> Result<Detection, String> {
    let entry = |key: &str, value: Value| (Value::from(key), value);
    let map = |entries: Vec<(Value, Value)>| Value::Mapping(entries.into_iter().collect());
    let rule = map(vec![
        entry("title", "a detection on its own".into()),
        entry("logsource", map(vec![entry("product", "aws".into())])),
        entry("detection", map(vec![entry("condition", "it".into()), entry("it", value.clone())])),
    ]);
    let yaml = yaml_serde::to_string(&rule).map_err(|error| error.to_string())?;
    let collection = rsigma_parser::parse_sigma_yaml(&yaml)
        .map_err(|error| error.to_string())?
        .into_result()
        .map_err(|errors| errors.join("; "))?;
    let rule = collection.rules.into_iter().next();
    let named = rule.and_then(|mut rule| rule.detection.named.remove("it"));
    named.ok_or_else(|| "not a detection map".into())
}

/// Reports what the parser refuses in a detection, at the items that it refuses, since its own errors
/// do not say where they are. Returns whether anything was found.
fn narrowed(value: &Value, at: &Node<'_>) -> bool {
    let parts: Vec<(String, Value, Value)> = match value {
        Value::Sequence(list) => {
            let list = list.iter().enumerate();
            list.map(|(n, value)| (n.to_string(), value.clone(), value.clone())).collect()
        }
        Value::Mapping(map) => {
            let alone = |key: &Value, value: &Value| {
                Value::Mapping([(key.clone(), value.clone())].into_iter().collect())
            };
            let key = |key: &Value| key.as_str().unwrap_or_default().to_owned();
            map.iter().map(|(k, value)| (key(k), alone(k, value), Value::Null)).collect()
        }
        _ => return false,
    };
    let mut found = false;
    for (key, part, inner) in parts {
        if let Err(problem) = parsed(&part) {
            let at = at.at(&key);
            if !narrowed(&inner, &at) {
                at.refuse(problem);
            }
            found = true;
        }
    }
    found
}

/// The field that a rule names.
pub(super) fn field(name: &str) -> Result<Field, String> {
    let Some(derived) = name.strip_prefix("orgwatch.") else {
        return Ok(Field::Record(Path::from(name)));
    };
    match Derived::ALL.iter().find(|(known, _)| *known == derived) {
        Some((_, derived)) => Ok(Field::Derived(*derived)),
        None => Err(format!("{name} is not a derived field")),
    }
}

fn expression(condition: &ConditionExpr, named: &Named<'_>, at: &Node<'_>) -> Option<Expr> {
    let every =
        |list: &[ConditionExpr]| all(list.iter().map(|condition| expression(condition, named, at)));
    Some(match condition {
        ConditionExpr::And(list) => Expr::And(every(list)?),
        ConditionExpr::Or(list) => Expr::Or(every(list)?),
        ConditionExpr::Not(inner) => Expr::Not(Box::new(expression(inner, named, at)?)),
        ConditionExpr::Identifier(name) => match named.detections.named.get(name) {
            Some(found) => named.detection(name, found, at)?,
            None => {
                at.at("condition").refuse(format_args!("condition: {name} is not defined"));
                return None;
            }
        },
        ConditionExpr::Selector { quantifier, pattern } => {
            selector(quantifier, pattern, named, at)?
        }
    })
}

fn selector(
    quantifier: &Quantifier,
    pattern: &SelectorPattern,
    named: &Named<'_>,
    at: &Node<'_>,
) -> Option<Expr> {
    let known = named.detections.named.iter();
    let mut found: Vec<_> =
        known.filter(|(name, _)| pattern.matches_detection_name(name)).collect();
    found.sort_by_key(|(name, _)| *name);
    if found.is_empty() {
        at.at("condition").refuse(format_args!("condition: nothing is named {pattern}"));
        return None;
    }
    let list = all(found.into_iter().map(|(name, found)| named.detection(name, found, at)))?;
    Some(match quantifier {
        Quantifier::Any => Expr::Or(list),
        Quantifier::All => Expr::And(list),
        Quantifier::Count(count) => Expr::NOf(*count, list),
    })
}

fn detection(detection: &Detection, at: &Node<'_>) -> Option<Expr> {
    let each = |list: &[Detection]| {
        all(list.iter().enumerate().map(|(n, inner)| self::detection(inner, &at.at(n))))
    };
    match detection {
        Detection::AllOf(items) => {
            Some(Expr::And(all(items.iter().map(|one| item::compile(one, at)))?))
        }
        Detection::AnyOf(list) => Some(Expr::Or(each(list)?)),
        Detection::And(list) => Some(Expr::And(each(list)?)),
        Detection::Keywords(values) => item::keywords(values, at),
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
            at.refuse("array blocks are not supported");
            None
        }
    }
}

fn any(mut list: Vec<Expr>) -> Option<Expr> {
    match list.len() {
        0 => None,
        1 => list.pop(),
        _ => Some(Expr::Or(list)),
    }
}
