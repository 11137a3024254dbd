//! The names of incidents, which are digests.

use time::Date;

use crate::digest::Digest128;
use crate::finding::SmolStr;

/// The names of incidents that were asked for last: a flood is of few accounts and days.
#[derive(Debug, Clone, Default)]
pub struct IncidentNames(Vec<Option<(SmolStr, Option<Date>, Digest128)>>);

impl IncidentNames {
    /// About the accounts of an organization on one day, in 20 KB.
    const MOST: usize = 256;

    /// The name of the incident of an account, or what stands for one, on a day.
    pub fn of(&mut self, key: &str, date: Option<Date>) -> Digest128 {
        self.0.resize(Self::MOST, None);
        // Those that fall together only push each other out.
        let day = date.map_or(0, Date::to_julian_day) as usize;
        let place = key.bytes().fold(day, |sum, byte| sum.wrapping_mul(31) ^ usize::from(byte));
        let known = self.0.get_mut(place % Self::MOST);
        if let Some(Some((of, on, name))) = &known
            && *of == key
            && *on == date
        {
            return *name;
        }
        let text = date.map_or_else(|| UNKNOWN.to_owned(), day_text);
        let name = Digest128::of(&["incident", key, &text]);
        // A longer key is no account, and takes room.
        if let Some(known) = known.filter(|_| key.len() <= LONGEST_KEY) {
            *known = Some((key.into(), date, name));
        }
        name
    }
}

/// The longest key that is kept: the longest id of an organization.
const LONGEST_KEY: usize = 34;

/// In place of a day, for a finding without a time that can be read.
const UNKNOWN: &str = "unknown";

fn day_text(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_name_is_the_same_as_a_new_one() {
        let mut known = IncidentNames::default();
        let days = (0..40).map(|day| Date::from_julian_day(2_461_000 + day).ok());
        for day in days.chain([None]) {
            for account in 0..40 {
                let account = ["1".repeat(account), format!("{account:012}")].concat();
                let new = IncidentNames::default().of(&account, day);
                assert_eq!((known.of(&account, day), known.of(&account, day)), (new, new));
            }
        }
    }
}
