//! Every modifier that docs/rules.md advertises, in rules made for the test: our own pack uses few.

use orgwatch_sigma::Expr;
use orgwatch_sigma::compile::{Attack, RuleFile, pack};

use super::*;

/// A rule that asks this of the field `x`.
fn rule(item: &str) -> String {
    format!(
        "title: t\nname: r\nid: 11111111-1111-4111-8111-111111111111\nlevel: low\ndescription: d\n\
         logsource: {{product: aws, service: cloudtrail}}\n\
         detection:\n  condition: source and s\n  source:\n    eventSource: a\n  s:\n    {item}\n\
         orgwatch: {{internal: true}}\n"
    )
}

/// Our form of a rule's condition.
fn compiled(yaml: &str) -> Expr {
    let file = RuleFile { path: "g/r.yml".into(), yaml: yaml.into() };
    let mut pack = pack(&[file], &Attack::default()).complete().unwrap_or_else(|e| panic!("{e:?}"));
    pack.rules.remove(0).condition
}

pub fn matches(condition: &Expr, record: &serde_json::Value) -> bool {
    let text = record.to_string();
    let mut tape = Tape::default();
    tape.parse(&text).unwrap();
    let (unfolded, ownership) = (EmbeddedJson::default(), Ownership::default());
    let fields = ObjectIndex::of(Value::root(&tape, &text));
    let record = Record::new(&fields, &unfolded);
    rules::holds(condition, &Context::new(record, &ownership))
}

/// The values that rules ask for.
fn items() -> Vec<String> {
    let mut items = Vec::new();
    let texts = [
        "abc", "ABC", "b", "'5'", "''", "'a*'", "'?bc'", "'*'", "'a\\*c'", "ä", "5", "5.5", "-1",
        "true",
    ];
    for modifier in ["", "|contains", "|startswith", "|endswith"] {
        for more in ["", "|cased", "|neq"] {
            // The oracle puts the wildcard of startswith before a value that ends with one, and that of
            // endswith behind it.
            let both =
                |text: &&&str| !["'a*'", "'?bc'"].contains(*text) || !modifier.ends_with("with");
            // A part of a text is a text: `contains: true` is refused, and the oracle passes over `contains`.
            let is_text = |text: &&&str| **text != "true" || modifier.is_empty();
            for text in texts.iter().filter(both).filter(is_text) {
                items.push(format!("x{modifier}{more}: {text}"));
            }
            items.push(format!("x{modifier}{more}: [abc, '5', 5]"));
        }
        for more in ["|all", "|all|cased", "|all|neq"] {
            items.push(format!("x{modifier}{more}: [a, c]"));
            items.push(format!("x{modifier}{more}: [a, 5, '']"));
        }
    }
    for modifier in ["gt", "gte", "lt", "lte"] {
        for number in ["5", "5.5", "-1", "0", "1e3", "'5'"] {
            items.push(format!("x|{modifier}: {number}"));
            items.push(format!("x|{modifier}|neq: {number}"));
        }
        items.push(format!("x|{modifier}: [4, 6]"));
    }
    for network in ["192.0.2.0/24", "192.0.2.1/32", "0.0.0.0/0", "'2001:db8::/32'", "'::/0'"] {
        items.push(format!("x|cidr: {network}"));
        items.push(format!("x|cidr|neq: {network}"));
    }
    items.push("x|cidr: [192.0.2.0/24, '2001:db8::/32']".into());
    for value in ["true", "false", "null", "~", "[null, abc]", "[true, abc]"] {
        items.push(format!("x: {value}"));
        items.push(format!("x|neq: {value}"));
    }
    items.extend(["x|exists: true", "x|exists: false"].map(str::to_owned));
    let patterns =
        ["'^a.c$'", "b", "'B|5'", "'^\\d+$'", "''", "'^(?:a|xa)bc'", "'\\.'", "'^b$'", "true"];
    for flags in ["", "|i", "|m", "|s", "|i|m|s", "|neq", "|cased"] {
        items.extend(patterns.map(|pattern| format!("x|re{flags}: {pattern}")));
        items.push(format!("x|re{flags}: [nothing, 'ab?']"));
    }
    items.push("x|re|all: [a, 'c$']".into());
    for modifier in ["", "|contains", "|startswith", "|endswith"] {
        for more in ["", "|cased", "|neq"] {
            let values = ["'-abc'", "abc", "'a-b-c'", "'-'", "['-a', '--b']"];
            items.extend(values.map(|value| format!("x|windash{modifier}{more}: {value}")));
            let values = ["abc", "a", "[b, abc]"];
            items.extend(values.map(|value| format!("x|base64{modifier}{more}: {value}")));
            items.push(format!("x|wide|base64{modifier}{more}: a"));
            items.push(format!("x|utf16be|base64{modifier}{more}: a"));
            items.push(format!("x|utf16|base64{modifier}{more}: a"));
            items.push(format!("x|fieldref{modifier}{more}: eventSource"));
            items.push(format!("x|fieldref{modifier}{more}: missing"));
        }
    }
    // Of whole groups of three bytes all is certain; of others the oracle asks for more than is.
    items.extend(["x|base64offset: abc", "x|base64offset|contains: abcdef"].map(str::to_owned));
    items.extend(["- xabc", "- b", "- 'b*c'", "- '?bc'", "- 'a\\*c'"].map(str::to_owned));
    items.extend(
        ["- abc\n    - nothing", "'|contains|all': [xa, bc]", "'|re': '^ab'"].map(str::to_owned),
    );
    items
}

/// The values that records have.
fn values() -> Vec<Option<serde_json::Value>> {
    let json = serde_json::json!([
        null, true, false, "", "a", "abc", "ABC", "xabcx", "a*c", "Ä", "true", "no",
        "5", "5.0", "5.5", "-1", "05", "+5", "1e3", " 5", "NaN", "inf",
        5, 5.0, 5.5, -1, 0, 1000, 1e3, 4, 6, 12345678901234567890u64,
        "192.0.2.1", "192.0.2.255", "192.0.3.1", "2001:db8::1", "::ffff:192.0.2.1", "192.0.2.1/32",
        "-abc", "/abc", "x \u{2013}abc", "a\u{2014}b/c", "YWJj", "xYWJjx", "YQ==", "YQA=", "AGE=", "//5hAA==",
        "FiYw", "hYmM", "xab\nbcx", "aa", "A",
        [], ["abc", 5], ["x", null], [["abc"]], [[]], {}, {"x": "abc"}, [{"x": 5}],
    ]);
    let mut values = vec![None];
    values.extend(json.as_array().unwrap().iter().cloned().map(Some));
    values
}

/// The right answer by the specification where the oracle gives another.
fn right(item: &str, value: Option<&serde_json::Value>) -> Option<bool> {
    let asks_for_null = item.contains("null") || item.contains('~');
    match value {
        // "The field is different from the specified values": one that is not there is, as one that is
        // null is for the oracle, too.
        None if item.contains("|neq") && !asks_for_null => Some(true),
        // A list is one or the other, and of null alone the oracle says so.
        None if item == "x: [null, abc]" => Some(true),
        // "This check only verifies the presence of a field, not its value, be it empty or null."
        Some(serde_json::Value::Null) => {
            item.strip_prefix("x|exists: ").map(|asked| asked == "true")
        }
        _ => None,
    }
}

#[test]
fn a_wildcard_in_the_value_stays_where_it_is() {
    for (item, value, expected) in [
        ("x|startswith: 'a*'", "abc", true),
        ("x|startswith: 'a*'", "xabc", false),
        ("x|endswith: 'a*'", "xabc", true),
        ("x|endswith: '*c'", "abcd", false),
    ] {
        let record = serde_json::json!({"eventSource": "a", "x": value});
        assert_eq!(matches(&compiled(&rule(item)), &record), expected, "{item} {value}");
    }
}

#[test]
fn the_oracle_agrees_on_every_modifier() {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for item in items() {
        let yaml = rule(&item);
        let ours = compiled(&yaml);
        let mut engine = Engine::new();
        engine.add_collection(&rsigma_parser::parse_sigma_yaml(&yaml).unwrap()).unwrap();
        for value in values() {
            // The oracle's wildcards stop at the end of a line.
            let lines =
                value.as_ref().and_then(|value| value.as_str()).is_some_and(|v| v.contains('\n'));
            if lines && item.contains(['*', '?']) && !item.contains("|re") {
                continue;
            }
            let mut record = serde_json::json!({"eventSource": "a"});
            if let Some(value) = &value {
                record["x"] = value.clone();
            }
            let theirs = !engine.evaluate(&JsonEvent::borrow(&record)).is_empty();
            let expected = right(&item, value.as_ref()).unwrap_or(theirs);
            compared += 1;
            if matches(&ours, &record) != expected {
                wrong.push(format!("{item} of {value:?}: theirs {theirs}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}\n{}", wrong.len(), wrong.join("\n"));
    println!("{compared} compared");
}
