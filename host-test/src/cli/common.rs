//! Flags of every command that reads events.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::filter::FilterFlags;
use super::limits::LimitFlags;
use super::own_rules::OwnRulesFlags;
use super::size::Size;

/// The flags of every command that reads events.
#[derive(Debug, Args)]
pub(super) struct CommonFlags {
    /// Settings, as YAML or JSON: your management account, organization, whom you trust
    #[arg(long, value_name = "FILE")]
    pub(super) settings: Option<PathBuf>,

    /// Print no summary, and not which lines could not be read
    #[arg(short, long)]
    pub(super) quiet: bool,

    /// The most that one compressed file, or event, may decompress to, with K, M, G or T as powers
    /// of 1024
    ///
    /// Of a compressed stream, it is the most for each of its gzip members: the stream may go on for
    /// ever.
    #[arg(long, value_name = "SIZE", default_value = "4G")]
    pub(super) max_decompressed: Size,

    /// How many threads read and screen; the output is the same for any [default: one for each core, and one for
    /// files of 64 KiB in all]
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<NonZeroUsize>,

    #[command(flatten)]
    pub(super) filter: FilterFlags,

    #[command(flatten)]
    pub(super) own_rules: OwnRulesFlags,

    /// The component to load, instead of the one that comes with this program
    #[arg(long, value_name = "FILE")]
    pub(super) component: Option<PathBuf>,

    #[command(flatten)]
    pub(super) limits: LimitFlags,
}
