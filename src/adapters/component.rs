//! The WIT component: `wit/detector.wit` around [`crate::detector`].

// The canonical ABI of the component model is a C interface: the code that bindgen generates for it
// passes pointers into this module's memory.
#![allow(unsafe_code, missing_docs)]

use std::cell::RefCell;

use crate::detector::{self, Screened};
use crate::{envelope, packs, rules, settings, state};

wit_bindgen::generate!({ path: "wit", world: "plugin" });

use self::exports::orgwatch::detector::findings;
use exports::orgwatch::detector::detection as wit;

crate::wit_conversions!(crate::adapters::component::findings);

struct Component;
export!(Component);

/// A detector behind the shared reference that the component model gives methods.
struct Detector(RefCell<detector::Detector>);

impl wit::Guest for Component {
    type Detector = Detector;

    fn describe() -> wit::Description {
        // What a baked pack that cannot be used is refused for, `open` says.
        let pack = packs::own().unwrap_or_else(|_| rules::builtin_pack());
        let mut sources: Vec<String> =
            pack.rules.iter().flat_map(|rule| rule.event_sources.clone()).collect();
        sources.sort_unstable();
        sources.dedup();
        wit::Description {
            name: "orgwatch".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            attack_version: pack.attack_version.to_string(),
            state_format: state::FORMAT.into(),
            rules: pack.public().into_iter().map(|about| describe_rule(about, &pack)).collect(),
            sources,
            envelopes: envelope::SHAPES.iter().map(ToString::to_string).collect(),
        }
    }
}

impl wit::GuestDetector for Detector {
    fn open(
        settings: String,
        packs: Vec<Vec<u8>>,
    ) -> Result<wit::Detector, Vec<wit::SettingProblem>> {
        match detector::Detector::open_with(&settings, &packs) {
            Ok(opened) => Ok(wit::Detector::new(Detector(RefCell::new(opened)))),
            Err(problems) => Err(problems.into_iter().map(Into::into).collect()),
        }
    }

    fn detect(&self, event: Vec<u8>) -> Result<Vec<findings::Finding>, String> {
        let found = self.0.borrow_mut().detect(&event)?;
        Ok(found.into_iter().map(Into::into).collect())
    }

    fn detect_batch(&self, events: Vec<u8>) -> wit::Batch {
        let batch = self.0.borrow_mut().detect_batch(&events);
        wit::Batch {
            findings: batch.findings.into_iter().map(Into::into).collect(),
            counts: batch.counts.into(),
            unreadable: batch.unreadable.into_iter().map(Into::into).collect(),
        }
    }

    fn screen(&self, events: Vec<u8>) -> wit::Screened {
        let Screened { spans, counts, unreadable, .. } = self.0.borrow().screen(&events);
        wit::Screened {
            spans: spans.into_iter().map(Into::into).collect(),
            counts: counts.into(),
            unreadable: unreadable.into_iter().map(Into::into).collect(),
        }
    }

    fn save_state(&self) -> Vec<u8> {
        self.0.borrow().save_state()
    }

    fn merge_state(&self, state: Vec<u8>) -> Result<Vec<findings::Finding>, String> {
        let completed = self.0.borrow_mut().merge_state(&state);
        let completed = completed.map_err(|error| error.to_string())?;
        Ok(completed.into_iter().map(Into::into).collect())
    }

    fn rules(&self) -> Vec<wit::Rule> {
        let detector = self.0.borrow();
        let pack = detector.pack();
        detector.running().into_iter().map(|about| describe_rule(about, pack)).collect()
    }

    fn counters(&self) -> Vec<wit::Counter> {
        let counters = self.0.borrow().counters();
        counters
            .into_iter()
            .map(|(name, value)| wit::Counter { name: name.into(), value })
            .collect()
    }
}

fn describe_rule(about: &rules::RuleMetadata, pack: &rules::Pack) -> wit::Rule {
    let rule = pack.rules.iter().find(|rule| rule.about.slug == about.slug);
    wit::Rule {
        slug: about.slug.to_string(),
        id: about.id.to_string(),
        title: about.title.to_string(),
        description: about.description.clone(),
        severity: about.level.into(),
        group: about.group.clone(),
        event_names: match rule {
            Some(rule) if rule.event_names.is_empty() => None,
            Some(rule) => Some(rule.event_names.clone()),
            None => Some(Vec::new()),
        },
        attack: about.attack.to_vec(),
        attack_aliases: about.attack_aliases.to_vec(),
        threat_catalogue: about.threat_catalogue.to_vec(),
        covers: about.covers.to_vec(),
    }
}

impl From<settings::Problem> for wit::SettingProblem {
    fn from(problem: settings::Problem) -> Self {
        let settings::Problem { path, value, problem } = problem;
        wit::SettingProblem { path, value, problem }
    }
}

const _: () = {
    use crate::detector as ours;

    crate::wit_conversions!(@record Place { line, record } {} {} {});
    crate::wit_conversions!(@record Span { line, offset, length } {} {} {});
    crate::wit_conversions!(@record Counts {
        lines, events, rejected, evaluated, unreadable, foreign, notifications, companions, ocsf,
        ecs, query_rows, without_time
    } {} {} {});
    crate::wit_conversions!(@record Unreadable { reason } { place } {} {});
    crate::wit_conversions!(@record Located {} { place, finding } {} {});
};
