//! Rules that have the name or the id of a built-in one.

use std::collections::BTreeSet;
use std::mem;

use orgwatch_sigma::compile::Problem;
use orgwatch_sigma::{Correlation, Pack, RuleMetadata};

use super::OwnRules;

impl OwnRules {
    /// Refuses the rules that have the name or the id of one of the pack beside them, which findings and the
    /// memory know it by, and the chains that look at these rules.
    pub fn refuse_taken(&mut self, beside: &Pack) {
        let rules = beside.rules.iter().map(|rule| &rule.about);
        let known = rules.chain(beside.correlations.iter().map(|chain| &chain.about));
        let (slugs, ids): (BTreeSet<String>, BTreeSet<String>) = known
            .map(|about| (about.slug.to_ascii_lowercase(), about.id.to_ascii_lowercase()))
            .unzip();
        let problem = |about: &RuleMetadata| {
            let taken = slugs.contains(&about.slug.to_ascii_lowercase())
                || ids.contains(&about.id.to_ascii_lowercase());
            taken.then(|| {
                format!(
                    "{} has the name or the id of a built-in rule: give it another, or leave those \
                     out with --no-pack",
                    about.slug
                )
            })
        };
        let mut pack = mem::take(&mut self.pack);
        let mut gone = BTreeSet::<String>::new();
        pack.rules.retain(|rule| self.keep(&rule.about, problem(&rule.about), &mut gone));
        loop {
            let before = gone.len();
            pack.correlations.retain(|chain| {
                let refused = members(chain).find(|slug| gone.contains(*slug));
                let refused = refused.map(|slug| format!("rules: {slug} was refused itself"));
                self.keep(&chain.about, problem(&chain.about).or(refused), &mut gone)
            });
            if gone.len() == before {
                break;
            }
        }
        if !gone.is_empty() {
            let names: BTreeSet<&String> =
                pack.rules.iter().flat_map(|rule| &rule.event_names).collect();
            pack.event_names.retain(|name| names.contains(&name.to_ascii_lowercase()));
        }
        self.pack = pack;
    }

    /// Whether a rule has no problem; it is refused for one.
    fn keep(
        &mut self,
        about: &RuleMetadata,
        problem: Option<String>,
        gone: &mut BTreeSet<String>,
    ) -> bool {
        let Some(text) = problem else { return true };
        let (file, line, column) = match self.document(about) {
            Some(one) => (one.file.clone(), one.line, one.column),
            None => ("?".into(), 1, 1),
        };
        self.refusals.push(Problem { file, line, column, text });
        self.refused = self.refused.saturating_add(1);
        gone.insert(about.slug.to_string());
        false
    }
}

fn members(chain: &Correlation) -> impl Iterator<Item = &str> {
    chain.members.iter().flat_map(|member| {
        let rules = member.rules.iter().map(|rule| rule.slug.as_str());
        rules.chain(member.chains.iter().map(|chain| chain.slug.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{compile, tests::folder};

    #[test]
    fn a_rule_with_a_name_that_is_taken_is_refused_with_the_chains_on_it() {
        let rule = |name: &str| {
            format!(
                "title: Rule {name}\nname: {name}\nlogsource: {{product: aws, service: cloudtrail}}\n\
                 detection:\n  s: {{eventName: Call{name}}}\n  condition: s\n"
            )
        };
        let chain = |name: &str, of: &str| {
            format!(
                "title: Chain {name}\nname: {name}\ncorrelation:\n  type: event_count\n  rules: [{of}]\n\
                 \x20 group-by: [userIdentity.arn]\n  timespan: 5m\n  condition: {{gte: 2}}\n"
            )
        };
        let taken = "member-left-organization";
        let yaml = [rule("a"), rule(taken), chain("c", taken), chain("d", "a")].join("---\n");
        let dir = folder(&[("all.yml", yaml.as_str())]);
        let mut rules = compile(&[dir.path().to_owned()], &BTreeMap::new()).unwrap();
        assert_eq!((rules.loaded(), rules.refused), (4, 0), "{:?}", rules.refusals);
        rules.refuse_taken(&orgwatch::rules::builtin_pack());
        assert_eq!((rules.loaded(), rules.refused), (2, 2));
        let told: Vec<_> = rules.refusals.iter().map(|one| (one.line, &*one.text)).collect();
        assert!(told[0].1.starts_with("member-left-organization has the name"), "{told:?}");
        assert_eq!(
            (told[0].0, told[1]),
            (8, (15, "rules: member-left-organization was refused itself"))
        );
        assert_eq!(rules.pack.event_names, ["Calla"]);
    }
}
