//! Data of attacks, in which many events are candidates: whole commands on a plain file.

use std::fs;

use anyhow::{Context, Result};

use super::Bench;
use super::measure::{Contender, Load, Row, interleave};
use super::table::Section;

/// The title of what is made; that of given events begins so, too.
pub const TITLE: &str = "attack data";

/// One in so many is interesting in the corpus.
const ONE_IN: f64 = 35.0;

/// As much is enough, and rsigma is slow.
const SIZE: u64 = 64 << 20;

/// The corpus, and the events that are given, repeated: then most findings were given before.
pub fn data(bench: &Bench<'_>) -> Result<Vec<Section>> {
    let size = bench.flags.size.0.min(SIZE);
    let mut options = bench.sized(size);
    options.extend(["--share".into(), (1.0 / ONE_IN).to_string()]);
    let corpus = bench.corpus("attack", &options)?;
    let mut files = vec![(TITLE.to_owned(), corpus.lines(), corpus.load())];
    for events in &bench.flags.events {
        let once = fs::read(events).with_context(|| format!("cannot read {}", events.display()))?;
        let name = events.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let times = (size as usize / once.len().max(1)).max(1);
        let all = once.repeat(times);
        let file = bench.scratch(&format!("{name}.ndjson"));
        fs::write(&file, &all)?;
        let lines = all.iter().filter(|byte| **byte == b'\n').count();
        let load = Load { events: lines as u64, bytes: all.len() as u64 };
        files.push((format!("{TITLE}: {name}"), file, load));
    }
    let mut sections = Vec::new();
    for (title, file, load) in files {
        let mut contenders = vec![Contender::new("orgwatch scan", bench.scan(1, &file), load)];
        let mut missing = Vec::new();
        match &bench.tools.rsigma {
            Ok(rsigma) => {
                let command = bench.rsigma(rsigma, None, &file)?;
                contenders.push(Contender::new("rsigma, the same rules", command, load));
            }
            Err(why) => missing.push(Row::missing("rsigma, the same rules", load, why)),
        }
        let mut rows = interleave(&mut contenders, bench.runs(), &bench.scratch("output"))?;
        rows.append(&mut missing);
        sections.push(Section::new(title, rows));
    }
    Ok(sections)
}
