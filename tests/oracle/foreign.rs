//! Rules of others beside the oracle: the pairs of rule and event must be the same, on events made from
//! the rules and on given ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use orgwatch_sigma::compile::{Attack, Compiled, Options, RuleFile, compile};
use orgwatch_sigma::{Event as _, Field, Item, Lookup, Matcher, Rule, ValueKind};
use rsigma_eval::{CompiledRule, compile_rule, evaluate_rule};
use serde_json::Value as Json;

use super::generate::{items, matching, mutant};
use super::*;

/// The attempts at an event that matches a rule.
const ATTEMPTS: usize = 400;

/// The rules that both engines have.
pub struct Rules {
    compiled: Compiled,
    theirs: Vec<CompiledRule>,
    /// The ids and titles of those that use base64offset.
    base64offset: BTreeSet<String>,
}

impl Rules {
    /// The rules below a folder, as anybody's.
    fn read(folder: &Path) -> Rules {
        let paths = ["yml", "yaml"].into_iter().flat_map(|end| support::files(folder, end));
        Rules::of(paths.map(|path| {
            let yaml = fs::read_to_string(&path).unwrap();
            (path.strip_prefix(folder).unwrap_or(&path).display().to_string(), yaml)
        }))
    }

    /// The rules of these files: path and text each.
    pub fn of(texts: impl Iterator<Item = (String, String)>) -> Rules {
        let mut files = Vec::new();
        let mut theirs = BTreeMap::new();
        let mut base64offset = BTreeSet::new();
        for (path, yaml) in texts {
            let mut collection = rsigma_parser::parse_sigma_yaml(&yaml).unwrap();
            for rule in std::mem::take(&mut collection.rules) {
                let key = rule.id.clone().unwrap_or_else(|| rule.title.clone());
                if format!("{:?}", rule.detection).contains("Base64Offset") {
                    base64offset.insert(key.clone());
                }
                match compile_rule(&rule) {
                    Ok(compiled) => drop(theirs.insert(key, compiled)),
                    Err(error) => println!("the oracle refuses {path}: {error}"),
                }
            }
            files.push(RuleFile { path, yaml });
        }
        let mut compiled = compile(&files, &Attack::known(), &Options::default());
        let of = |rule: &Rule| {
            let about = &rule.about;
            theirs.get(about.id.as_str()).or_else(|| theirs.get(about.title.as_str())).cloned()
        };
        compiled.pack.rules.retain(|rule| of(rule).is_some());
        let theirs = compiled.pack.rules.iter().filter_map(of).collect();
        Rules { compiled, theirs, base64offset }
    }

    pub fn ours(&self) -> &[Rule] {
        &self.compiled.pack.rules
    }

    /// Why rules were refused.
    pub fn refusals(&self) -> Vec<String> {
        self.compiled.refusals.iter().map(ToString::to_string).collect()
    }
}

/// What a comparison came to.
#[derive(Default)]
pub struct Comparison {
    events: usize,
    pairs: usize,
    matched: usize,
    /// Pairs whose answers differ for a known reason, by the reason.
    known: BTreeMap<&'static str, usize>,
    pub wrong: Vec<String>,
    ours: Duration,
    theirs: Duration,
}

impl Comparison {
    fn compare(&mut self, rules: &Rules, record: &Json) -> Vec<bool> {
        let text = record.to_string();
        let begun = Instant::now();
        let mut tape = Tape::default();
        tape.parse(&text).unwrap();
        let fields = ObjectIndex::of(Value::root(&tape, &text));
        let unfolded = EmbeddedJson::of(&fields);
        let ownership = Ownership::default();
        let context = Context::new(Record::new(&fields, &unfolded), &ownership);
        let answers: Vec<bool> =
            rules.ours().iter().map(|rule| rules::holds(&rule.condition, &context)).collect();
        self.ours += begun.elapsed();
        let record = normalised(record.clone());
        let text = record.to_string();
        let begun = Instant::now();
        let parsed: Json = serde_json::from_str(&text).unwrap();
        let event = JsonEvent::borrow(&parsed);
        let expected: Vec<bool> =
            rules.theirs.iter().map(|rule| evaluate_rule(rule, &event).is_some()).collect();
        self.theirs += begun.elapsed();
        self.events += 1;
        for (n, rule) in rules.ours().iter().enumerate() {
            self.pairs += 1;
            self.matched += usize::from(answers[n]);
            if answers[n] == expected[n] {
                continue;
            }
            let offset = answers[n] && rules.base64offset.contains(rule.about.id.as_str());
            let offset = offset.then_some("base64offset before more text");
            let mut items = items(&rule.condition).into_iter();
            match offset.or_else(|| items.find_map(|item| known(item, &context))) {
                Some(reason) => *self.known.entry(reason).or_default() += 1,
                None => self.wrong.push(format!(
                    "{}: ours {}, theirs {}, of {record}",
                    rule.about.slug, answers[n], expected[n]
                )),
            }
        }
        answers
    }

    /// Compares on events made from each rule, and gives the rules for which none was found that matches.
    pub fn on_made_events(&mut self, rules: &Rules, random: &mut Random) -> Vec<String> {
        let mut unmatched = Vec::new();
        for (n, rule) in rules.ours().iter().enumerate() {
            let found = (0..ATTEMPTS).find_map(|_| {
                let event = matching(&rule.condition, random);
                self.compare(rules, &event)[n].then_some(event)
            });
            let Some(event) = found else {
                unmatched.push(rule.about.slug.to_string());
                continue;
            };
            for item in items(&rule.condition) {
                for holds in [false, true] {
                    self.compare(rules, &mutant(item, holds, &event, random));
                }
            }
        }
        unmatched
    }

    pub fn report(&self) {
        println!(
            "{} events, {} pairs, {} matches; {} pairs differ for known reasons, {} for none",
            self.events,
            self.pairs,
            self.matched,
            self.known.values().sum::<usize>(),
            self.wrong.len()
        );
        for (reason, pairs) in &self.known {
            println!("  {pairs} pairs: {reason}");
        }
        for wrong in self.wrong.iter().take(10) {
            println!("  {wrong}");
        }
        let ratio = self.theirs.as_secs_f64() / self.ours.as_secs_f64();
        println!(
            "in process, parsing included, without prefilter or index: ours {:?}, theirs {:?}: {ratio:.1} times \
             as fast",
            self.ours, self.theirs
        );
    }
}

/// The reason for which the oracle may answer otherwise, if an item on this event is one; docs/sigma.md has
/// each.
fn known(item: &Item, event: &Context<'_>) -> Option<&'static str> {
    let has = |test: fn(&Matcher) -> bool| item.matchers.iter().any(test);
    if item.field == Field::Keyword {
        return None;
    }
    let lookup = event.field(&item.field);
    let missing = matches!(lookup, Lookup::Missing);
    let null = matches!(&lookup, Lookup::One(value) if value.kind() == ValueKind::Null);
    if missing && item.negated {
        return Some("neq of a field that is not there");
    }
    if null && has(|matcher| matches!(matcher, Matcher::Exists(_))) {
        return Some("exists of a field that is null");
    }
    if missing && item.matchers.len() > 1 && has(|matcher| *matcher == Matcher::Null) {
        return Some("null among other values, of a field that is not there");
    }
    let array = matches!(&lookup, Lookup::Many(_))
        || matches!(&lookup, Lookup::One(value) if value.kind() == ValueKind::Array);
    if (null || array) && has(|matcher| matches!(matcher, Matcher::FieldRef(_))) {
        return Some("fieldref of an array or null");
    }
    None
}

#[test]
fn rules_with_every_modifier_agree_with_the_oracle() {
    let rules = Rules::read(&support::root().join("tests/oracle/rules"));
    assert_eq!(rules.compiled.refusals, []);
    assert_eq!(rules.ours().len(), 7);
    let mut comparison = Comparison::default();
    let mut random = Random::new(11);
    for _ in 0..30 {
        let unmatched = comparison.on_made_events(&rules, &mut random);
        assert_eq!(unmatched, [""; 0]);
    }
    comparison.report();
    assert_eq!(comparison.wrong, [""; 0]);
}

#[test]
fn our_own_rules_agree_with_the_oracle_on_events_made_from_them() {
    let rules = Rules::read(&support::root().join("rules"));
    let mut comparison = Comparison::default();
    let unmatched = comparison.on_made_events(&rules, &mut Random::new(12));
    comparison.report();
    assert_eq!(unmatched, [""; 0]);
    assert_eq!(comparison.wrong, [""; 0]);
}

/// `cargo xtask bench sigma` runs it: rules of anybody, and events of anybody beside the ones made.
#[test]
#[ignore = "needs a folder of rules in ORGWATCH_RULES"]
fn given_rules_agree_with_the_oracle() {
    let folder = std::env::var("ORGWATCH_RULES").expect("ORGWATCH_RULES names a folder");
    let rules = Rules::read(&fs::canonicalize(folder).unwrap());
    let Compiled { pack, refusals, warnings, other_sources } = &rules.compiled;
    println!(
        "{} rules and {} correlations are compiled, {} problems, {} warnings",
        pack.rules.len(),
        pack.correlations.len(),
        refusals.len(),
        warnings.len()
    );
    refusals.iter().for_each(|refusal| println!("  refused: {refusal}"));
    warnings.iter().take(20).for_each(|warning| println!("  warning: {warning}"));
    other_sources.iter().for_each(|source| println!("  other log source: {source}"));
    let mut comparison = Comparison::default();
    let unmatched = comparison.on_made_events(&rules, &mut Random::new(13));
    println!("on events made from the rules, {} of which match none of them:", unmatched.len());
    unmatched.iter().for_each(|slug| println!("  no event: {slug}"));
    comparison.report();
    let mut wrong = comparison.wrong.len();
    for path in std::env::var("ORGWATCH_EVENTS").unwrap_or_default().lines() {
        let mut comparison = Comparison::default();
        let text = fs::read_to_string(path).unwrap();
        let records = text.lines().filter_map(|line| serde_json::from_str(line).ok());
        records.for_each(|record: Json| drop(comparison.compare(&rules, &record)));
        println!("on {path}:");
        comparison.report();
        wrong += comparison.wrong.len();
    }
    assert_eq!(wrong, 0, "pairs differ");
}
