//! All correlations of a pack: each after those that it refers to.

use std::collections::{BTreeMap, BTreeSet};

use rsigma_parser::CorrelationRule;
use smol_str::SmolStr;

use super::correlation::{self, Known};
use super::read::Read;
use super::{Settings, rename, told::Told};
use crate::{Correlation, MAX_NESTING, MAX_PLACES, Member, Rule};

/// Compiles correlations, and silences the rules and correlations that they refer to unless they say
/// `generate`, as the specification has it. What is refused silences nothing.
pub(super) fn compile(
    correlations: Vec<(CorrelationRule, Read<'_>)>,
    rules: &mut [Rule],
    refused: &[String],
    how: &Settings<'_>,
    told: &mut Told,
) -> Vec<Correlation> {
    let (sigma, reads): (Vec<_>, Vec<_>) = correlations.into_iter().unzip();
    let names = |one: &CorrelationRule| [one.name.clone(), one.id.clone()].into_iter().flatten();
    let all: BTreeSet<String> = sigma.iter().flat_map(names).collect();
    let mut compiled = Vec::<Correlation>::new();
    let mut whole = Vec::new();
    {
        let mut known = Known {
            rules: rules.iter().flat_map(|rule| named(rule).map(|name| (name, rule))).collect(),
            refused: refused.iter().map(String::as_str).collect(),
            ..Known::default()
        };
        let mut places = Places::default();
        let mut left: Vec<(&CorrelationRule, Read<'_>)> = sigma.iter().zip(reads).collect();
        for round in 0..=MAX_NESTING {
            let waits = |one: &CorrelationRule, known: &Known<'_>| {
                let undecided = |name: &str| {
                    all.contains(name)
                        && !known.correlations.contains_key(name)
                        && !known.refused.contains(name)
                };
                round < MAX_NESTING && one.rules.iter().any(|name| undecided(name))
            };
            let (later, now): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|(one, _)| waits(one, &known));
            left = later;
            if round == MAX_NESTING {
                known.endless = now.iter().flat_map(|(one, _)| both(one)).collect();
            }
            for (one, read) in now {
                let at = read.problems.root();
                let chain = correlation::compile(one, &known, read.group(how), how.attack, &at);
                let chain = chain.filter(|_| read.problems.is_empty());
                if let Some(full) = chain.as_ref().and_then(|chain| places.add(chain)) {
                    at.at("correlation").at("rules").refuse(format_args!(
                        "rules: {full} is in {MAX_PLACES} correlations already, and an event of it has \
                         room for no more"
                    ));
                }
                if read.problems.is_empty() {
                    known.correlations.extend(both(one).map(|name| (name, one)));
                    whole.push(one);
                    compiled.extend(chain.map(|mut chain| {
                        rename::correlation(&mut chain, &how.options.fields);
                        chain
                    }));
                } else {
                    known.refused.extend(both(one));
                }
                told.add(read);
            }
        }
    }
    let mut generates = BTreeMap::<&str, bool>::new();
    for one in whole {
        for name in &one.rules {
            *generates.entry(name).or_default() |= one.generate;
        }
    }
    let is_silent = |about: &crate::RuleMetadata| {
        let said = [about.slug.as_str(), about.id.as_str()].map(|name| generates.get(name));
        let mut said = said.into_iter().flatten().peekable();
        said.peek().is_some() && !said.any(|generates| *generates)
    };
    for Rule { about, internal, .. } in rules {
        *internal |= is_silent(about);
    }
    for Correlation { about, internal, .. } in &mut compiled {
        *internal |= is_silent(about);
    }
    compiled.sort_by(|a, b| a.about.slug.cmp(&b.about.slug));
    compiled
}

fn named(rule: &Rule) -> [&str; 2] {
    [&rule.about.slug, &rule.about.id]
}

fn both(one: &CorrelationRule) -> impl Iterator<Item = &str> {
    [one.name.as_deref(), one.id.as_deref()].into_iter().flatten()
}

/// The places in chains, directly and through others, that an event of each rule has.
#[derive(Default)]
struct Places {
    of_chains: BTreeMap<SmolStr, BTreeMap<SmolStr, usize>>,
    taken: BTreeMap<SmolStr, usize>,
}

impl Places {
    /// Counts a chain; or names a rule that has no more room for it.
    fn add(&mut self, chain: &Correlation) -> Option<SmolStr> {
        let mut own = BTreeMap::<SmolStr, usize>::new();
        for Member { rules, chains } in &chain.members {
            for rule in rules {
                let count = own.entry(rule.slug.clone()).or_default();
                *count = count.saturating_add(1);
            }
            let nested = chains.iter().filter_map(|nested| self.of_chains.get(&nested.slug));
            for (rule, more) in nested.flatten() {
                let count = own.entry(rule.clone()).or_default();
                *count = count.saturating_add(*more);
            }
        }
        let taken = |rule: &SmolStr| self.taken.get(rule).copied().unwrap_or_default();
        let full = own.iter().find(|(rule, more)| taken(rule).saturating_add(**more) > MAX_PLACES);
        if let Some((rule, _)) = full {
            return Some(rule.clone());
        }
        for (rule, more) in &own {
            let count = self.taken.entry(rule.clone()).or_default();
            *count = count.saturating_add(*more);
        }
        self.of_chains.insert(chain.about.slug.clone(), own);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Attack, Compiled, Options, RuleFile, compile};

    fn compiled(documents: &[String]) -> Compiled {
        let file =
            |(n, yaml): (usize, &String)| RuleFile { path: format!("{n}.yml"), yaml: yaml.clone() };
        let files: Vec<_> = documents.iter().enumerate().map(file).collect();
        compile(&files, &Attack::default(), &Options::default())
    }

    fn rule(name: &str) -> String {
        format!(
            "title: {name}\nname: {name}\nlogsource: {{product: aws, service: cloudtrail}}\n\
             detection: {{it: {{eventName: ListBuckets}}, condition: it}}\n"
        )
    }

    fn chain(name: &str, correlation: &str) -> String {
        format!("title: {name}\nname: {name}\ncorrelation: {{timespan: 1h, {correlation}}}\n")
    }

    fn told(compiled: &Compiled) -> Vec<String> {
        compiled.refusals.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_refused_silences_nothing_and_feeds_nothing() {
        let lost = chain("x", "type: temporal, rules: [a, lost]");
        let of_it = chain("y", "type: event_count, rules: [x], condition: {gte: 1}");
        let compiled = compiled(&[rule("a"), lost, of_it]);
        assert_eq!(compiled.pack.public().len(), 1);
        let told = told(&compiled);
        assert!(told[0].contains("nothing is named lost"), "{told:?}");
        assert!(told[1].contains("x was refused itself"), "{told:?}");
    }

    #[test]
    fn nothing_of_a_correlation_is_passed_over() {
        for (correlation, problem) in [
            ("type: event_count, rules: [a], condition: {gte: 2}, group_by: [x]", "group_by"),
            ("type: event_count, rules: [a], condition: {gte: 2, foo: 3}", "foo"),
            ("type: event_count, rules: [a], condition: {gte: -1}", "not a count"),
            ("type: event_count, rules: [a, 5], condition: {gte: 2}", "a list of texts"),
            (
                "type: event_count, rules: [a], group-by: [x, 7], condition: {gte: 2}",
                "a list of texts",
            ),
            (
                "type: event_count, rules: [a], generate: maybe, condition: {gte: 2}",
                "true or false",
            ),
            ("type: event_count, rules: [], condition: {gte: 2}", "from one name"),
            ("type: event_count, rules: [a, a], condition: {gte: 2}", "twice"),
            (
                "type: event_count, rules: [a], group-by: [u], aliases: {u: {b: c}}, condition: {gte: 2}",
                "b is not among the rules",
            ),
        ] {
            let told = told(&compiled(&[rule("a"), chain("x", correlation)]));
            assert!(told.iter().any(|one| one.contains(problem)), "{correlation}: {told:?}");
        }
    }

    #[test]
    fn an_event_has_room_for_every_correlation_that_is_taken() {
        let many = (0..60).map(|n| {
            chain(&format!("c{n:02}"), "type: event_count, rules: [a], condition: {gte: 2}")
        });
        let compiled = compiled(&[rule("a")].into_iter().chain(many).collect::<Vec<_>>());
        assert_eq!(compiled.pack.correlations.len(), 50);
        let told = told(&compiled);
        assert!(told.len() == 10 && told[0].contains("50 correlations already"), "{told:?}");
    }

    #[test]
    fn an_alias_may_name_a_rule_by_its_id() {
        let id = "11111111-1111-4111-8111-111111111111";
        let by_id = format!(
            "type: event_count, rules: [{id}], group-by: [u], aliases: {{u: {{{id}: userIdentity.arn}}}}, \
             condition: {{gte: 2}}"
        );
        let compiled = compiled(&[rule("a") + "id: " + id + "\n", chain("x", &by_id)]);
        assert_eq!(told(&compiled), [""; 0]);
        assert_eq!(compiled.pack.correlations.len(), 1);
    }
}
