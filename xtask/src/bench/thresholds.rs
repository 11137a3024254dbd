//! The speeds that orgwatch aims at, as ratios within one run.

use serde::Serialize;

use super::measure::{Row, Waits, median};
use super::table::{Section, growth, seconds};
use super::{attack, fluent_bit, hostile, latency, vector};

/// An aim, and what was measured.
#[derive(Debug, Serialize)]
pub struct Aim {
    /// The aim, in words.
    pub aim: String,
    /// By wall time and by processor time; none if there is nothing to set it against.
    pub measured: Option<[f64; 2]>,
    /// Whether both reach it.
    pub holds: Option<bool>,
    shown: String,
}

/// The aims that these sections say something of.
pub fn of(sections: &[Section]) -> Vec<Aim> {
    let mut aims = Vec::new();
    for (section, other, least) in [
        ("a plain file", "rg -c of one literal", 0.5),
        ("gzip objects", "decompressing alone", 0.7),
        ("a plain file", "rsigma, the same rules", 30.0),
        (attack::TITLE, "rsigma, the same rules", 20.0),
    ] {
        let Some(section) = sections.iter().find(|one| one.title == section) else { continue };
        let Some(other) = section.rows.iter().find(|row| row.name == other) else { continue };
        aims.push(ratio(&section.rows[section.ours], other, least));
    }
    for (title, _) in fluent_bit::SHARES {
        if let Some(section) = sections.iter().find(|one| one.title == title)
            && let [none, tap, annotate, lua, _] = &section.rows[..]
        {
            aims.push(at_most(title, tap, none, 1.2));
            aims.push(at_most(title, annotate, lua, 1.0));
        }
    }
    if let Some(section) = sections.iter().find(|one| one.title == vector::TITLE)
        && let [alone, tap, at_tap, annotate, annotating] = &section.rows[..]
    {
        aims.push(as_many(tap, alone, 0.95));
        // 25,000 events a second where it is 58,000 alone.
        aims.push(as_many(annotate, alone, 0.43));
        aims.push(share(at_tap, tap, 0.1));
        aims.push(share(annotating, annotate, 0.1));
    }
    let waits = sections.iter().flat_map(|section| &section.waits);
    if let Some(added) = waits.into_iter().find(|waits| waits.name == latency::ADDED) {
        aims.push(within(added, 0.005));
    }
    let start = sections.iter().find(|one| one.title == "start to end, one event");
    if let Some(ours) = start.map(|section| &section.rows[section.ours]) {
        aims.push(time(ours, 0.005));
    }
    if let Some(section) = sections.iter().find(|one| one.title == hostile::TITLE) {
        aims.push(linear(section));
    }
    aims
}

/// The growth of the worst of all works.
fn linear(section: &Section) -> Aim {
    // One MiB stays in the processor's caches. The square of the size would be 16.
    const MOST: f64 = 2.0;
    let over = |rows: &[Row]| growth(rows).map(|(time, size)| (time / size, rows[0].name.clone()));
    let worst = section.growths().filter_map(over).max_by(|one, other| one.0.total_cmp(&other.0));
    Aim {
        aim: format!("{}: time grows at most {MOST} times as much as size", section.title),
        measured: worst.as_ref().map(|(over, _)| [*over; 2]),
        holds: worst.as_ref().map(|(over, _)| *over <= MOST),
        shown: worst.map_or("nothing measured".to_owned(), |(over, name)| {
            format!("{over:.2} by processor time ({name})")
        }),
    }
}

fn ratio(ours: &Row, other: &Row, least: f64) -> Aim {
    let over = |ours: Option<f64>, theirs: Option<f64>| Some(theirs? / ours?);
    let measured = over(ours.wall(), other.wall()).zip(over(ours.cpu(), other.cpu()));
    let shown = measured.map_or("nothing to compare".to_owned(), |(wall, cpu)| {
        format!("{wall:.2} by wall time, {cpu:.2} by processor time")
    });
    Aim {
        aim: format!("{} at least {least} times as fast as {}", ours.name, other.name),
        measured: measured.map(<[f64; 2]>::from),
        holds: measured.map(|(wall, cpu)| wall >= least && cpu >= least),
        shown,
    }
}

/// By processor time alone: routers wait for timers most of the time.
fn at_most(title: &str, ours: &Row, other: &Row, most: f64) -> Aim {
    let measured = ours.cpu().zip(other.cpu()).map(|(ours, other)| ours / other);
    let shown = measured
        .map_or("nothing to compare".to_owned(), |times| format!("{times:.2} times as much"));
    Aim {
        aim: format!("{title}: {} at most {most} times the user time of {}", ours.name, other.name),
        measured: measured.map(|times| [times, times]),
        holds: measured.map(|times| times <= most),
        shown,
    }
}

/// By wall time alone: how much of it the processors work says no more of a pipeline's speed.
fn as_many(ours: &Row, other: &Row, least: f64) -> Aim {
    let measured = ours.wall().zip(other.wall()).map(|(ours, other)| other / ours);
    let shown = measured.map_or("nothing to compare".to_owned(), |ratio| format!("{ratio:.2}"));
    Aim {
        aim: format!("{} at least {least} times the events/s of {}", ours.name, other.name),
        measured: measured.map(|ratio| [ratio, ratio]),
        holds: measured.map(|ratio| ratio >= least),
        shown,
    }
}

/// By processor time, the kernel's part included and without it.
fn share(ours: &Row, other: &Row, most: f64) -> Aim {
    let user = |row: &Row| median(row.samples.iter().filter_map(|sample| sample.user));
    let over = |ours: Option<f64>, theirs: Option<f64>| Some(ours? / theirs?);
    let measured = over(ours.cpu(), other.cpu()).zip(over(user(ours), user(other)));
    let shown = measured.map_or("nothing to compare".to_owned(), |(cpu, user)| {
        format!("{cpu:.3} of processor time, {user:.3} of user time")
    });
    Aim {
        aim: format!("{} at most {most} times the processor time of {}", ours.name, other.name),
        measured: measured.map(<[f64; 2]>::from),
        holds: measured.map(|(cpu, _)| cpu <= most),
        shown,
    }
}

fn within(waits: &Waits, most: f64) -> Aim {
    let [.., last] = waits.percentiles;
    Aim {
        aim: format!("99.9% of batches: {} under {}", waits.name, seconds(most)),
        measured: Some([last, last]),
        holds: Some(last < most),
        shown: seconds(last),
    }
}

fn time(ours: &Row, most: f64) -> Aim {
    let measured = ours.wall().zip(ours.cpu());
    let shown = measured.map_or("not measured".to_owned(), |(wall, cpu)| {
        format!("{} of wall time, {} of processor time", seconds(wall), seconds(cpu))
    });
    Aim {
        aim: format!("start to finding in one small file under {}", seconds(most)),
        measured: measured.map(<[f64; 2]>::from),
        holds: measured.map(|(wall, _)| wall < most),
        shown,
    }
}

impl Aim {
    /// The line of the table for it.
    pub fn line(&self) -> String {
        let verdict = match self.holds {
            Some(true) => "reached",
            Some(false) => "MISSED ",
            None => "unknown",
        };
        format!("{verdict}  {}: {}", self.aim, self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::{Load, Sample};
    use super::*;

    fn row(name: &str, times: &[f64]) -> Row {
        let sample = |&wall| Sample { wall, cpu: wall / 2.0, user: None, memory: None };
        let mut row = Row::missing(name, Load { events: 1, bytes: 1 }, "");
        row.missing = None;
        row.samples = times.iter().map(sample).collect();
        row
    }

    #[test]
    fn an_aim_is_reached_by_both_times_or_missed() {
        let rows = vec![row("orgwatch scan", &[1.0]), row("decompressing alone", &[0.7])];
        let aims = of(&[Section::new("gzip objects", rows)]);
        assert_eq!(
            aims[0].line(),
            "reached  orgwatch scan at least 0.7 times as fast as decompressing alone: \
             0.70 by wall time, 0.70 by processor time"
        );
        let rows = vec![row("orgwatch scan", &[1.0]), row("rg -c of one literal", &[0.2])];
        assert_eq!(of(&[Section::new("a plain file", rows)])[0].holds, Some(false));
    }

    #[test]
    fn what_is_missing_is_neither() {
        let rows = vec![row("orgwatch scan", &[1.0]), row("rsigma, the same rules", &[])];
        let aims = of(&[Section::new("a plain file", rows)]);
        assert_eq!((aims[0].holds, &aims[0].shown[..]), (None, "nothing to compare"));
        assert!(of(&[]).is_empty());
    }

    #[test]
    fn starting_is_a_time() {
        let start = |time| of(&[Section::new("start to end, one event", vec![row("a", &[time])])]);
        assert_eq!(start(0.004)[0].holds, Some(true));
        assert_eq!(start(0.01)[0].holds, Some(false));
    }
}
