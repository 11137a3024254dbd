//! One event from top to bottom: prefilter, envelope, record, rules, memory, finding.

use crate::baked::baked;
use crate::chains::Chains;
use crate::envelope::{self, Content, Tapes, Visit};
use crate::finding::{Finding, Status};
use crate::json::{Fields, Value};
use crate::memory::{EventKey, Given, Memory, StateError};
use crate::prefilter::{Line, Prefilter, Verdict};
use crate::record::{Record, Unfolded, rfc3339};
use crate::rules::{self, Context, Index, Known, Pack, Rule};
use crate::settings::{Mode, Problem, Settings};

/// How many unreadable events a batch names; all are counted.
pub const MAX_UNREADABLE: usize = 100;

/// Where in a batch something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The record inside that line, from 0.
    pub record: u32,
}

/// A finding and where its event was.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// Where.
    pub place: Place,
    /// What.
    pub finding: Finding,
}

/// An event that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Where.
    pub place: Place,
    /// Why.
    pub reason: String,
}

/// What became of a batch. `events` is the sum of the four after it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines, blank ones too.
    pub lines: u64,
    /// Records, and whatever stood where a record should.
    pub events: u64,
    /// Rejected by the prefilter: no rule names such an event. The records of a rejected document
    /// are counted by their `eventName` keys.
    pub rejected: u64,
    /// Looked at by the rules.
    pub evaluated: u64,
    /// Not readable.
    pub unreadable: u64,
    /// JSON that is not CloudTrail.
    pub foreign: u64,
}

/// What [`Detector::detect_batch`] found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// The findings, in the order of their events.
    pub findings: Vec<Located>,
    /// What became of the events.
    pub counts: Counts,
    /// The first [`MAX_UNREADABLE`] that could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// A line that may match: its number from 1, and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Span {
    pub line: u32,
    pub offset: u32,
    pub length: u32,
}

/// What [`Detector::screen`] saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Screened {
    /// The lines that any rule could match.
    pub spans: Vec<Span>,
    /// What became of the other events.
    pub counts: Counts,
    /// The first [`MAX_UNREADABLE`] that could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// Examines events and remembers what it must.
#[derive(Debug)]
pub struct Detector {
    pack: &'static Pack,
    settings: Settings,
    index: Index,
    chains: Chains,
    prefilter: Prefilter,
    memory: Memory,
    tapes: Tapes,
}

impl Detector {
    /// Opens a detector with settings as JSON. `{}` or nothing means those that are
    /// [baked](crate::baked) into the artifact, and the defaults where none are.
    pub fn open(settings: &str) -> Result<Detector, Vec<Problem>> {
        match baked() {
            ([], _) if settings.trim().is_empty() => Self::new("{}"),
            ([], _) => Self::new(settings),
            (own, state) if matches!(settings.trim(), "" | "{}") => {
                let own = std::str::from_utf8(own).map_err(|_| problem("baked: not UTF-8"))?;
                let mut detector = Self::new(own)?;
                if !state.is_empty() {
                    let load = detector.merge_state(state);
                    load.map_err(|error| problem(&format!("baked: {error}")))?;
                }
                Ok(detector)
            }
            _ => Err(problem("settings are baked into this artifact: it takes no others")),
        }
    }

    fn new(settings: &str) -> Result<Detector, Vec<Problem>> {
        Self::with_pack(rules::pack(), settings)
    }

    /// Opens a detector that evaluates another pack than the one that comes with it. Settings as JSON
    /// still know rules by the slugs of that one.
    pub fn with_pack(pack: &'static Pack, settings: &str) -> Result<Detector, Vec<Problem>> {
        let settings = Settings::from_json(settings)?;
        let on = |rule: &&Rule| settings.of_rule(&rule.about.slug).mode != Mode::Off;
        let rules: Vec<&'static Rule> = pack.rules.iter().filter(on).collect();
        let chains = Chains::new(pack, &settings);
        Ok(Detector {
            index: Index::new(&rules),
            prefilter: Prefilter::new(rules.iter().map(|rule| rule.event_names.as_slice())),
            memory: Memory::new(settings.memory, horizon(&chains, &settings)),
            chains,
            tapes: Tapes::default(),
            settings,
            pack,
        })
    }

    /// Examines one event, which may stand on several lines.
    pub fn detect(&mut self, event: &[u8]) -> Result<Vec<Finding>, String> {
        let mut batch = Batch::default();
        let line = Line { number: 1, offset: 0, bytes: event };
        match self.prefilter.document(event) {
            Verdict::Candidate => self.line(line, &mut batch),
            Verdict::Unreadable(reason) => return Err(reason.to_owned()),
            Verdict::Blank | Verdict::Foreign | Verdict::Rejected(_) => {}
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
        self.examine(1, &mut batch, |tapes, visit| envelope::records(event, 0, tapes, visit));
        batch.findings.into_iter().map(|located| located.finding).collect()
    }

    /// Whether [`detect`](Self::detect) may find anything in this event: a look at its bytes that is
    /// cheap in an interpreter. It neither reads nor writes memory.
    pub fn glance(&self, event: &[u8]) -> bool {
        self.prefilter.glance(event)
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
        let framed = std::mem::take(&mut batch.unreadable);
        let mut reported = 0;
        for (before, line) in candidates {
            batch.report(&framed[reported..before]);
            reported = before;
            self.line(line, &mut batch);
        }
        batch.report(&framed[reported..]);
        batch
    }

    /// The lines that any rule could match. Neither reads nor writes memory.
    pub fn screen(&self, events: &[u8]) -> Screened {
        let mut screened = Screened::default();
        let Screened { spans, counts, unreadable } = &mut screened;
        self.prefilter.lines(events, |line, verdict| {
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

    /// Adds another detector's memory, and gives the findings that this completes.
    pub fn merge_state(&mut self, state: &[u8]) -> Result<Vec<Finding>, StateError> {
        let Detector { pack, settings, chains, memory, .. } = self;
        let mut other = Memory::load(state, settings.memory, horizon(chains, settings))?;
        // The state may be from a time when they were on.
        let off = |rule: &&Rule| settings.of_rule(&rule.about.slug).mode == Mode::Off;
        for rule in pack.rules.iter().filter(off) {
            other.drop_steps(EventKey::of(&[&rule.about.id]));
        }
        let (own, theirs) = (memory.steps().clone(), other.steps().clone());
        memory.merge(other);
        let mut completed = Vec::new();
        chains.merged(&own, &theirs, settings, memory, &mut |finding| completed.push(finding));
        Ok(completed)
    }

    /// Counters and gauges: memory entries, evictions.
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        let mut counters = self.memory.sizes().to_vec();
        counters.push(("memory_evicted", self.memory.evicted()));
        counters
    }

    /// Examines a line that the prefilter let pass.
    fn line(&mut self, line: Line<'_>, batch: &mut Batch) {
        self.examine(line.number, batch, |tapes, visit| {
            envelope::contents(line.bytes, tapes, visit)
        });
    }

    /// Examines what `contents` visits, which stands in this line.
    fn examine(
        &mut self,
        line: u32,
        batch: &mut Batch,
        contents: impl FnOnce(&mut Tapes, Visit<'_>),
    ) {
        let mut place = Place { line, record: 0 };
        let Detector { settings, index, chains, memory, tapes, .. } = self;
        contents(tapes, &mut |_, content| {
            batch.counts.events += 1;
            match content {
                Content::Record(value) => {
                    batch.counts.evaluated += 1;
                    judge(value, settings, index, chains, memory, &mut |finding| {
                        batch.findings.push(Located { place, finding });
                    });
                }
                Content::Foreign => batch.counts.foreign += 1,
                Content::Unreadable(reason) => {
                    batch.counts.unreadable += 1;
                    batch.report(&[Unreadable { place, reason }]);
                }
            }
            place.record += 1;
        });
    }
}

/// A problem with the settings as a whole.
fn problem(problem: &str) -> Vec<Problem> {
    vec![Problem { path: String::new(), value: String::new(), problem: problem.into() }]
}

/// For how long behind the newest event steps are kept, in seconds.
fn horizon(chains: &Chains, settings: &Settings) -> i64 {
    chains.longest().saturating_add(settings.late)
}

/// Runs the rules over one record.
fn judge(
    record: Value<'_>,
    settings: &Settings,
    index: &Index,
    chains: &Chains,
    memory: &mut Memory,
    found: &mut dyn FnMut(Finding),
) {
    let name = record.get("eventName").and_then(|name| name.text());
    let wanting = index.wanting(&name.unwrap_or_default());
    if wanting.is_empty() {
        // It leaves no trace in the memory, whatever it came with.
        return;
    }
    let fields = Fields::of(record);
    let unfolded = Unfolded::of(&fields);
    let context = &Context::new(Record::new(&fields, &unfolded), settings, memory);
    for &Known { rule, key } in wanting {
        if !rules::matches(rule, context) {
            continue;
        }
        let facts = context.facts();
        let given = Given { time: facts.time.unwrap_or(i64::MIN), event: facts.key, rule: key };
        // A repeated event gives what it gave, so that a batch that failed downstream loses nothing.
        if !memory.was_given(&given) && !is_new(rule, context, memory) {
            continue;
        }
        let mut finding = rules::finding(rule, context);
        finding.repeat = memory.give(given);
        learn(&mut finding, rule, context);
        let mut completed = Vec::new();
        if facts.time.is_some() {
            chains.advance(&finding, given, context, memory, &mut |chain| completed.push(chain));
        }
        if !rule.internal {
            found(finding);
        }
        completed.into_iter().for_each(&mut *found);
    }
}

/// Marks a finding of new terms while the settings have them learned.
fn learn(finding: &mut Finding, rule: &Rule, context: &Context<'_>) {
    let (time, until) = (context.facts().time, context.settings.learning_until);
    let learning = rule.new_terms.is_some() && until.is_some() && time < until;
    if learning && finding.status == Status::New {
        finding.status = Status::Learning;
        finding.status_reason =
            until.and_then(rfc3339).map(|until| format!("learning until {until}"));
    }
}

/// Whether the terms of a rule that looks for new ones are new; true for every other rule.
fn is_new(rule: &Rule, context: &Context<'_>, memory: &mut Memory) -> bool {
    let Some(terms) = &rule.new_terms else {
        return true;
    };
    // Without a time there is no window: better a finding too many.
    let Some(time) = context.facts().time else {
        return true;
    };
    let values: Vec<_> =
        terms.fields.iter().map(|field| context.text(field).unwrap_or_default()).collect();
    let window = terms.window.to_string();
    let mut parts = vec![rule.about.id.as_str(), &window];
    parts.extend(values.iter().map(|value| value.as_ref()));
    !memory.see(EventKey::of(&parts), time, terms.window)
}

impl Batch {
    fn report(&mut self, unreadable: &[Unreadable]) {
        let room = MAX_UNREADABLE.saturating_sub(self.unreadable.len());
        self.unreadable.extend(unreadable.iter().take(room).cloned());
    }
}

impl Counts {
    /// Counts a line; says whether it is a candidate, whose records are counted when it is read.
    fn count(
        &mut self,
        line: Line<'_>,
        verdict: Verdict,
        unreadable: &mut Vec<Unreadable>,
    ) -> bool {
        self.lines += 1;
        match verdict {
            Verdict::Blank => return false,
            Verdict::Candidate => return true,
            Verdict::Rejected(events) => {
                self.events += events;
                self.rejected += events;
                return false;
            }
            Verdict::Foreign => self.foreign += 1,
            Verdict::Unreadable(reason) => {
                self.unreadable += 1;
                if unreadable.len() < MAX_UNREADABLE {
                    let place = Place { line: line.number, record: 0 };
                    unreadable.push(Unreadable { place, reason: reason.to_owned() });
                }
            }
        }
        self.events += 1;
        false
    }
}
