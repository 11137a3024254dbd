//! The growth of cost with the pack, the share of interesting events, their size, batches and threads.

use std::fs;
use std::path::Path;
use std::thread;

use anyhow::Result;

use super::Bench;
use super::corpus::Corpus;
use super::measure::{Contender, Load, Row, interleave};
use super::table::Section;

/// A size at which growth shows, and less than the main corpus.
const ENOUGH: u64 = 64 << 20;

/// The native core with more and more rules, and rsigma with the same.
pub fn pack(bench: &Bench<'_>) -> Result<Vec<Section>> {
    let corpus = bench.corpus("main", &bench.main())?;
    let (mut core, mut others) = (Vec::new(), Vec::new());
    let mut missing = Vec::new();
    for rules in [1, 10, 100, 1000] {
        let mut command = bench.pass("native", &corpus);
        command.args(["--rules", &rules.to_string()]);
        let name = format!("native core, {rules} rules");
        core.push(Contender::timed(name, command, corpus.load()));
        let name = format!("rsigma, {rules} rules");
        match &bench.tools.rsigma {
            Ok(rsigma) => {
                let command = bench.rsigma(rsigma, Some(rules), &corpus.lines())?;
                others.push(Contender::new(name, command, corpus.load()));
            }
            Err(why) => missing.push(Row::missing(name, corpus.load(), why)),
        }
    }
    let mut rows = bench.run(core)?;
    rows.extend(bench.run(others)?);
    rows.extend(missing);
    Ok(vec![Section::new("pack size", rows)])
}

/// Both shapes on corpora with more and more that is interesting.
pub fn share(bench: &Bench<'_>) -> Result<Vec<Section>> {
    let shares = [("0.01%", 0.0001), ("1 in 600", 1.0 / 600.0), ("1%", 0.01), ("10%", 0.1)];
    let corpora = shares.into_iter().chain([("100%", 1.0)]).map(|(name, share)| {
        let mut options = bench.sized(bench.flags.size.0.min(ENOUGH));
        options.extend(["--share".into(), share.to_string()]);
        Ok((name.to_owned(), bench.corpus(&format!("share-{share:.4}"), &options)?))
    });
    both_shapes(bench, "interesting events", corpora.collect::<Result<_>>()?)
}

/// Both shapes on events that are longer and longer.
pub fn event_size(bench: &Bench<'_>) -> Result<Vec<Section>> {
    let sizes = [("1 KB", 1 << 10), ("10 KB", 10 << 10), ("100 KB", 100 << 10), ("1 MB", 1 << 20)];
    let corpora = sizes.into_iter().map(|(name, size)| {
        let mut options = bench.sized(bench.flags.size.0.min(ENOUGH).max(4 * size));
        options.extend(["--event-size".into(), size.to_string()]);
        Ok((name.to_owned(), bench.corpus(&format!("event-{size}"), &options)?))
    });
    both_shapes(bench, "event size", corpora.collect::<Result<_>>()?)
}

/// Both shapes with longer and longer batches; the shortest is one event a call.
pub fn batch(bench: &Bench<'_>) -> Result<Vec<Section>> {
    let corpus = bench.corpus("main", &bench.main())?;
    let sizes = [("one event", 1), ("16 KB", 16 << 10), ("256 KB", 256 << 10)];
    let sizes = sizes.into_iter().chain([("4 MB", 4 << 20), ("32 MB", 32 << 20)]);
    let sizes: Vec<(&str, u32)> = sizes.collect();
    let contenders = ["component", "native"].into_iter().flat_map(|shape| {
        let (corpus, sizes) = (&corpus, &sizes);
        sizes.iter().map(move |(name, size)| {
            let mut command = bench.pass(shape, corpus);
            command.args(["--batch", &size.to_string()]);
            Contender::timed(format!("{shape}, {name}"), command, corpus.load())
        })
    });
    Ok(vec![Section::new("batch size", bench.run(contenders.collect())?)])
}

/// The command with one thread after another, up to the machine's.
pub fn threads(bench: &Bench<'_>) -> Result<Vec<Section>> {
    let corpus = bench.corpus("main", &bench.main())?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let counts = || (0..).map(|power| 1 << power).take_while(|count| *count < cores).chain([cores]);
    let section = |title: &str, path: &Path| -> Result<Section> {
        let contenders = counts().map(|count| {
            let name =
                format!("orgwatch scan, {count} thread{}", if count == 1 { "" } else { "s" });
            Contender::new(name, bench.scan(count, path), corpus.load())
        });
        Ok(Section::new(title, bench.run(contenders.collect())?))
    };
    Ok(vec![
        section("threads, a plain file", &corpus.lines())?,
        section("threads, gzip objects", &corpus.objects())?,
    ])
}

/// From the start of the command to its end, with a file of one event in which there is a finding.
pub fn start(bench: &Bench<'_>) -> Result<Vec<Section>> {
    let incident = fs::read_to_string("samples/incident.ndjson")?;
    let event = incident.lines().find(|line| line.contains(r#""eventName":"LeaveOrganization""#));
    let file = bench.scratch("one.ndjson");
    fs::write(&file, event.unwrap_or_default())?;
    let load = Load { events: 1, bytes: fs::metadata(&file)?.len() };
    let mut contenders = vec![Contender::new("orgwatch scan", bench.scan(1, &file), load)];
    let mut rows = Vec::new();
    match &bench.tools.rsigma {
        Ok(rsigma) => {
            let command = bench.rsigma(rsigma, None, &file)?;
            contenders.push(Contender::new("rsigma", command, load));
        }
        Err(why) => rows.push(Row::missing("rsigma", load, why)),
    }
    // The first run may compile and keep what the others find.
    contenders[0].run(&bench.scratch("output"))?;
    let mut measured = bench.run(contenders)?;
    measured.append(&mut rows);
    Ok(vec![Section::new("start to end, one event", measured)])
}

fn both_shapes(
    bench: &Bench<'_>,
    title: &str,
    corpora: Vec<(String, Corpus)>,
) -> Result<Vec<Section>> {
    let contenders = ["component", "native"].into_iter().flat_map(|shape| {
        corpora.iter().map(move |(name, corpus)| {
            let command = bench.pass(shape, corpus);
            Contender::timed(format!("{shape}, {name}"), command, corpus.load())
        })
    });
    Ok(vec![Section::new(title, bench.run(contenders.collect())?)])
}

impl Bench<'_> {
    fn run(&self, mut contenders: Vec<Contender>) -> Result<Vec<Row>> {
        interleave(&mut contenders, self.runs(), &self.scratch("output"))
    }
}
