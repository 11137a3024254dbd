//! The host's types of what a detector says.

#[path = "../../host-test/src/plugin/types.rs"]
#[allow(unused_imports)]
mod types;

use orgwatch::batch;

pub(crate) use types::{Counts, Description, Rule};

impl From<batch::Counts> for Counts {
    fn from(counts: batch::Counts) -> Self {
        Counts {
            lines: counts.lines,
            events: counts.events,
            rejected: counts.rejected,
            evaluated: counts.evaluated,
            unreadable: counts.unreadable,
            foreign: counts.foreign,
            notifications: counts.notifications,
            companions: counts.companions,
            ocsf: counts.ocsf,
            ecs: counts.ecs,
            query_rows: counts.query_rows,
            without_time: counts.without_time,
            trapped: 0,
        }
    }
}
