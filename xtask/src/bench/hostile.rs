//! Input made to take long: time against size, which must grow together.

use std::process::Command;

use anyhow::Result;

use super::Bench;
use super::measure::{Contender, Load, interleave};
use super::table::Section;
use crate::process::output;

/// The sizes, in MiB.
pub const SIZES: [u64; 5] = [1, 2, 4, 8, 16];

/// The title of the section.
pub const TITLE: &str = "hostile input, component";

/// Every case in every size, in the component.
pub fn cases(bench: &Bench<'_>) -> Result<Vec<Section>> {
    let command = || {
        let mut command = Command::new(bench.workspace.bench());
        command.args(["hostile", "component"]).env("ORGWATCH_CACHE_DIR", bench.cache());
        command
    };
    let mut contenders = Vec::new();
    for case in output(&mut command())?.lines() {
        for size in SIZES {
            let bytes = size << 20;
            let mut command = command();
            command.args([case, "--size", &bytes.to_string()]);
            contenders.push(Contender::timed(case, command, Load { events: 1, bytes }));
        }
    }
    let rows = interleave(&mut contenders, bench.runs(), &bench.scratch("output"))?;
    Ok(vec![Section { sizes: SIZES.len(), ..Section::new(TITLE, rows) }])
}
