//! The conditions of a compiled rule, in words.
//!
//! They are made from the compiled form, which is what is evaluated. The rule's YAML would leave its
//! modifiers and the keys of our own to the reader.

use orgwatch_sigma::{Derived, Expr, Field, Glob, Item, Matcher, Relation, Token};

/// One line for each thing that must hold; what belongs together is set in by two spaces more.
pub(super) fn lines(expr: &Expr) -> Vec<String> {
    let mut out = Vec::new();
    match expr {
        Expr::And(all) => all.iter().for_each(|expr| add(expr, 0, &mut out)),
        expr => add(expr, 0, &mut out),
    }
    out
}

fn add(expr: &Expr, depth: usize, out: &mut Vec<String>) {
    let mut line = |text: String| out.push(format!("{}{text}", "  ".repeat(depth)));
    let children = match expr {
        expr if is_short(expr) => return line(sentence(expr)),
        Expr::And(all) => {
            line("all of".into());
            all
        }
        Expr::Or(any) => {
            line("any of".into());
            any
        }
        Expr::NOf(least, of) => {
            line(format!("at least {least} of"));
            of
        }
        Expr::Not(inner) => {
            line("none of".into());
            std::slice::from_ref(&**inner)
        }
        Expr::Item(_) => return line(sentence(expr)),
    };
    children.iter().for_each(|child| add(child, depth + 1, out));
}

/// Whether it reads well as one line: fields that must all be, or any of them.
fn is_short(expr: &Expr) -> bool {
    let item = |expr: &Expr| matches!(expr, Expr::Item(_));
    match expr {
        Expr::Item(_) => true,
        Expr::And(parts) | Expr::Or(parts) => parts.iter().all(item),
        Expr::Not(inner) => is_short(inner),
        Expr::NOf(..) => false,
    }
}

/// The same as one sentence.
pub(super) fn sentence(expr: &Expr) -> String {
    let joined = |parts: &[Expr], with: &str| {
        let parts: Vec<String> = parts.iter().map(|part| part_of(part, parts.len())).collect();
        parts.join(with)
    };
    match expr {
        Expr::And(parts) => joined(parts, " and "),
        Expr::Or(parts) => joined(parts, " or "),
        Expr::NOf(least, parts) => format!("at least {least} of: {}", joined(parts, ", ")),
        Expr::Not(inner) => format!("not ({})", sentence(inner)),
        Expr::Item(item) => item_in_words(item),
    }
}

/// In brackets, unless it stands alone or is simple.
fn part_of(expr: &Expr, of: usize) -> String {
    let simple = of == 1
        || match expr {
            Expr::Item(item) => item.negated || matches(item).len() == 1,
            expr => matches!(expr, Expr::Not(_)),
        };
    if simple { sentence(expr) } else { format!("({})", sentence(expr)) }
}

fn item_in_words(item: &Item) -> String {
    let field = field(&item.field);
    let words = matches(item).join(if item.all { " and " } else { " or " });
    if item.negated { format!("not ({field} {words})") } else { format!("{field} {words}") }
}

/// The values that a field may have, or must all have.
fn matches(item: &Item) -> Vec<String> {
    // Texts that are one of several are the commonest: a list of calls.
    let literals: Option<Vec<&str>> = item.matchers.iter().map(literal).collect();
    match literals {
        Some(literals) if literals.len() > 1 && !item.all => {
            vec![format!("is one of {}", literals.join(", "))]
        }
        _ => {
            let mut words: Vec<String> = item.matchers.iter().map(matcher).collect();
            // The text `true` and the value read alike.
            words.dedup();
            words
        }
    }
}

/// A field's name, as a rule writes it.
pub(super) fn field(field: &Field) -> String {
    match field {
        Field::Record(path) => path.text.clone(),
        Field::Keyword => "any text".into(),
        Field::Derived(derived) => {
            let known = Derived::ALL.iter().find(|(_, known)| known == derived);
            format!("orgwatch.{}", known.map_or("?", |(name, _)| name))
        }
    }
}

fn literal(matcher: &Matcher) -> Option<&str> {
    match matcher {
        Matcher::Text(glob) => glob.literal().filter(|text| !text.is_empty()),
        _ => None,
    }
}

fn matcher(matcher: &Matcher) -> String {
    match matcher {
        Matcher::Text(glob) => text(glob),
        Matcher::Equals(number) => format!("is {number}"),
        Matcher::Gt(number) => format!("is more than {number}"),
        Matcher::Gte(number) => format!("is at least {number}"),
        Matcher::Lt(number) => format!("is less than {number}"),
        Matcher::Lte(number) => format!("is at most {number}"),
        Matcher::Bool(bool) => format!("is {bool}"),
        Matcher::Null => "is absent".into(),
        Matcher::Exists(true) => "is present".into(),
        Matcher::Exists(false) => "is absent".into(),
        Matcher::Cidr { network, prefix } => format!("is an address in {network}/{prefix}"),
        Matcher::Regex(regex) => format!("matches /{}/", regex.pattern()),
        Matcher::FieldRef(other) => {
            let relation = match other.relation {
                Relation::Equal => "equals",
                Relation::Contains => "contains",
                Relation::StartsWith => "begins with",
                Relation::EndsWith => "ends with",
            };
            format!("{relation} {}", field(&other.field))
        }
    }
}

fn text(glob: &Glob) -> String {
    match glob.tokens.as_slice() {
        [] => "is empty".into(),
        [Token::Literal(text)] => format!("is {text}"),
        [Token::Many, Token::Literal(text), Token::Many] => format!("contains {text}"),
        [Token::Literal(text), Token::Many] => format!("begins with {text}"),
        [Token::Many, Token::Literal(text)] => format!("ends with {text}"),
        tokens => {
            let pattern = tokens.iter().map(|token| match token {
                Token::Literal(text) => text.as_str(),
                Token::One => "?",
                Token::Dash => "-",
                Token::Many => "*",
            });
            format!("is like {}", pattern.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(field: &str, matchers: Vec<Matcher>) -> Expr {
        let field = Field::Record(field.into());
        Expr::Item(Item { field, matchers, all: false, negated: false })
    }

    fn is(field: &str, texts: &[&str]) -> Expr {
        item(field, texts.iter().map(|text| Matcher::Text(Glob::wildcard(text))).collect())
    }

    #[test]
    fn what_must_hold_together_is_a_line_each() {
        let success = item("errorCode", vec![Matcher::Null]);
        let call = is("eventName", &["a", "b"]);
        let rule = Expr::And(vec![
            Expr::Or(vec![
                Expr::And(vec![is("eventSource", &["iam"]), call]),
                Expr::Not(Box::new(is("userAgent", &["aws-*"]))),
            ]),
            success,
        ]);
        assert_eq!(
            lines(&rule),
            [
                "any of",
                "  eventSource is iam and eventName is one of a, b",
                "  not (userAgent begins with aws-)",
                "errorCode is absent",
            ]
        );
        assert_eq!(
            sentence(&rule),
            "((eventSource is iam and eventName is one of a, b) or not (userAgent begins with \
             aws-)) and errorCode is absent"
        );
    }

    #[test]
    fn every_kind_of_match_has_words() {
        for (matchers, words) in [
            (vec![Matcher::Text(Glob::wildcard("*x*"))], "f contains x"),
            (vec![Matcher::Text(Glob::wildcard("*x"))], "f ends with x"),
            (vec![Matcher::Text(Glob::wildcard("a*b?"))], "f is like a*b?"),
            (vec![Matcher::Text(Glob::wildcard(""))], "f is empty"),
            (vec![Matcher::Bool(false), Matcher::Equals(0.0)], "f is false or is 0"),
            (vec![Matcher::Text(Glob::wildcard("true")), Matcher::Bool(true)], "f is true"),
            (vec![Matcher::Gte(2.5)], "f is at least 2.5"),
            (
                vec![Matcher::Cidr { network: [10, 0, 0, 0].into(), prefix: 8 }],
                "f is an address in 10.0.0.0/8",
            ),
        ] {
            assert_eq!(sentence(&item("f", matchers)), words);
        }
        // What is or may be something else stands in brackets among others.
        let either = item("f", vec![Matcher::Bool(false), Matcher::Null]);
        let both = Expr::And(vec![either, is("g", &["1"])]);
        assert_eq!(sentence(&both), "(f is false or is absent) and g is 1");
        let of = Expr::NOf(2, vec![is("a", &["1"]), is("b", &["2"])]);
        assert_eq!(lines(&of), ["at least 2 of", "  a is 1", "  b is 2"]);
    }

    #[test]
    fn every_rule_of_the_pack_has_words() {
        for rule in &orgwatch::rules::builtin_pack().rules {
            let all = lines(&rule.condition);
            assert!(all.iter().any(|line| line.contains("event")), "{}", rule.about.slug);
            assert!(all.iter().all(|line| !line.contains('?')), "{all:?}");
        }
    }
}
