//! The scale of a timeline: the place of each moment on it.
//!
//! Attacks take minutes, and logs span years: time in which nothing was found is cut out where it
//! would leave no room for the rest. An event may claim any time, so one that is centuries off must
//! not make a dot of everything else either.

use time::Duration;

use super::time_format::{date, moment, utc};

/// The width of a timeline, in hundredths of a percent.
const WIDTH: i64 = 10_000;

/// The margin at both ends.
const MARGIN: i64 = 200;

/// The width of time that was cut out.
const GAP: i64 = 300;

/// The least width of a piece between gaps.
const NARROWEST: i64 = 400;

/// The most gaps that are cut out.
const MOST_GAPS: usize = 7;

/// A gap is at least so long, in seconds.
const SHORTEST_GAP: i64 = 3 * 3600;

/// The width of a character of a label, on a telephone and on a desk.
const CHARACTER: [i64; 2] = [230, 80];

/// The times that have a date: year 1 to year 9999.
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;

/// A place across the timeline, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct X(pub(super) i64);

impl std::fmt::Display for X {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}%", self.0 / 100, self.0 % 100)
    }
}

/// A stretch of time without a gap.
#[derive(Debug, Clone, Copy)]
struct Piece {
    from: i64,
    to: i64,
    left: i64,
    width: i64,
}

/// A moment that is named below the timeline.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tick {
    pub(super) x: X,
    pub(super) label: String,
    /// The side of its moment on which the label stands: `start`, `middle` or `end`.
    pub(super) anchor: &'static str,
    /// Only where there is more room than on a telephone.
    pub(super) wide: bool,
}

impl Tick {
    fn new(x: X, label: String, wide: bool) -> Self {
        let half = label.chars().count() as i64 * CHARACTER[usize::from(wide)] / 2;
        let anchor = match x.0 {
            x if x < half => "start",
            x if x > WIDTH - half => "end",
            _ => "middle",
        };
        Tick { x, label, anchor, wide }
    }

    /// From where to where its label reaches.
    fn reach(&self, character: i64) -> (i64, i64) {
        let width = self.label.chars().count() as i64 * character;
        match self.anchor {
            "start" => (self.x.0, self.x.0 + width),
            "end" => (self.x.0 - width, self.x.0),
            _ => (self.x.0 - width / 2, self.x.0 + width / 2),
        }
    }
}

/// Moments to places.
#[derive(Debug)]
pub(super) struct Scale(Vec<Piece>);

impl Scale {
    /// One on which all these moments have their places.
    pub(super) fn new(mut times: Vec<i64>) -> Self {
        for time in &mut times {
            *time = (*time).clamp(FIRST, LAST);
        }
        times.sort_unstable();
        times.dedup();
        let mut pieces: Vec<(i64, i64)> = Vec::new();
        let breaks = breaks(&times);
        for (index, time) in times.iter().enumerate() {
            match pieces.last_mut() {
                Some((_, to)) if !breaks.contains(&index) => *to = *time,
                _ => pieces.push((*time, *time)),
            }
        }
        Scale(laid_out(&pieces))
    }

    /// The place of a moment.
    pub(super) fn x(&self, time: i64) -> X {
        let piece = self.0.iter().rev().find(|piece| piece.from <= time).or(self.0.first());
        let Some(piece) = piece else { return X(WIDTH / 2) };
        let length = i128::from(piece.to) - i128::from(piece.from);
        if length == 0 {
            return X(piece.left + piece.width / 2);
        }
        let into = i128::from(time.clamp(piece.from, piece.to)) - i128::from(piece.from);
        X(piece.left + i64::try_from(into * i128::from(piece.width) / length).unwrap_or(0))
    }

    /// From where to where time was not cut out.
    pub(super) fn pieces(&self) -> Vec<(X, X)> {
        let ends = |piece: &Piece| (X(piece.left - GAP / 3), X(piece.left + piece.width + GAP / 3));
        self.0.iter().map(ends).collect()
    }

    /// Moments to name, as many as there is room for: of each piece first its start, by its date.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let many = self.0.len() > 1;
        let start = |(index, piece): (usize, &Piece)| {
            let label = &moment(piece.from)[..16];
            // The year and the hour of the first do for all, if need be.
            (
                piece.from,
                if !many { label } else { &label[if index > 0 { 5 } else { 0 }..10] }.to_owned(),
            )
        };
        let starts: Vec<_> = self.0.iter().enumerate().map(start).collect();
        let inner = self.0.iter().flat_map(Piece::labels);
        let labels: Vec<_> = starts.into_iter().chain(inner).collect();
        let mut ticks: Vec<Tick> = Vec::new();
        for wide in [false, true] {
            let character = CHARACTER[usize::from(wide)];
            for (time, label) in &labels {
                let tick = Tick::new(self.x(*time), label.clone(), wide);
                let (left, right) = tick.reach(character);
                let is_free = |other: &Tick| {
                    let (from, to) = other.reach(character);
                    right + character <= from || to + character <= left
                };
                if left >= 0 && right <= WIDTH && ticks.iter().all(is_free) {
                    ticks.push(tick);
                }
            }
        }
        ticks.sort_by_key(|tick| tick.x);
        ticks
    }
}

impl Piece {
    /// Moments in it that are worth naming, with their names: round ones.
    fn labels(&self) -> Vec<(i64, String)> {
        let mut labels = Vec::new();
        let most = (self.width / 900).max(1);
        let length = self.to - self.from;
        let steps = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, DAY];
        let days = [2, 7, 14].map(|days| days * DAY);
        let step = steps.into_iter().chain(days).find(|step| length / step <= most);
        let Some(step) = step else {
            return self.months(most);
        };
        let mut time = (self.from.div_euclid(step) + 1) * step;
        while time <= self.to {
            let label = match step {
                DAY.. => date(time)[5..].to_owned(),
                60.. => moment(time)[11..16].to_owned(),
                _ => moment(time)[11..].to_owned(),
            };
            labels.push((time, label));
            time += step;
        }
        labels
    }

    /// First days of months, or of years.
    fn months(&self, most: i64) -> Vec<(i64, String)> {
        let months = (self.to - self.from) / (30 * DAY);
        let steps = [1, 3, 6, 12, 24, 60, 120, 600, 1200];
        let step = steps.into_iter().find(|step| months / step <= most).unwrap_or(6000);
        let mut labels = Vec::new();
        let start = utc(self.from).date();
        let mut month = (i64::from(start.year()) * 12 + i64::from(u8::from(start.month())) - 1)
            .div_euclid(step)
            * step;
        loop {
            month += step;
            let year = i32::try_from(month.div_euclid(12)).unwrap_or(i32::MAX);
            let number = u8::try_from(month.rem_euclid(12) + 1).unwrap_or(1);
            let first = time::Month::try_from(number)
                .ok()
                .and_then(|month| time::Date::from_calendar_date(year, month, 1).ok());
            let Some(first) = first else { return labels };
            let time = first.midnight().assume_utc().unix_timestamp();
            if time > self.to {
                return labels;
            }
            labels.push((time, date(time)[..if step < 12 { 7 } else { 4 }].to_owned()));
        }
    }
}

const DAY: i64 = Duration::DAY.whole_seconds();

/// The moments, by their index, before which time is cut out: as few as leave a fifth of it, and
/// that again and again.
fn breaks(times: &[i64]) -> Vec<usize> {
    let gap = |index: usize| times[index] - times[index - 1];
    let mut gaps: Vec<usize> = (1..times.len()).collect();
    gaps.sort_by_key(|index| (std::cmp::Reverse(gap(*index)), *index));
    gaps.truncate(MOST_GAPS);
    gaps.retain(|index| gap(*index) >= SHORTEST_GAP);
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Vec::new() };
    let mut target = (last - first) / 5;
    let mut left = last - first;
    let mut cut = 0;
    for (index, at) in gaps.iter().enumerate() {
        left -= gap(*at);
        if left <= target {
            cut = index + 1;
            target = left / 5;
        }
    }
    gaps.truncate(cut);
    gaps
}

/// Gives every piece its room: by its length, but for what the narrowest need.
fn laid_out(pieces: &[(i64, i64)]) -> Vec<Piece> {
    let count = pieces.len() as i64;
    let free = WIDTH - 2 * MARGIN - (count - 1).max(0) * GAP - count * NARROWEST;
    let length = |(from, to): &(i64, i64)| i128::from(*to) - i128::from(*from);
    let all: i128 = pieces.iter().map(length).sum();
    let mut left = MARGIN;
    let mut laid_out = Vec::new();
    for piece in pieces {
        let share = match all {
            0 => free / count,
            _ => i64::try_from(i128::from(free) * length(piece) / all).unwrap_or(0),
        };
        let width = NARROWEST + share;
        laid_out.push(Piece { from: piece.0, to: piece.1, left, width });
        left += width + GAP;
    }
    laid_out
}

#[cfg(test)]
#[path = "scale_tests.rs"]
mod tests;
