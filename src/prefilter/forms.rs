//! How records name their events in other forms than CloudTrail's, and what looks like a record and is none.

use memchr::memmem::{self, Finder};

use crate::envelope::{Companion, Form};

/// Searches for keys that name events, and for what tells that they do.
#[derive(Debug)]
pub(super) struct FormKeys {
    /// `event.action`, `api.operation`, and `eventName` as a column.
    keys: [(Finder<'static>, Finder<'static>, Form); 5],
    /// The cells of Athena's results, which have no keys.
    cell: Finder<'static>,
}

/// A shorter line is no record in another form, nor packed, nor a companion that names itself.
pub(super) const SHORTEST: usize = 24;

/// How lines of nothing but CloudTrail's own records begin: no key of another form can stand in them.
const PLAIN: [&[u8]; 4] = [
    b"{\"eventVersion\":",
    b"{\"Records\":[{\"eventVersion\":",
    b"{\"message\":\"{\\\"eventVersion\\\":",
    b"{\"log\":\"{\\\"eventVersion\\\":",
];

/// What was found of other forms.
pub(super) struct Named {
    /// A rule may want one of them.
    pub(super) wanted: bool,
    /// A key that may name one is there, whether or not the line looks like the form that has it.
    pub(super) any: bool,
    /// How many there are, and in which form.
    pub(super) events: Option<(Form, u64)>,
}

impl FormKeys {
    pub(super) fn new() -> Self {
        let finder = |text: &'static str| Finder::new(text.as_bytes());
        FormKeys {
            keys: [
                (finder("operation"), finder("class_uid"), Form::Ocsf),
                (finder("action"), finder("cloudtrail"), Form::Ecs),
                (finder("eventname"), finder("eventsource"), Form::Row),
                (finder("EVENTNAME"), finder("EVENTSOURCE"), Form::Row),
                (finder("EventName"), finder("EventSource"), Form::Row),
            ],
            cell: finder("VarCharValue"),
        }
    }

    /// Looks for events that are named in other forms, in a line that is not [plain](is_plain).
    pub(super) fn look(&self, line: &[u8], wants: impl Fn(&[u8]) -> bool) -> Named {
        let mut named = Named { wanted: false, any: false, events: None };
        for (key, marker, form) in &self.keys {
            let mut events = 0_u64;
            for at in key.find_iter(line) {
                events = events.saturating_add(1);
                let rest = line.get(at.saturating_add(key.needle().len())..).unwrap_or_default();
                named.wanted |= wants(rest);
            }
            named.any |= events > 0;
            if events > 0 && named.events.is_none() && marker.find(line).is_some() {
                named.events = Some((*form, events));
            }
        }
        named.wanted |= self.cell.find(line).is_some();
        named
    }
}

/// Whether a line begins as lines of CloudTrail's own records do.
pub(super) fn is_plain(line: &[u8]) -> bool {
    PLAIN.iter().any(|plain| line.starts_with(plain))
}

/// Whether a line is packed data, which a host has to unpack.
pub(super) fn is_packed(line: &[u8]) -> bool {
    if line.len() < SHORTEST {
        return false;
    }
    let has = |text: &str| memmem::find(line, text.as_bytes()).is_some();
    has("\"awslogs\"") || has("\"data\"") && (has("\"kinesis\"") || has("\"records\""))
}

/// The companion of CloudTrail's records that a line is which names no event.
pub(super) fn companion(line: &[u8]) -> Option<Companion> {
    let without_blanks = || line.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    if without_blanks().take(16).eq(*b"{\"Records\":[]}") {
        return Some(Companion::Empty);
    }
    if line.len() < SHORTEST {
        return None;
    }
    let has =
        |texts: &[&str]| texts.iter().any(|text| memmem::find(line, text.as_bytes()).is_some());
    if has(&["s3ObjectKey", "s3:TestEvent", "\"Object Created\"", "CloudTrail validation message"])
    {
        return Some(Companion::Notification);
    }
    if has(&["\"digestS3Bucket\""]) {
        return Some(Companion::Digest);
    }
    has(&["\"name\":\"orgwatch\"", "\"name\": \"orgwatch\""]).then_some(Companion::Finding)
}
