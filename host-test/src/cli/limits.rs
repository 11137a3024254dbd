//! The limits of the component: what it may take before it is ended.

use std::time::Duration;

use clap::Args;
use orgwatch_host::plugin::Options;

use super::size::Size;
use super::time::Time;

/// The limits of the component, where they are not the defaults.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct LimitFlags {
    /// How long opening the detector, saving and merging its memory may take [default: 30s]
    #[arg(long, value_name = "TIME", help_heading = "Limits of the detector")]
    pub(super) open_timeout: Option<Time>,

    /// How long examining one batch may take; the event that takes longer is named, and the others are
    /// examined [default: 10s]
    #[arg(long, value_name = "TIME", help_heading = "Limits of the detector")]
    pub(super) call_timeout: Option<Time>,

    /// The most memory of the detector [default: 1G]
    #[arg(long, value_name = "SIZE", help_heading = "Limits of the detector")]
    pub(super) max_memory: Option<Size>,

    /// The most findings of one call: a batch with more is examined in parts, and an event with more is
    /// named [default: 100000]
    #[arg(long, value_name = "NUMBER", help_heading = "Limits of the detector",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_findings: Option<u32>,
}

impl LimitFlags {
    /// Sets what is given.
    pub(super) fn set(&self, options: &mut Options) {
        let time = |given: Option<Time>, default: Duration| given.map_or(default, |time| time.0);
        options.open_deadline = time(self.open_timeout, options.open_deadline);
        options.call_deadline = time(self.call_timeout, options.call_deadline);
        let bytes = |size: Size| usize::try_from(size.0).unwrap_or(usize::MAX);
        options.max_memory = self.max_memory.map_or(options.max_memory, bytes);
        let most = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        options.max_findings = self.max_findings.map_or(options.max_findings, most);
    }
}
