//! The compiled pack.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{Correlation, Expr, Field, Template};

/// The severity of a finding: Sigma's levels, from the least.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Severity {
    #[default]
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// Every severity, from the least.
    pub const ALL: [Severity; 5] = [
        Severity::Informational,
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Critical,
    ];

    /// As Sigma, findings and options write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Informational => "informational",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Severity::ALL.into_iter().find(|severity| severity.as_str() == text).ok_or_else(|| {
            format!("{text:?} is not a severity: informational, low, medium, high or critical")
        })
    }
}

/// The rules and chains, each in the order of their slugs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pack {
    /// The ATT&CK version that the rules' ids are of.
    pub attack_version: SmolStr,
    /// The rules.
    pub rules: Vec<Rule>,
    /// The chains of findings.
    pub correlations: Vec<Correlation>,
    /// The `eventName`s that rules name, as they write them, in order. For the cheap conditions of routers,
    /// where case counts.
    pub event_names: Vec<String>,
    /// It stands alone: the pack that comes with orgwatch is not used beside it.
    pub alone: bool,
}

impl Pack {
    /// The `eventName`s, in lower case, that rules want only of records with one of some texts in them, which
    /// the prefilter and the conditions of routers look for; and these texts.
    pub fn rare_names(&self) -> Vec<(&str, Vec<&str>)> {
        rare_names(self.rules.iter())
    }
}

/// As [`Pack::rare_names`], of these rules alone.
pub fn rare_names<'a>(
    rules: impl Iterator<Item = &'a Rule> + Clone,
) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut names: Vec<&str> =
        rules.clone().flat_map(|rule| &rule.event_names).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let texts = |name: &str| {
        let mut texts = Vec::new();
        for rule in rules.clone().filter(|rule| rule.event_names.iter().any(|own| own == name)) {
            if rule.verbatim.is_empty() {
                return None;
            }
            texts.extend(rule.verbatim.iter().map(String::as_str));
        }
        texts.sort_unstable();
        texts.dedup();
        Some(texts)
    };
    names.into_iter().filter_map(|name| Some((name, texts(name)?))).collect()
}

impl Pack {
    /// The metadata of a rule or chain by its slug.
    pub fn about(&self, slug: &str) -> Option<&RuleMetadata> {
        let rules = self.rules.iter().map(|rule| &rule.about);
        let chains = self.correlations.iter().map(|chain| &chain.about);
        rules.chain(chains).find(|about| about.slug == slug)
    }

    /// This pack with the rules and chains of others. Findings name a rule by its slug and the memory keeps
    /// what it knows of one under its id, so that two with the same are refused; each is named. The
    /// whole stands alone if one of them does.
    pub fn with(mut self, others: impl Iterator<Item = Pack>) -> Result<Pack, Vec<String>> {
        for other in others {
            if self.attack_version.is_empty() {
                self.attack_version = other.attack_version;
            }
            self.rules.extend(other.rules);
            self.correlations.extend(other.correlations);
            self.event_names.extend(other.event_names);
            self.alone |= other.alone;
        }
        self.rules.sort_by(|a, b| a.about.slug.cmp(&b.about.slug));
        self.correlations.sort_by(|a, b| a.about.slug.cmp(&b.about.slug));
        self.event_names.sort_unstable();
        self.event_names.dedup();
        let twice = self.twice();
        if twice.is_empty() { Ok(self) } else { Err(twice) }
    }

    /// The slugs and ids that more than one rule or chain has, as one problem each.
    fn twice(&self) -> Vec<String> {
        let (mut slugs, mut ids) = (BTreeSet::new(), BTreeSet::new());
        let mut twice = Vec::new();
        let rules = self.rules.iter().map(|rule| &rule.about);
        for about in rules.chain(self.correlations.iter().map(|chain| &chain.about)) {
            let RuleMetadata { slug, id, title, .. } = about;
            if !slugs.insert(slug.to_lowercase()) {
                twice.push(format!("two rules have the name {slug}; one is {title:?}"));
            }
            if !ids.insert(id.to_lowercase()) {
                twice.push(format!("two rules have the id {id}; one is {slug}"));
            }
        }
        twice
    }

    /// The metadata of every public rule and chain, in the order of their slugs.
    pub fn public(&self) -> Vec<&RuleMetadata> {
        let rules = self.rules.iter().filter(|rule| !rule.internal).map(|rule| &rule.about);
        let mut all: Vec<_> =
            rules.chain(self.correlations.iter().map(|chain| &chain.about)).collect();
        all.sort_by(|a, b| a.slug.cmp(&b.slug));
        all
    }
}

/// The metadata of a rule or a chain. Texts that its findings repeat are shared with them, not copied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleMetadata {
    /// The slug: Sigma's `name`, the finding's `rule`.
    pub slug: SmolStr,
    /// The Sigma UUID.
    pub id: SmolStr,
    /// The title.
    pub title: SmolStr,
    /// The description.
    pub description: String,
    /// The area that it guards: the folder of the pack it stands in.
    pub group: String,
    /// Further reading.
    pub references: Vec<String>,
    /// The severity, unless the rule says when it is another.
    pub level: Severity,
    /// One sentence on the event.
    pub summary: Template,
    /// The reason why it matters.
    pub why: SmolStr,
    /// The likely benign cause.
    pub benign: SmolStr,
    /// The steps to take.
    pub triage: Vec<Template>,
    /// ATT&CK ids: tactics and techniques.
    pub attack: Arc<[String]>,
    /// ATT&CK ids that other systems still use for the same.
    pub attack_aliases: Arc<[String]>,
    /// AWS Threat Technique Catalog ids.
    pub threat_catalogue: Arc<[String]>,
    /// The rules of other systems that it answers to.
    pub covers: Arc<[String]>,
    /// The tags that have no other place, as the rule wrote them.
    pub tags: Arc<[String]>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its metadata.
    pub about: RuleMetadata,
    /// It gives no finding of its own, only steps of chains.
    pub internal: bool,
    /// The severities that follow the event: the first that holds replaces the level.
    pub severity: Vec<SeverityWhen>,
    /// The event must match this: the rule as Sigma has it.
    pub condition: Expr,
    /// And this, over what orgwatch derives from the event.
    pub derived_condition: Option<Expr>,
    /// The `eventName`s that `condition` can match, in lower case; empty if any.
    pub event_names: Vec<String>,
    /// The `eventSource`s that `condition` can match, in lower case; empty if any.
    pub event_sources: Vec<String>,
    /// Texts of plain letters, in their case, of which the request has one if `condition` holds; none where
    /// that is not known.
    pub verbatim: Vec<String>,
    /// Of a rule that names no event: texts, in lower case, of which a record has one in any case if
    /// `condition` holds; none where that is not known. See [`Rule::witness`].
    pub texts: Vec<String>,
    /// Fires only for values not seen together before.
    pub new_terms: Option<NewTerms>,
    /// The account affected.
    pub account: Template,
    /// The organization affected.
    pub organization: Option<Template>,
    /// The organization that the account goes to.
    pub destination_organization: Option<Template>,
    /// The object of the call.
    pub target: Option<TargetTemplate>,
    /// The details that this rule adds to the finding.
    pub details: Vec<(String, Template)>,
}

/// A severity and its condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeverityWhen {
    /// The severity.
    pub level: Severity,
    /// The condition.
    pub when: Expr,
}

/// Values whose first appearance together is what a rule looks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewTerms {
    /// The fields whose values are taken together.
    pub fields: Vec<Field>,
    /// The seconds of event time, before and after, for which a sighting counts.
    pub window: i64,
    /// The seconds from the first sighting on for which values are still new.
    pub grace: i64,
}

/// Templates for a finding's target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetTemplate {
    /// Its type.
    pub kind: Template,
    /// Its id.
    pub id: Template,
}
