//! Sigma detections and conditions, inlined into one expression.

use rsigma_parser::value::{SigmaString, SigmaValue, SpecialChar, StringPart};
use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Detections, Modifier, Quantifier, SelectorPattern,
};
use yaml_serde::Value;

use super::problem::{Node, all};
use crate::{Derived, Expr, Field, Glob, Item, MAX_DEPTH, Matcher, Path, Token};

/// The whole `detection` of a rule: any of its conditions. `at` is the key.
pub(super) fn compile(detections: &Detections, at: &Node<'_>) -> Option<Expr> {
    let conditions = detections.conditions.iter();
    let conditions = all(conditions.map(|condition| expression(condition, detections, at)))?;
    match any(conditions) {
        Some(expr) => shallow(expr, &at.at("condition")),
        None => {
            at.at("condition").refuse("detection: no condition");
            None
        }
    }
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

fn expression(condition: &ConditionExpr, detections: &Detections, at: &Node<'_>) -> Option<Expr> {
    let every = |list: &[ConditionExpr]| {
        all(list.iter().map(|condition| expression(condition, detections, at)))
    };
    Some(match condition {
        ConditionExpr::And(list) => Expr::And(every(list)?),
        ConditionExpr::Or(list) => Expr::Or(every(list)?),
        ConditionExpr::Not(inner) => Expr::Not(Box::new(expression(inner, detections, at)?)),
        ConditionExpr::Identifier(name) => match detections.named.get(name) {
            Some(named) => detection(named, &at.at(name))?,
            None => {
                at.at("condition").refuse(format_args!("condition: {name} is not defined"));
                return None;
            }
        },
        ConditionExpr::Selector { quantifier, pattern } => {
            selector(quantifier, pattern, detections, at)?
        }
    })
}

fn selector(
    quantifier: &Quantifier,
    pattern: &SelectorPattern,
    detections: &Detections,
    at: &Node<'_>,
) -> Option<Expr> {
    let mut named: Vec<_> =
        detections.named.iter().filter(|(name, _)| pattern.matches_detection_name(name)).collect();
    named.sort_by_key(|(name, _)| *name);
    if named.is_empty() {
        at.at("condition").refuse(format_args!("condition: nothing is named {pattern}"));
        return None;
    }
    let list = all(named.into_iter().map(|(name, named)| detection(named, &at.at(name))))?;
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
        Detection::AllOf(items) => Some(Expr::And(all(items.iter().map(|one| item(one, at)))?)),
        Detection::AnyOf(list) => Some(Expr::Or(each(list)?)),
        Detection::And(list) => Some(Expr::And(each(list)?)),
        Detection::Keywords(_) => {
            at.refuse("keywords without a field are not supported");
            None
        }
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
            at.refuse("array blocks are not supported");
            None
        }
    }
}

fn item(item: &DetectionItem, at: &Node<'_>) -> Option<Expr> {
    let Some(name) = item.field.name.as_deref() else {
        at.refuse("an item without a field");
        return None;
    };
    let at = at.at(name);
    let modifiers = &item.field.modifiers;
    let has = |modifier| modifiers.contains(&modifier);
    let matchers = if has(Modifier::Exists) {
        let expected = !matches!(item.values.first(), Some(SigmaValue::Bool(false)));
        Some(vec![Matcher::Exists(expected)])
    } else {
        all(item.values.iter().enumerate().map(|(n, value)| {
            let matcher = matcher(value, modifiers);
            at.at(n).accept(matcher.map_err(|problem| format!("{name}: {problem}")))
        }))
    };
    let field = at.accept(field(name));
    Some(Expr::Item(Item {
        field: field?,
        matchers: matchers?,
        all: has(Modifier::All),
        negated: has(Modifier::Neq),
    }))
}

fn matcher(value: &SigmaValue, modifiers: &[Modifier]) -> Result<Matcher, String> {
    let mut cased = false;
    let (mut open_start, mut open_end) = (false, false);
    for modifier in modifiers {
        match modifier {
            Modifier::Contains => (open_start, open_end) = (true, true),
            Modifier::StartsWith => open_end = true,
            Modifier::EndsWith => open_start = true,
            Modifier::Cased => cased = true,
            Modifier::All | Modifier::Neq => {}
            Modifier::Cidr => return cidr(value),
            Modifier::Gt => return Ok(Matcher::Gt(number(value)?)),
            Modifier::Gte => return Ok(Matcher::Gte(number(value)?)),
            Modifier::Lt => return Ok(Matcher::Lt(number(value)?)),
            Modifier::Lte => return Ok(Matcher::Lte(number(value)?)),
            other => {
                return Err(format!(
                    "the modifier {other:?} is not supported: contains, startswith, endswith, all, \
                     cased, exists, cidr, gt, gte, lt, lte and neq are"
                ));
            }
        }
    }
    let open = open_start || open_end;
    Ok(match value {
        SigmaValue::Null => Matcher::Null,
        SigmaValue::Bool(value) => Matcher::Bool(*value),
        SigmaValue::Integer(value) if !open => Matcher::Equals(*value as f64),
        SigmaValue::Float(value) if !open => Matcher::Equals(*value),
        SigmaValue::Integer(_) | SigmaValue::Float(_) => {
            let text = SigmaString::from_raw(&value.to_string());
            Matcher::Text(glob(&text, cased, open_start, open_end))
        }
        SigmaValue::String(text) => Matcher::Text(glob(text, cased, open_start, open_end)),
    })
}

fn glob(text: &SigmaString, cased: bool, open_start: bool, open_end: bool) -> Glob {
    let mut tokens = Vec::new();
    if open_start {
        tokens.push(Token::Many);
    }
    for part in &text.parts {
        match part {
            StringPart::Plain(text) if cased => tokens.push(Token::Literal(text.clone())),
            StringPart::Plain(text) => tokens.push(Token::Literal(text.to_lowercase())),
            StringPart::Special(SpecialChar::WildcardSingle) => tokens.push(Token::One),
            StringPart::Special(SpecialChar::WildcardMulti) => tokens.push(Token::Many),
        }
    }
    if open_end {
        tokens.push(Token::Many);
    }
    tokens.dedup_by(|a, b| *a == Token::Many && *b == Token::Many);
    Glob { tokens, cased }
}

fn number(value: &SigmaValue) -> Result<f64, String> {
    match value {
        SigmaValue::Integer(value) => Ok(*value as f64),
        SigmaValue::Float(value) => Ok(*value),
        other => other.to_string().parse().map_err(|_| format!("{other} is not a number")),
    }
}

fn cidr(value: &SigmaValue) -> Result<Matcher, String> {
    let text = value.to_string();
    let wrong = || format!("{text} is not a network such as 192.0.2.0/24");
    let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
    let network: std::net::IpAddr = address.parse().map_err(|_| wrong())?;
    let prefix: u8 = prefix.parse().map_err(|_| wrong())?;
    if prefix > if network.is_ipv4() { 32 } else { 128 } {
        return Err(wrong());
    }
    Ok(Matcher::Cidr { network, prefix })
}

fn any(mut list: Vec<Expr>) -> Option<Expr> {
    match list.len() {
        0 => None,
        1 => list.pop(),
        _ => Some(Expr::Or(list)),
    }
}
