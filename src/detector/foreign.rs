//! What an event holds that is no record: it must not look as if it were nothing where it names a wanted event.

use crate::batch::{Batch, Place, Unreadable, count};
use crate::envelope::{Content, Origin};
use crate::prefilter::Prefilter;
use crate::text::shortened;

/// What is no record, by its place, with the event that it names if rules want that.
pub(super) type Foreign = Vec<(Place, Option<String>)>;

/// Finds the reason why a wanted event that stands anywhere at all in what was visited was not examined.
pub(super) fn look_elsewhere(
    content: Content<'_>,
    prefilter: &Prefilter,
    reason: &mut Option<String>,
) {
    match content {
        Content::Record(located) => {
            let name = located.record.get("eventName").and_then(|name| name.text());
            if let Some(name) = name.filter(|name| prefilter.wants(name)) {
                reason.get_or_insert_with(|| not_looked_for(&name, &located.origin));
            }
        }
        Content::Foreign(names) if reason.is_none() => {
            *reason = names.iter().find(|name| prefilter.wants(name)).map(|name| no_record(name));
        }
        _ => {}
    }
}

/// Reports what names a wanted event, with this reason for the first if there is one, and counts the rest.
pub(super) fn report(foreign: Foreign, mut reason: Option<String>, batch: &mut Batch) {
    for (place, named) in foreign {
        match reason.take().or_else(|| named.map(|name| no_record(&name))) {
            Some(reason) => {
                count(&mut batch.counts.events, 1);
                count(&mut batch.counts.unreadable, 1);
                batch.report([Unreadable { place, reason }]);
            }
            None => batch.counts.foreign(None, 1),
        }
    }
}

/// The reason for a record that stands where none is looked for.
fn not_looked_for(name: &str, origin: &Origin) -> String {
    let path = shortened(&origin.path().unwrap_or_default(), 200).into_owned();
    let name = shortened(name, 100).into_owned();
    format!(
        "{name} stands under `{path}`, where no record is looked for: `record_at: [{path}]` in the settings adds that"
    )
}

/// The reason for something that names an event that a rule wants and is no record.
pub(super) fn no_record(name: &str) -> String {
    format!("it names {} and is no CloudTrail record", shortened(name, 100))
}
