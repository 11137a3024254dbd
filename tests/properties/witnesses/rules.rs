//! Rules of any kind.

use orgwatch::rules::{Rule, Witness, builtin_pack};
use orgwatch_sigma::compile::find_witness;
use orgwatch_sigma::{
    Expr, Field, FieldRef, Glob, Item, Matcher, Path, Regex, RegexFlags, Relation, Token,
};

use super::Maker;

const FIELDS: &[&str] = &[
    "eventName",
    "eventSource",
    "awsRegion",
    "errorCode",
    "sourceIPAddress",
    "userAgent",
    "userIdentity.type",
    "userIdentity.arn",
    "userIdentity.sessionContext.sessionIssuer.userName",
    "requestParameters.name",
    "requestParameters.items.id",
    "requestParameters.count",
    "responseElements.state",
    "additionalEventData.MFAUsed",
];

fn glob(random: &mut Maker) -> Glob {
    let text: Vec<char> = random.text().chars().collect();
    let from = random.below(text.len() / 2 + 1);
    let to = text.len() - random.below((text.len() - from) / 2 + 1);
    let cased = random.below(3) == 0;
    let part: String = match random.below(3) {
        0 => text.iter().collect(),
        _ => text[from..to].iter().collect(),
    };
    let part = if cased { part } else { part.to_lowercase() };
    let mut tokens = vec![Token::Literal(part)];
    if random.below(4) == 0 {
        let other = random.text().to_lowercase();
        let between = random.pick(&[Token::Many, Token::One, Token::Dash]).clone();
        tokens.extend([between, Token::Literal(other)]);
    }
    if random.below(3) > 0 {
        tokens.insert(0, Token::Many);
    }
    if random.below(3) > 0 {
        tokens.push(Token::Many);
    }
    Glob { tokens, cased }
}

fn matcher(random: &mut Maker) -> Matcher {
    match random.below(24) {
        0 => Matcher::Null,
        1 => Matcher::Exists(random.below(2) == 0),
        2 => Matcher::Bool(true),
        3 => Matcher::Equals(12345.0),
        4 => Matcher::Gt(1.0),
        5 => {
            let prefix = *random.pick(&[0, 8, 20, 24, 31, 32]);
            Matcher::Cidr { network: "198.51.100.7".parse().unwrap(), prefix }
        }
        6 => Matcher::FieldRef(FieldRef {
            field: Field::Record((*random.pick(FIELDS)).into()),
            relation: Relation::Contains,
            cased: false,
        }),
        7 | 8 => {
            let pattern = *random.pick(&[
                "kiosk",
                "^aws-cli/[0-9.]+ (kali|parrot)",
                "(Delete|Stop)Trail$",
                "Access.?Denied",
                "kiosk-?linux|guardduty",
                "12345",
                r"198\.51\.100\.\d+",
                "(ki)+osk",
            ]);
            let ignore_case = random.below(2) == 0;
            let flags = RegexFlags { ignore_case, ..RegexFlags::default() };
            Matcher::Regex(Regex::new(pattern, flags).unwrap())
        }
        _ => Matcher::Text(glob(random)),
    }
}

fn item(random: &mut Maker) -> Expr {
    let field = match random.below(8) {
        0 => Field::Keyword,
        _ => Field::Record(Path::from(*random.pick(FIELDS))),
    };
    let matchers = (0..random.below(3) + 1).map(|_| matcher(random)).collect();
    let (all, negated) = (random.below(5) == 0, random.below(10) == 0);
    Expr::Item(Item { field, matchers, all, negated })
}

fn expression(random: &mut Maker, depth: usize) -> Expr {
    if depth == 0 {
        return item(random);
    }
    let mut list = |most: usize| {
        (0..random.below(most) + 1).map(|_| expression(random, depth - 1)).collect::<Vec<_>>()
    };
    let (two, three) = (list(2), list(3));
    match random.below(8) {
        0 | 1 => Expr::And(two),
        2 | 3 => Expr::Or(three),
        4 => Expr::NOf(random.below(3) as u64, three),
        5 => Expr::And(vec![two[0].clone(), Expr::Not(Box::new(three[0].clone()))]),
        _ => two[0].clone(),
    }
}

/// Rules of any condition, in the place of one of the pack's.
pub(super) fn rules(random: &mut Maker) -> Vec<Rule> {
    let builtin = builtin_pack();
    let rule = builtin.rules.iter().find(|rule| !rule.internal && rule.new_terms.is_none());
    (0..random.below(3) + 1)
        .map(|number| {
            let mut rule = rule.unwrap().clone();
            rule.about.slug = format!("rule-{number}").into();
            rule.about.id = format!("id-{number}").into();
            rule.derived_condition = None;
            rule.severity.clear();
            // A rule without a witness has all others evaluated, too: few are enough.
            let any = random.below(16) == 0;
            loop {
                let depth = random.below(3);
                rule.condition = expression(random, depth);
                find_witness(&mut rule);
                if any || rule.witness() != Witness::None {
                    return rule;
                }
            }
        })
        .collect()
}
