//! A field with its modifiers and values.

use rsigma_parser::DetectionItem;
use rsigma_parser::value::{SigmaString, SigmaValue, SpecialChar, StringPart};

use super::condition::field;
use super::encode;
use super::modifiers::{Modifiers, Operator};
use super::problem::{Node, all};
use crate::{Expr, Field, FieldRef, Glob, Item, Matcher, Regex, Relation, Token};

/// Compiles an item. `at` is the detection that it stands in.
pub(super) fn compile(item: &DetectionItem, at: &Node<'_>) -> Option<Expr> {
    let name = item.field.name.as_deref();
    let label = name.unwrap_or("keywords");
    let at = at.at(name.unwrap_or_default());
    let in_field = |problem: String| format!("{label}: {problem}");
    let modifiers = at.accept(Modifiers::of(&item.field.modifiers).map_err(in_field))?;
    let field = match name {
        Some(name) => at.accept(field(name)),
        None => Some(Field::Keyword),
    };
    if modifiers.all && item.values.len() < 2 {
        at.refuse(in_field("all asks for more than one value".into()));
        return None;
    }
    let keyword = name.is_none();
    let matchers: Vec<Vec<Matcher>> = match modifiers.operator {
        Operator::Exists if keyword => {
            at.refuse("exists asks for a field");
            return None;
        }
        Operator::Exists => {
            vec![vec![Matcher::Exists(at.accept(expected(item).map_err(in_field))?)]]
        }
        _ => all(item.values.iter().enumerate().map(|(n, value)| {
            let matchers = matchers(value, &modifiers, keyword);
            at.at(n).accept(matchers.map_err(in_field))
        }))?,
    };
    let item = |matchers, all| {
        let field = field.clone()?;
        Some(Expr::Item(Item { field, matchers, all, negated: modifiers.negated }))
    };
    // Several forms of one value are alternatives, whatever `all` says of the values.
    if modifiers.all && matchers.iter().any(|forms| forms.len() != 1) {
        let parts = all(matchers.into_iter().map(|forms| item(forms, false)))?;
        return Some(if modifiers.negated { Expr::Or(parts) } else { Expr::And(parts) });
    }
    item(matchers.into_iter().flatten().collect(), modifiers.all)
}

/// Keywords without modifiers: any of them.
pub(super) fn keywords(values: &[SigmaValue], at: &Node<'_>) -> Option<Expr> {
    let modifiers = at.accept(Modifiers::of(&[]))?;
    let matchers = all(values
        .iter()
        .enumerate()
        .map(|(n, value)| at.at(n).accept(matchers(value, &modifiers, true))))?;
    Some(Expr::Item(Item {
        field: Field::Keyword,
        matchers: matchers.into_iter().flatten().collect(),
        all: false,
        negated: false,
    }))
}

/// The value of `exists`.
fn expected(item: &DetectionItem) -> Result<bool, String> {
    match item.values.as_slice() {
        [SigmaValue::Bool(expected)] => Ok(*expected),
        [SigmaValue::String(text)] if matches!(text.original.as_str(), "true" | "yes") => Ok(true),
        [SigmaValue::String(text)] if matches!(text.original.as_str(), "false" | "no") => Ok(false),
        _ => Err("exists is true or false".into()),
    }
}

/// The matchers of a value: any of them.
fn matchers(
    value: &SigmaValue,
    modifiers: &Modifiers,
    keyword: bool,
) -> Result<Vec<Matcher>, String> {
    if modifiers.field_ref {
        return Ok(vec![reference(value, modifiers)?]);
    }
    let one = match modifiers.operator {
        Operator::Cidr => cidr(value)?,
        Operator::Gt => Matcher::Gt(number(value)?),
        Operator::Gte => Matcher::Gte(number(value)?),
        Operator::Lt => Matcher::Lt(number(value)?),
        Operator::Lte => Matcher::Lte(number(value)?),
        Operator::Regex => {
            if matches!(value, SigmaValue::Null) {
                return Err("null is no regular expression".into());
            }
            Matcher::Regex(Regex::new(&value.to_string(), modifiers.flags)?)
        }
        _ => return texts(value, modifiers, keyword),
    };
    if keyword && !matches!(one, Matcher::Regex(_)) {
        return Err("keywords are texts".into());
    }
    Ok(vec![one])
}

fn texts(value: &SigmaValue, modifiers: &Modifiers, keyword: bool) -> Result<Vec<Matcher>, String> {
    let operator = match modifiers.operator {
        // A keyword is looked for in the texts of an event; it need not be all of one.
        Operator::Equal if keyword => Operator::Contains,
        operator => operator,
    };
    let plain = operator == Operator::Equal;
    let encoded = modifiers.base64.is_some() || modifiers.windash;
    let text = match value {
        SigmaValue::String(text) => text.clone(),
        SigmaValue::Integer(_) | SigmaValue::Float(_) if !plain || encoded => {
            SigmaString::from_raw(&value.to_string())
        }
        SigmaValue::Integer(value) => return Ok(vec![Matcher::Equals(*value as f64)]),
        SigmaValue::Float(value) if value.is_nan() => return Err("it is no number".into()),
        SigmaValue::Float(value) => return Ok(vec![Matcher::Equals(*value)]),
        SigmaValue::Bool(value) if plain => return Ok(vec![Matcher::Bool(*value)]),
        SigmaValue::Null if plain => return Ok(vec![Matcher::Null]),
        SigmaValue::Bool(_) | SigmaValue::Null => {
            return Err(format!("{value} is no text that another can have in it"));
        }
    };
    let cased = modifiers.cased;
    let glob =
        |text: &SigmaString, operator, dash| Matcher::Text(glob(text, cased, operator, dash));
    let Some(base64) = modifiers.base64 else {
        return Ok(vec![glob(&text, operator, modifiers.windash)]);
    };
    let whole = text.as_plain().ok_or("a value with wildcards has no base64")?;
    let bytes = encode::bytes(&whole, modifiers.utf16);
    let operator = if base64 == encode::Base64::Offset { Operator::Contains } else { operator };
    let texts = encode::base64(&bytes, base64);
    let texts = texts.ok_or("the value is too short: nothing of its base64 is certain")?;
    Ok(texts.iter().map(|text| glob(&SigmaString::from_raw(text), operator, false)).collect())
}

fn glob(text: &SigmaString, cased: bool, operator: Operator, dash: bool) -> Glob {
    let mut tokens = Vec::new();
    if matches!(operator, Operator::Contains | Operator::EndsWith) {
        tokens.push(Token::Many);
    }
    let literal =
        |text: &str| Token::Literal(if cased { text.to_owned() } else { text.to_lowercase() });
    for part in &text.parts {
        match part {
            StringPart::Plain(text) if dash => {
                for (n, text) in text.split('-').enumerate() {
                    tokens.extend((n > 0).then_some(Token::Dash));
                    tokens.extend((!text.is_empty()).then(|| literal(text)));
                }
            }
            StringPart::Plain(text) => tokens.push(literal(text)),
            StringPart::Special(SpecialChar::WildcardSingle) => tokens.push(Token::One),
            StringPart::Special(SpecialChar::WildcardMulti) => tokens.push(Token::Many),
        }
    }
    if matches!(operator, Operator::Contains | Operator::StartsWith) {
        tokens.push(Token::Many);
    }
    tokens.dedup_by(|a, b| *a == Token::Many && *b == Token::Many);
    Glob { tokens, cased }
}

fn reference(value: &SigmaValue, modifiers: &Modifiers) -> Result<Matcher, String> {
    let name = match value {
        SigmaValue::String(text) => text.as_plain(),
        _ => None,
    };
    let name = name.filter(|name| !name.is_empty()).ok_or("fieldref names a field")?;
    let relation = match modifiers.operator {
        Operator::Contains => Relation::Contains,
        Operator::StartsWith => Relation::StartsWith,
        Operator::EndsWith => Relation::EndsWith,
        _ => Relation::Equal,
    };
    Ok(Matcher::FieldRef(FieldRef { field: field(&name)?, relation, cased: modifiers.cased }))
}

fn number(value: &SigmaValue) -> Result<f64, String> {
    let number = match value {
        SigmaValue::Integer(value) => Some(*value as f64),
        SigmaValue::Float(value) => Some(*value),
        other => other.to_string().parse().ok(),
    };
    number.filter(|number| !number.is_nan()).ok_or_else(|| format!("{value} is not a number"))
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
