//! One event from top to bottom: prefilter, envelope, record, rules, memory, finding.

mod evaluation;
mod foreign;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::batch::count;
pub use crate::batch::{Batch, Counts, Located, MAX_UNREADABLE, Place, Screened, Span, Unreadable};
use crate::chains::Correlations;
use crate::digest::Digest128;
use crate::embedded_config::baked;
use crate::envelope::{self, Content, Reach, TapePool, Visit};
use crate::finding::Finding;
use crate::json::Value;
use crate::memory::{Memory, Saved};
use crate::packs;
use crate::prefilter::{Line, Prefilter, Verdict};
use crate::record::org_policy;
use crate::rules::{Correlation, Index, Pack, Rule, RuleMetadata};
use crate::settings::{Mode, Problem, Settings};
use crate::state::StateError;
use crate::{heartbeat, silence, status};
use evaluation::{evaluate_record, fell_silent, heard, stage};

/// The only setting that an artifact with settings of its own takes: where records are looked for is up to who
/// reads the bytes.
const EVERYWHERE: &str = r#"{"record_at":["*"]}"#;

/// Examines events and remembers what it must.
#[derive(Debug)]
pub struct Detector {
    settings: Settings,
    index: Index,
    chains: Correlations,
    prefilter: Prefilter,
    memory: Memory,
    tapes: TapePool,
}

impl Detector {
    /// Opens a detector with settings as JSON. `{}` or nothing means those that are
    /// [baked](crate::embedded_config) into the artifact, and the defaults where none are.
    pub fn open(settings: &str) -> Result<Detector, Vec<Problem>> {
        Self::open_with::<&[u8]>(settings, &[])
    }

    /// The same with the rules of these compiled packs beside those of the artifact, or in their place
    /// if a pack is to stand [alone](Pack::alone). An artifact that something is baked into takes none.
    pub fn open_with<B: AsRef<[u8]>>(
        settings: &str,
        packs: &[B],
    ) -> Result<Detector, Vec<Problem>> {
        let own = baked();
        if own.settings.is_empty() {
            let settings = if settings.trim().is_empty() { "{}" } else { settings };
            return Self::with_pack(packs::joined(packs)?, settings);
        }
        if !packs.is_empty() {
            return Err(problem("what is baked into this artifact decides: it takes no rules"));
        }
        if !matches!(settings.trim(), "" | "{}" | EVERYWHERE) {
            return Err(problem("settings are baked into this artifact: it takes no others"));
        }
        let baked = std::str::from_utf8(own.settings);
        let baked = baked.map_err(|_| problem("baked: not UTF-8"))?;
        let mut detector = Self::with_pack(packs::own()?, baked)?;
        if settings.trim() == EVERYWHERE {
            detector.settings.reach = Reach::everywhere();
        }
        if !own.state.is_empty() {
            let load = detector.merge_state(own.state);
            load.map_err(|error| problem(&format!("baked: {error}")))?;
        }
        Ok(detector)
    }

    /// Opens a detector that evaluates another pack than the one that comes with it. Settings as JSON
    /// know rules by the slugs of that pack.
    pub fn with_pack(pack: Arc<Pack>, settings: &str) -> Result<Detector, Vec<Problem>> {
        let settings = Settings::from_json(settings, &pack)?;
        let is_on = |rule: &Rule| is_on(rule, &pack, &settings);
        let of_records = |rule: &Rule| is_on(rule) && !silence::is_of(rule);
        let rules = pack.rules.iter().filter(|rule| of_records(rule));
        Ok(Detector {
            prefilter: Prefilter::new(rules, &org_policy::POLICY_EVENTS)
                .hearing(settings.silence.is_some()),
            index: Index::new(Arc::clone(&pack), of_records),
            chains: Correlations::new(pack, &settings),
            memory: Memory::new(settings.memory),
            tapes: TapePool::default(),
            settings,
        })
    }

    /// Examines one event, which may stand on several lines.
    pub fn detect(&mut self, event: &[u8]) -> Result<Vec<Finding>, String> {
        let mut batch = Batch::default();
        let line = Line { number: 1, offset: 0, bytes: event, may_be_packed: true };
        match self.prefilter.document(event) {
            Verdict::Candidate => self.line(line, &mut batch),
            Verdict::Unreadable(reason) => return Err(reason.to_owned()),
            Verdict::Packed => return Err(envelope::PACKED.to_owned()),
            Verdict::Blank | Verdict::Foreign(..) | Verdict::Rejected(..) => {}
        }
        match batch.unreadable.into_iter().next() {
            // Of several records in one event the readable ones still count.
            Some(unreadable) if batch.findings.is_empty() => Err(unreadable.reason),
            _ => Ok(batch.findings.into_iter().map(|located| located.finding).collect()),
        }
    }

    /// Examines one event that is parsed already. What there is in it that cannot be read is passed over.
    pub fn detect_parsed(&mut self, event: Value<'_>) -> Vec<Finding> {
        let mut batch = Batch::default();
        if let Some(beat) = heartbeat::of(event) {
            let mut found = Vec::new();
            let Detector { settings, index, memory, .. } = self;
            heard(beat, settings, index, memory, &mut |finding| found.push(finding));
            return found;
        }
        self.examine(1, event.raw().as_bytes(), &mut batch, |reach, tapes, visit| {
            envelope::records(event, reach, tapes, visit);
        });
        batch.findings.into_iter().map(|located| located.finding).collect()
    }

    /// Whether [`detect`](Self::detect) may find anything in this event: a look at its bytes that is
    /// cheap in an interpreter. It neither reads nor writes memory.
    pub fn may_match(&self, event: &[u8]) -> bool {
        self.prefilter.may_match(event)
    }

    /// Examines newline-delimited events, in order.
    pub fn detect_batch(&mut self, events: &[u8]) -> Batch {
        let mut batch = Batch::default();
        let mut candidates = Vec::new();
        self.prefilter.lines(events, |line, verdict| {
            if batch.counts.count(line, verdict, &mut batch.unreadable) {
                candidates.push((batch.unreadable.len(), line));
            }
        });
        // Candidates may be unreadable too, and lines are reported in order.
        let mut framed = std::mem::take(&mut batch.unreadable).into_iter();
        let mut reported = 0;
        for (before, line) in candidates {
            batch.report(framed.by_ref().take(usize::saturating_sub(before, reported)));
            reported = before;
            self.line(line, &mut batch);
        }
        batch.report(framed);
        batch
    }

    /// The lines that any rule could match. Neither reads nor writes memory.
    pub fn screen(&self, events: &[u8]) -> Screened {
        let mut screened = Screened { are_plain: true, ..Screened::default() };
        let Screened { spans, counts, unreadable, are_plain } = &mut screened;
        self.prefilter.lines(events, |line, verdict| {
            let is_object = matches!(line.bytes, [b'{', .., b'}']);
            *are_plain &= is_object && !line.may_be_packed;
            if counts.count(line, verdict, unreadable) {
                spans.push(Span {
                    line: line.number,
                    offset: line.offset as u32,
                    length: line.bytes.len() as u32,
                });
            }
        });
        screened
    }

    /// The memory as bytes.
    pub fn save_state(&self) -> Vec<u8> {
        self.memory.save()
    }

    /// Adds another detector's memory, and gives the findings that this completes; of accounts that fell silent
    /// too, which an event that comes out of order does not look for. A memory alone completes nothing: one that
    /// is loaded is looked through at the next merge, which may be that of an empty one.
    pub fn merge_state(&mut self, state: &[u8]) -> Result<Vec<Finding>, StateError> {
        let Detector { settings, index, chains, memory, .. } = self;
        let saved = Saved::read(state)?;
        let is_loaded = memory.voices().iter().len() == 0;
        memory.merge(&saved);
        // The state may be from a time when they were on.
        let off = |rule: &&Rule| !is_on(rule, index.pack(), settings);
        let off =
            index.pack().rules.iter().filter(off).map(|rule| Digest128::of(&[&rule.about.id]));
        let off: BTreeSet<Digest128> = off.chain(chains_off(index.pack(), settings)).collect();
        let mut completed = Vec::new();
        chains.merge(&saved, |rule| !off.contains(&rule), settings, memory, &mut |finding| {
            completed.push(finding)
        });
        for finding in &mut completed {
            status::alert(finding, stage(finding, index.pack()), settings, memory);
        }
        if !is_loaded {
            fell_silent(settings, index, memory, &mut |finding| completed.push(finding));
        }
        Ok(completed)
    }

    /// The pack that it evaluates: that of the artifact, and those it was opened with.
    pub fn pack(&self) -> &Pack {
        self.index.pack()
    }

    /// The metadata of every public rule and chain that runs, in the order of their slugs.
    pub fn running(&self) -> Vec<&RuleMetadata> {
        let mut rules = self.pack().public();
        rules.retain(|about| self.settings.of_rule(&about.slug).mode != Mode::Off);
        rules
    }

    /// Counters and gauges: memory entries, evictions.
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        let mut counters = self.memory.entry_counts().to_vec();
        counters.push(("memory_evicted", self.memory.evicted()));
        counters
    }

    /// Examines a line that the prefilter let pass.
    fn line(&mut self, line: Line<'_>, batch: &mut Batch) {
        if let Some(beat) = heartbeat::read(line.bytes) {
            let place = Place { line: line.number, record: 0 };
            let Detector { settings, index, memory, .. } = self;
            let mut found = |finding| batch.findings.push(Located { place, finding });
            heard(beat, settings, index, memory, &mut found);
            return;
        }
        self.examine(line.number, line.bytes, batch, |reach, tapes, visit| {
            envelope::contents(line.bytes, reach, tapes, visit)
        });
    }

    /// Examines what `contents` visits, which stands in this line.
    fn examine(
        &mut self,
        line: u32,
        text: &[u8],
        batch: &mut Batch,
        contents: impl Fn(&Reach, &mut TapePool, Visit<'_>),
    ) {
        let mut place = Place { line, record: 0 };
        let Detector { settings, index, chains, memory, tapes, prefilter } = self;
        let names_wanted =
            |names: &[String]| names.iter().find(|name| prefilter.wants(name)).cloned();
        let mut foreign = Vec::new();
        let mut records = 0_u64;
        contents(&settings.reach, tapes, &mut |_, content| {
            match content {
                Content::Record(located) => {
                    count(&mut records, 1);
                    count(&mut batch.counts.events, 1);
                    count(&mut batch.counts.evaluated, 1);
                    batch.counts.of_form(located.origin.form, 1);
                    let mut found = |finding| batch.findings.push(Located { place, finding });
                    let of = (located.record, located.source, &located.origin);
                    let without_time =
                        evaluate_record(of, settings, index, chains, memory, &mut found);
                    count(&mut batch.counts.without_time, without_time.into());
                }
                Content::Foreign(names) => foreign.push((place, names_wanted(&names))),
                Content::Companion(companion) => batch.counts.foreign(Some(companion), 1),
                Content::Unreadable(reason) => {
                    count(&mut batch.counts.events, 1);
                    count(&mut batch.counts.unreadable, 1);
                    batch.report([Unreadable { place, reason }]);
                }
            }
            place.record = place.record.saturating_add(1);
        });
        if foreign.is_empty() {
            return;
        }
        let mut elsewhere = None;
        if records == 0 && !settings.reach.is_everywhere() {
            contents(&Reach::everywhere(), tapes, &mut |_, content| {
                foreign::look_elsewhere(content, prefilter, &mut elsewhere);
            });
        }
        let names_none = foreign.iter().all(|(_, named)| named.is_none());
        if records == 0 && elsewhere.is_none() && names_none {
            elsewhere = prefilter.mentions(text).map(foreign::no_record);
        }
        foreign::report(foreign, elsewhere, batch);
    }
}

/// Whether a rule runs: the settings turn off a public one by its slug, and an internal one with all the
/// chains that it feeds.
fn is_on(rule: &Rule, pack: &Pack, settings: &Settings) -> bool {
    let on = |slug: &str| settings.of_rule(slug).mode != Mode::Off;
    let feeds = |chain: &&Correlation| {
        let mut rules = chain.members.iter().flat_map(|member| &member.rules);
        rules.any(|fed| fed.slug == rule.about.slug)
    };
    let mut chains = pack.correlations.iter().filter(feeds).peekable();
    match rule.internal && chains.peek().is_some() {
        true => chains.any(|chain| on(&chain.about.slug)),
        false => on(&rule.about.slug),
    }
}

/// The keys in the memory of chains that the settings turn off: of what they fed other chains with.
fn chains_off(pack: &Pack, settings: &Settings) -> impl Iterator<Item = Digest128> {
    let abouts = pack.correlations.iter().map(|chain| &chain.about);
    let off = abouts.filter(|about| settings.of_rule(&about.slug).mode == Mode::Off);
    off.map(|about| Digest128::of(&[&about.id]))
}

/// A problem with the settings as a whole.
fn problem(problem: &str) -> Vec<Problem> {
    vec![Problem { path: String::new(), value: String::new(), problem: problem.into() }]
}
