//! Times, as people write them.

use std::str::FromStr;
use std::time::Duration;

/// A time, as `5s` or `1m 30s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(pub(super) Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let time = humantime::parse_duration(text)
            .map_err(|_| format!("{text:?} is no time: give one such as 5s or 500ms"))?;
        let allowed = Duration::from_millis(100)..=Duration::from_secs(3600);
        if !allowed.contains(&time) {
            return Err("from 100ms to 1h".into());
        }
        Ok(Time(time))
    }
}
