//! From Sigma YAML to the compiled form.

mod condition;
mod custom;
mod literals;
mod template;

use std::collections::BTreeMap;

use rsigma_parser::SigmaRule;

use crate::{Pack, Rule, Severity};
pub use custom::Custom;

/// Why a rule was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct CompileError {
    /// The rule's file.
    pub file: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

/// One rule file: where it stands in the pack and what it says.
#[derive(Debug, Clone)]
pub struct RuleFile {
    /// Its path in the pack, `leaving/member_left_organization.yml`: the folder is the rule's group.
    pub path: String,
    /// The YAML.
    pub yaml: String,
}

/// The ATT&CK ids that tags may name, with the version they are of.
#[derive(Debug, Clone, Default)]
pub struct Attack {
    version: String,
    /// Sigma tag without `attack.`, to id.
    ids: BTreeMap<String, String>,
}

impl Attack {
    /// Reads the list: `#` comments, one of which says `version N`, then lines of id, Sigma tag name
    /// (`technique` for techniques, whose tag is the id) and name, separated by tabs.
    pub fn parse(list: &str) -> Result<Attack, CompileError> {
        let mut attack = Attack::default();
        for (index, line) in list.lines().enumerate() {
            if let Some(comment) = line.strip_prefix('#') {
                if let Some((_, version)) = comment.split_once("version ")
                    && attack.version.is_empty()
                {
                    attack.version = version
                        .chars()
                        .take_while(|c| c.is_ascii_digit() || *c == '.')
                        .collect();
                }
                continue;
            }
            let mut columns = line.split('\t');
            match (columns.next(), columns.next(), columns.next()) {
                (Some(""), None, _) => {}
                (Some(id), Some("technique"), Some(_)) => {
                    attack.ids.insert(id.to_lowercase(), id.to_owned());
                }
                (Some(id), Some(tactic), Some(_)) => {
                    attack.ids.insert(tactic.to_owned(), id.to_owned());
                }
                _ => {
                    return Err(CompileError {
                        file: "attack.txt".into(),
                        problem: format!("line {}: not id, tag and name", index + 1),
                    });
                }
            }
        }
        Ok(attack)
    }

    /// The id that a Sigma tag such as `attack.t1666` or `attack.impact` stands for.
    fn id(&self, tag: &str) -> Result<Option<String>, String> {
        let Some(name) = tag.strip_prefix("attack.") else {
            return Ok(None);
        };
        match self.ids.get(name) {
            Some(id) => Ok(Some(id.clone())),
            None => Err(format!(
                "tags: {tag} is not in the list of ATT&CK {} ids",
                self.version
            )),
        }
    }
}

/// Compiles a pack. Every rule that is refused is reported, not just the first.
pub fn pack(files: &[RuleFile], attack: &Attack) -> Result<Pack, Vec<CompileError>> {
    let mut rules = Vec::new();
    let mut errors = Vec::new();
    for file in files {
        match rule(file, attack) {
            Ok(rule) => rules.push(rule),
            Err(problem) => errors.push(CompileError {
                file: file.path.clone(),
                problem,
            }),
        }
    }
    rules.sort_by(|a: &Rule, b: &Rule| a.slug.cmp(&b.slug));
    for pair in rules.windows(2) {
        if pair[0].slug == pair[1].slug {
            errors.push(CompileError {
                file: pair[1].group.clone(),
                problem: format!("name: {} is the name of two rules", pair[1].slug),
            });
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Pack {
        attack_version: attack.version.clone(),
        rules,
    })
}

/// Compiles one rule.
fn rule(file: &RuleFile, attack: &Attack) -> Result<Rule, String> {
    let mut collection = rsigma_parser::parse_sigma_yaml(&file.yaml)
        .map_err(|error| error.to_string())?
        .into_result()
        .map_err(|errors| errors.join("; "))?;
    if collection.len() != 1 || collection.rules.len() != 1 {
        return Err("a file holds exactly one rule".into());
    }
    let sigma = collection.rules.remove(0);
    let mut custom = Custom::of(sigma.custom_attributes.get("orgwatch"))?;
    check_log_source(&sigma)?;

    let condition = condition::compile(&sigma.detection)?;
    let requires = custom.requires.take();
    let requires = requires.map(|map| condition::fragment(&map).map_err(|e| format!("requires: {e}")));
    let event_names = literals::of("eventName", &condition).unwrap_or_default();
    let event_sources = literals::of("eventSource", &condition).unwrap_or_default();
    if event_sources.is_empty() {
        return Err(
            "detection: a rule names its eventSource: the same eventName exists in others".into(),
        );
    }
    let mut tags = Vec::new();
    for tag in &sigma.tags {
        tags.extend(attack.id(tag)?);
    }
    let group = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    Ok(Rule {
        slug: required("name", sigma.name)?,
        id: required("id", sigma.id)?,
        title: sigma.title,
        description: one_line(&required("description", sigma.description)?),
        group: group.to_owned(),
        references: sigma.references,
        level: Severity::from_sigma(sigma.level.ok_or("level is missing")?),
        severity: custom.severity()?,
        new_terms: custom.new_terms()?,
        account: custom.account()?,
        organization: template::optional("organization", &custom.organization)?,
        destination_organization: template::optional(
            "destination_organization",
            &custom.destination_organization,
        )?,
        target: custom.target()?,
        details: custom.details()?,
        summary: template::parse("summary", &one_line(&custom.summary))?,
        triage: custom.triage()?,
        why: one_line(&custom.why),
        benign: sigma
            .falsepositives
            .iter()
            .map(|text| one_line(text))
            .collect::<Vec<_>>()
            .join(" "),
        attack: tags,
        attack_aliases: custom.attack_aliases,
        threat_catalogue: custom.threat_catalogue,
        covers: custom.covers,
        condition,
        requires: requires.transpose()?,
        event_names,
        event_sources,
    })
}

impl Severity {
    fn from_sigma(level: rsigma_parser::Level) -> Severity {
        use rsigma_parser::Level;
        match level {
            Level::Informational => Severity::Informational,
            Level::Low => Severity::Low,
            Level::Medium => Severity::Medium,
            Level::High => Severity::High,
            Level::Critical => Severity::Critical,
        }
    }
}

fn check_log_source(sigma: &SigmaRule) -> Result<(), String> {
    let source = &sigma.logsource;
    if source.product.as_deref() == Some("aws") && source.service.as_deref() == Some("cloudtrail") {
        return Ok(());
    }
    Err("logsource: orgwatch reads product aws, service cloudtrail".into())
}

fn required(key: &str, value: Option<String>) -> Result<String, String> {
    value
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| format!("{key} is missing"))
}

/// YAML block text as one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
