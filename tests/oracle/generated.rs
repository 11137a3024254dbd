//! Rules made for the test, with conditions of every kind: the oracle must agree on events made from them.

use super::foreign::{Comparison, Rules};
use super::*;

const FIELDS: [&str; 5] = [
    "userAgent",
    "sourceIPAddress",
    "requestParameters.name",
    "userIdentity.userName",
    "errorCode",
];

/// One line of a selection.
fn item(random: &mut Random) -> String {
    let field = *random.pick(&FIELDS);
    let text = |random: &mut Random| {
        let parts = ["kiosk", "'Ab*'", "'?x'", "alice", "'198.51.100.*'", "a-b", "'*'", "42"];
        (*random.pick(&parts)).to_owned()
    };
    match random.below(9) {
        0 => format!("{field}: {}", text(random)),
        1 => format!("{field}: [{}, {}]", text(random), text(random)),
        2 => format!("{field}|contains: [kio, lic]"),
        3 => format!("{field}|contains|all: [k, sk]"),
        4 => format!("{field}|startswith: {}", random.pick(&["ki", "al", "198."])),
        5 => format!("{field}|endswith: {}", random.pick(&["sk", "ce", ".7"])),
        6 => format!("{field}|re: {}", random.pick(&["'^ki.sk$'", "'a[a-z]+e'", "'\\d+\\.\\d'"])),
        7 => "sourceIPAddress|cidr: 198.51.100.0/24".to_owned(),
        _ => format!("{field}|cased: {}", random.pick(&["Kiosk", "alice"])),
    }
}

fn condition(names: &[String], random: &mut Random, depth: usize) -> String {
    if depth == 0 || random.below(3) == 0 {
        return match random.below(5) {
            0 => "1 of s*".to_owned(),
            1 => "all of s*".to_owned(),
            2 => "2 of s*".to_owned(),
            _ => random.pick(names).clone(),
        };
    }
    let left = condition(names, random, depth - 1);
    let right = condition(names, random, depth - 1);
    match random.below(3) {
        0 => format!("({left} and {right})"),
        1 => format!("({left} or {right})"),
        _ => format!("({left} and not {right})"),
    }
}

fn rule(n: usize, random: &mut Random) -> String {
    let count = 1 + random.below(3);
    let names: Vec<String> = (0..count).map(|n| format!("s{n}")).collect();
    let mut selections = String::new();
    for name in &names {
        selections += &format!("  {name}:\n");
        let mut fields = BTreeSet::new();
        for _ in 0..1 + random.below(2) {
            let item = item(random);
            if fields.insert(item.split(':').next().unwrap().to_owned()) {
                selections += &format!("    {item}\n");
            }
        }
    }
    let condition = match count {
        1 => "s0".to_owned(),
        _ => condition(&names, random, 3).replace("2 of", if count > 2 { "2 of" } else { "1 of" }),
    };
    format!(
        "title: made {n}\nid: 33333333-3333-4333-8333-{n:012}\nlevel: low\n\
         logsource: {{product: aws, service: cloudtrail}}\n\
         detection:\n  condition: {condition}\n{selections}"
    )
}

#[test]
fn generated_rules_agree_with_the_oracle() {
    let mut random = Random::new(17);
    let texts: Vec<String> = (0..120).map(|n| rule(n, &mut random)).collect();
    let rules =
        Rules::of(texts.into_iter().enumerate().map(|(n, yaml)| (format!("g/r{n}.yml"), yaml)));
    assert!(rules.ours().len() > 110, "{:?}", rules.refusals());
    let mut comparison = Comparison::default();
    // Some conditions nothing can satisfy.
    let unmatched = comparison.on_made_events(&rules, &mut random);
    comparison.report();
    assert!(unmatched.len() < 40, "{unmatched:?}");
    assert_eq!(comparison.wrong, [""; 0]);
}
