//! The contenders of each comparison: in memory, on a plain file, on compressed objects.

use std::process::Command;

use anyhow::Result;

use super::Bench;
use super::check_results::Finds;
use super::corpus::Corpus;
use super::measure::{Contender, Load};

/// A literal that is rare in any trail.
const LITERAL: &str = "LeaveOrganization";

/// One rule of the pack as a query: `member-left-organization`. The whole pack would be long, and slower.
const JQ: &str = r#"select(.eventSource == "organizations.amazonaws.com"
  and .eventName == "LeaveOrganization" and .errorCode == null and .errorMessage == null) | .eventID"#;

const DUCKDB: &str = r#"
import duckdb, sys
duckdb.execute("SET threads = 1")
fields = ["eventSource", "eventName", "errorCode", "errorMessage", "eventID"]
columns = ", ".join(f"{name}: 'VARCHAR'" for name in fields)
rows = duckdb.execute(f"""
    SELECT eventID FROM read_json(?, format = 'newline_delimited', columns = {{{columns}}},
                                  maximum_object_size = 33554432)
    WHERE eventSource = 'organizations.amazonaws.com' AND eventName = 'LeaveOrganization'
      AND errorCode IS NULL AND errorMessage IS NULL""", [sys.argv[1]])
for (event,) in rows.fetchall():
    print(event)
"#;

/// A contender that is there or is not, and the form of its findings.
pub struct Entry {
    /// Its name in the table.
    pub name: &'static str,
    /// The contender, or why there is none.
    pub contender: std::result::Result<Contender, String>,
    /// The form of its output.
    pub finds: Finds,
}

impl Entry {
    fn new(contender: Contender, name: &'static str, finds: Finds) -> Self {
        Entry { name, contender: Ok(Contender { name: name.into(), ..contender }), finds }
    }

    fn missing(name: &'static str, why: &str) -> Self {
        Entry { name, contender: Err(why.to_owned()), finds: Finds::Nothing }
    }
}

/// The component and the native core on events in memory.
pub fn in_memory(bench: &Bench<'_>, corpus: &Corpus) -> Vec<Entry> {
    let pass = |name, shape| {
        let findings = bench.scratch(&format!("findings-{shape}.ndjson"));
        let mut command = bench.pass(shape, corpus);
        command.arg("--findings").arg(&findings);
        let contender = Contender::timed(name, command, corpus.load());
        Entry::new(contender, name, Finds::OurFindingsIn(findings))
    };
    vec![pass("component in wasmtime", "component"), pass("native core", "native")]
}

/// Whole commands on one plain file.
pub fn plain(bench: &Bench<'_>, corpus: &Corpus) -> Result<Vec<Entry>> {
    let (load, lines) = (corpus.load(), corpus.lines());
    let whole = |name, command, finds| Entry::new(Contender::new(name, command, load), name, finds);
    let mut entries = vec![whole("orgwatch scan", bench.scan(1, &lines), Finds::OurFindings)];
    entries.push(match &bench.tools.rg {
        Ok(rg) => {
            let mut command = Command::new(rg);
            command.args(["--no-config", "-j1", "-c", LITERAL]).arg(&lines);
            let name = "rg -c of one literal";
            let mut rg = Contender::new(name, command, load);
            // With 1 it says that there was none: so it is in a small corpus.
            rg.codes = &[0, 1];
            Entry::new(rg, name, Finds::Nothing)
        }
        Err(why) => Entry::missing("rg -c of one literal", why),
    });
    entries.push(match &bench.tools.rsigma {
        Ok(rsigma) => {
            let command = bench.rsigma(rsigma, None, &lines)?;
            whole("rsigma, the same rules", command, Finds::Detections)
        }
        Err(why) => Entry::missing("rsigma, the same rules", why),
    });
    entries.push(match &bench.tools.jq {
        Ok(jq) => {
            let mut command = Command::new(jq);
            command.args(["-r", JQ]).arg(&lines);
            whole("jq, one rule", command, Finds::EventsOf("member-left-organization"))
        }
        Err(why) => Entry::missing("jq, one rule", why),
    });
    entries.push(match &bench.tools.duckdb {
        Ok(python) => {
            let mut command = Command::new(python);
            command.args(["-c", DUCKDB]).arg(&lines);
            whole("DuckDB, one rule", command, Finds::EventsOf("member-left-organization"))
        }
        Err(why) => Entry::missing("DuckDB, one rule", why),
    });
    Ok(entries)
}

/// Whole commands on the objects of a bucket.
pub fn objects(bench: &Bench<'_>, corpus: &Corpus) -> Vec<Entry> {
    let mut alone = Command::new(bench.workspace.bench());
    alone.arg("decompress").arg(corpus.objects());
    let load: Load = corpus.load();
    let scan = Contender::new("", bench.scan(1, &corpus.objects()), load);
    vec![
        Entry::new(scan, "orgwatch scan", Finds::OurFindings),
        Entry::new(
            Contender::new("", alone, load),
            "decompressing alone",
            Finds::Bytes(corpus.decompressed()),
        ),
    ]
}
