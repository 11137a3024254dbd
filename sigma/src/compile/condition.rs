//! Sigma detections and conditions, inlined into one expression.

use rsigma_parser::value::{SigmaString, SigmaValue, SpecialChar, StringPart};
use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Detections, Modifier, Quantifier, SelectorPattern,
};

use crate::{Derived, Expr, Field, Glob, Item, Matcher, Path, Token};

/// The whole `detection` of a rule: any of its conditions.
pub(super) fn compile(detections: &Detections) -> Result<Expr, String> {
    let conditions = detections
        .conditions
        .iter()
        .map(|condition| expression(condition, detections))
        .collect::<Result<Vec<_>, _>>()?;
    any(conditions).ok_or_else(|| "detection: no condition".into())
}

/// A detection map that stands in a extension key, read as Sigma would read it in a rule.
pub(super) fn fragment(map: &yaml_serde::Value) -> Result<Expr, String> {
    let map = yaml_serde::to_string(map).map_err(|error| error.to_string())?;
    let mut yaml = String::from(
        "title: fragment\nlogsource: {product: aws}\ndetection:\n  condition: fragment\n  fragment:\n",
    );
    for line in map.lines() {
        yaml.push_str("    ");
        yaml.push_str(line);
        yaml.push('\n');
    }
    let collection = rsigma_parser::parse_sigma_yaml(&yaml)
        .map_err(|error| error.to_string())?
        .into_result()
        .map_err(|errors| errors.join("; "))?;
    let rule = collection.rules.first().ok_or("not a detection map")?;
    compile(&rule.detection)
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

fn expression(condition: &ConditionExpr, detections: &Detections) -> Result<Expr, String> {
    let all_of = |list: &[ConditionExpr]| {
        list.iter()
            .map(|condition| expression(condition, detections))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match condition {
        ConditionExpr::And(list) => Expr::And(all_of(list)?),
        ConditionExpr::Or(list) => Expr::Or(all_of(list)?),
        ConditionExpr::Not(inner) => Expr::Not(Box::new(expression(inner, detections)?)),
        ConditionExpr::Identifier(name) => {
            let named = detections
                .named
                .get(name)
                .ok_or_else(|| format!("condition: {name} is not defined"))?;
            detection(named).map_err(|problem| format!("{name}: {problem}"))?
        }
        ConditionExpr::Selector { quantifier, pattern } => {
            selector(quantifier, pattern, detections)?
        }
    })
}

fn selector(
    quantifier: &Quantifier,
    pattern: &SelectorPattern,
    detections: &Detections,
) -> Result<Expr, String> {
    let mut named: Vec<_> =
        detections.named.iter().filter(|(name, _)| pattern.matches_detection_name(name)).collect();
    named.sort_by_key(|(name, _)| *name);
    if named.is_empty() {
        return Err(format!("condition: nothing is named {pattern}"));
    }
    let list = named
        .into_iter()
        .map(|(name, named)| detection(named).map_err(|problem| format!("{name}: {problem}")))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(match quantifier {
        Quantifier::Any => Expr::Or(list),
        Quantifier::All => Expr::And(list),
        Quantifier::Count(count) => Expr::NOf(*count, list),
    })
}

fn detection(detection: &Detection) -> Result<Expr, String> {
    match detection {
        Detection::AllOf(items) => Ok(Expr::And(items.iter().map(item).collect::<Result<_, _>>()?)),
        Detection::AnyOf(list) => {
            Ok(Expr::Or(list.iter().map(self::detection).collect::<Result<_, _>>()?))
        }
        Detection::And(list) => {
            Ok(Expr::And(list.iter().map(self::detection).collect::<Result<_, _>>()?))
        }
        Detection::Keywords(_) => Err("keywords without a field are not supported".into()),
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
            Err("array blocks are not supported".into())
        }
    }
}

fn item(item: &DetectionItem) -> Result<Expr, String> {
    let name = item.field.name.as_deref().ok_or("an item without a field")?;
    let modifiers = &item.field.modifiers;
    let has = |modifier| modifiers.contains(&modifier);
    let matchers = if has(Modifier::Exists) {
        let expected = !matches!(item.values.first(), Some(SigmaValue::Bool(false)));
        vec![Matcher::Exists(expected)]
    } else {
        item.values
            .iter()
            .map(|value| matcher(value, modifiers))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|problem| format!("{name}: {problem}"))?
    };
    Ok(Expr::Item(Item {
        field: field(name)?,
        matchers,
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
