//! Everything that the pack says of one rule or chain.

use orgwatch::rules::{Correlation, Rule, RuleMetadata};
use orgwatch_sigma::{CorrelationKind, MemberRule, Pack, Severity, Threshold};
use serde::Serialize;

use super::conditions;

/// One rule or chain, as `--json` prints it. The keys that `orgwatch rules --json` has too mean the
/// same there.
#[derive(Debug, Serialize)]
pub(super) struct Explanation<'a> {
    pub(super) slug: &'a str,
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) severity: Severity,
    /// When the severity is another: the first that holds.
    pub(super) severities: Vec<SeverityWhen>,
    pub(super) group: &'a str,
    pub(super) description: &'a str,
    /// When it fires, a line for each condition; all must hold.
    pub(super) when: Vec<String>,
    pub(super) event_sources: &'a [String],
    pub(super) event_names: &'a [String],
    pub(super) summary: String,
    pub(super) why: &'a str,
    pub(super) benign: &'a str,
    pub(super) triage: Vec<String>,
    pub(super) attack: &'a [String],
    pub(super) attack_aliases: &'a [String],
    pub(super) attack_version: &'a str,
    pub(super) threat_catalogue: &'a [String],
    pub(super) covers: &'a [String],
    pub(super) references: &'a [String],
}

/// A severity and when it applies.
#[derive(Debug, Serialize)]
pub(super) struct SeverityWhen {
    pub(super) severity: Severity,
    pub(super) when: String,
}

/// Explains the rule or chain of this name; none if there is none that gives findings.
pub(super) fn explain<'a>(pack: &'a Pack, slug: &str) -> Option<Explanation<'a>> {
    let rule = pack.rules.iter().find(|rule| rule.about.slug == slug && !rule.internal);
    let chain = pack.correlations.iter().find(|chain| chain.about.slug == slug);
    match (rule, chain) {
        (Some(rule), _) => Some(of_rule(pack, rule)),
        (None, Some(chain)) => Some(of_chain(pack, chain)),
        (None, None) => None,
    }
}

fn of_rule<'a>(pack: &'a Pack, rule: &'a Rule) -> Explanation<'a> {
    let mut when = conditions(rule);
    if let Some(terms) = &rule.new_terms {
        let fields: Vec<String> = terms.fields.iter().map(conditions::field).collect();
        let window = duration(terms.window);
        let fields = fields.join(" and ");
        when.push(format!("{fields} were not seen together within {window}, before or after"));
    }
    let severities = rule.severity.iter().map(|severity| SeverityWhen {
        severity: severity.level,
        when: conditions::sentence(&severity.when),
    });
    Explanation {
        severities: severities.collect(),
        when,
        event_sources: &rule.event_sources,
        event_names: &rule.event_names,
        ..of_about(pack, &rule.about)
    }
}

fn of_chain<'a>(pack: &'a Pack, chain: &'a Correlation) -> Explanation<'a> {
    let window = duration(chain.window);
    let mut when = vec![match &chain.kind {
        CorrelationKind::Temporal => format!("one of each, in any order, within {window}"),
        CorrelationKind::TemporalOrdered => format!("one of each, in this order, within {window}"),
        CorrelationKind::EventCount(counts) => {
            format!("{} events within {window}, of", number(counts))
        }
        CorrelationKind::ValueCount(counts, field) => {
            let field = conditions::field(field);
            format!("{} different {field} within {window}, of", number(counts))
        }
    }];
    for member in &chain.members {
        let chains = member.chains.iter().map(|chain| chain.slug.to_string());
        let rules: Vec<String> = member.rules.iter().map(fed_by).chain(chains).collect();
        when.push(format!("  {}", rules.join(" or ")));
    }
    let mut fed: Vec<&MemberRule> = chain.members.iter().flat_map(|member| &member.rules).collect();
    let same = fed.first().map(|rule| {
        let fields: Vec<String> = rule.key.iter().map(conditions::field).collect();
        format!("with the same {}", fields.join(" and "))
    });
    when.extend(same);
    // Steps that give no finding of their own have no page of their own.
    fed.dedup_by(|a, b| a.slug == b.slug);
    let internal = |slug: &str| pack.rules.iter().find(|r| r.internal && r.about.slug == slug);
    for rule in fed.iter().filter_map(|fed| internal(&fed.slug)) {
        when.push(format!("where {}, which gives no finding of its own, means", rule.about.slug));
        when.extend(conditions(rule).iter().map(|line| format!("  {line}")));
    }
    Explanation { when, ..of_about(pack, &chain.about) }
}

/// The counts for which a condition holds.
fn number(counts: &Threshold) -> String {
    let but = counts.except.iter().map(|count| format!(", but not {count},"));
    let but: String = but.collect();
    match counts.most {
        Some(most) if most == counts.least => format!("exactly {most}{but}"),
        Some(most) => format!("{} to {most}{but}", counts.least),
        None => format!("at least {}{but}", counts.least),
    }
}

fn fed_by(rule: &MemberRule) -> String {
    match &rule.member_filter {
        Some(only) => format!("{} ({})", rule.slug, conditions::sentence(only)),
        None => rule.slug.to_string(),
    }
}

fn conditions(rule: &Rule) -> Vec<String> {
    let mut when = conditions::lines(&rule.condition);
    when.extend(rule.derived_condition.iter().flat_map(conditions::lines));
    when
}

fn of_about<'a>(pack: &'a Pack, about: &'a RuleMetadata) -> Explanation<'a> {
    Explanation {
        slug: &about.slug,
        id: &about.id,
        title: &about.title,
        severity: about.level,
        severities: Vec::new(),
        group: &about.group,
        description: &about.description,
        when: Vec::new(),
        event_sources: &[],
        event_names: &[],
        summary: about.summary.to_string(),
        why: &about.why,
        benign: &about.benign,
        triage: about.triage.iter().map(ToString::to_string).collect(),
        attack: &about.attack,
        attack_aliases: &about.attack_aliases,
        attack_version: &pack.attack_version,
        threat_catalogue: &about.threat_catalogue,
        covers: &about.covers,
        references: &about.references,
    }
}

/// In the largest unit that makes a whole number: 86,400 seconds are 24 h, 864,000 are 10 d.
fn duration(seconds: i64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "min")];
    let fits =
        |(unit, _): &&(i64, &str)| seconds % unit == 0 && (seconds / unit > 1 || *unit == 3600);
    match units.iter().find(fits) {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use super::*;

    fn pack() -> &'static Pack {
        static PACK: LazyLock<Arc<Pack>> = LazyLock::new(orgwatch::rules::builtin_pack);
        &PACK
    }

    #[test]
    fn every_public_rule_is_explained() {
        for about in pack().public() {
            let explained = explain(pack(), &about.slug).unwrap();
            assert!(!explained.when.is_empty() && !explained.triage.is_empty(), "{explained:?}");
        }
        assert!(explain(pack(), "no-such-rule").is_none());
        let internal = pack().rules.iter().find(|rule| rule.internal).unwrap();
        assert!(explain(pack(), &internal.about.slug).is_none());
    }

    #[test]
    fn a_severity_that_follows_the_event_is_told() {
        let departed = explain(pack(), "account-departed").unwrap();
        let first = &departed.severities[0];
        assert_eq!(first.severity, Severity::Critical);
        assert_eq!(first.when, "serviceEventDetails.departureMethod is left");
    }

    #[test]
    fn a_chain_names_its_members() {
        let chain = explain(pack(), "leave-attempts-repeated").unwrap();
        assert_eq!(chain.when[0], "at least 3 events within 10 min, of");
        assert_eq!(chain.when[1], "  member-leave-denied");
        let burst = explain(pack(), "account-discovery-burst").unwrap();
        assert!(burst.when.iter().any(|line| line.starts_with("where ")), "{burst:?}");
    }

    #[test]
    fn durations_read_well() {
        for (seconds, text) in
            [(10, "10 s"), (600, "10 min"), (3600, "1 h"), (86_400, "24 h"), (864_000, "10 d")]
        {
            assert_eq!(duration(seconds), text);
        }
    }
}
