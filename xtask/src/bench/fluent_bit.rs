//! Pipelines of a real Fluent Bit: without orgwatch, with it, with a filter in Lua that tests two fields
//! and whose finds are given a tag of their own, as those of annotate are, and with a stream task that
//! copies the events of six names, where the tap looks for all of them. All end nowhere, so that they
//! differ only in what is compared.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use wait4::Wait4 as _;

use super::Bench;
use super::corpus::Corpus;
use super::measure::{Row, Sample};
use super::table::Section;
use super::tool::{Tool, named_or_on_path};
use crate::guest;

/// The share of interesting events, and as many again look so. The titles are those of the sections,
/// by which their aims find them.
pub const SHARES: [(&str, f64); 2] =
    [("Fluent Bit, 1 in 10,000", 1e-4), ("Fluent Bit, 1 in 600", 1.0 / 600.0)];
/// The rows, in their order; the first is what the others are set against.
pub const ROWS: [&str; 5] =
    ["no filter", "tap", "annotate", "Lua, two fields", "stream task, six names"];

/// About 100,000 events.
const SIZE: u64 = 128 << 20;

/// The longest that a pipeline may go on without an end in sight.
const PATIENCE: Duration = Duration::from_secs(300);

const TAIL: &str =
    "read_from_head: true\n      buffer_chunk_size: 512k\n      buffer_max_size: 17M\n";

const LUA: &str = r#"
    - name: lua
      match: cloudtrail
      call: f
      code: |
        function f(tag, time, record)
          if record["eventSource"] == "organizations.amazonaws.com" and record["eventName"] == "LeaveOrganization" then
            record["finding"] = true
            return 2, time, record
          end
          return 0, time, record
        end
"#;

/// A stream task, the alternative to the tap, with no detection behind it.
const SIX_NAMES: &str = "CREATE STREAM six WITH (tag='orgwatch.findings') AS SELECT * FROM \
    TAG:'cloudtrail' WHERE eventName = 'LeaveOrganization' OR eventName = 'CloseAccount' OR \
    eventName = 'InviteAccountToOrganization' OR eventName = 'AcceptHandshake' OR \
    eventName = 'StopLogging' OR eventName = 'AssumeRoot';";

/// The program: `FLUENT_BIT`, or from the PATH.
pub fn find() -> Tool {
    named_or_on_path("FLUENT_BIT", "fluent-bit")
}

/// Measures them, if there is a Fluent Bit. In the interpreter an event that a rule looks at costs a
/// hundred times what another does, so the share of such events tells most.
pub fn pipelines(bench: &Bench<'_>) -> Result<Vec<Section>> {
    let section = |(title, share): (&str, f64)| {
        let mut options = bench.sized(bench.flags.size.0.min(SIZE));
        options.extend(["--share".into(), share.to_string()]);
        let corpus = bench.corpus(&format!("fluent-bit-{share:.4}"), &options)?;
        Ok(Section::new(title, rows(bench, &corpus)?))
    };
    SHARES.into_iter().map(section).collect()
}

fn rows(bench: &Bench<'_>, corpus: &Corpus) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> =
        ROWS.iter().map(|name| Row::missing(*name, corpus.load(), "")).collect();
    match &bench.tools.fluent_bit {
        Err(why) => rows.iter_mut().for_each(|row| row.missing = Some(why.clone())),
        Ok(program) => {
            for _ in 0..bench.runs() {
                for row in &mut rows {
                    let config = bench.scratch("fluent-bit.yaml");
                    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
                    fs::write(&config, pipeline(bench, &row.name, corpus, port)?)?;
                    let mut command = Command::new(program);
                    command.arg("-q").arg("-c").arg(&config);
                    row.command = format!("fluent-bit -q -c {}", config.display());
                    row.missing = None;
                    let sample = run(&mut command, port, corpus.load().events);
                    row.samples.push(sample.with_context(|| format!("Fluent Bit, {}", row.name))?);
                }
            }
        }
    }
    Ok(rows)
}

/// The configuration of a row. The filters of the tap are those that are shipped.
fn pipeline(bench: &Bench<'_>, row: &str, corpus: &Corpus, port: u16) -> Result<String> {
    let events = corpus.lines().display().to_string();
    let module = bench.workspace.root.join("dist").join(guest::FLUENT_BIT.file_name());
    let shipped = |file: &str| -> Result<String> {
        let file = Path::new("fluent-bit-config").join(file);
        let text = fs::read_to_string(&file)?;
        let filters =
            text.split("  filters:\n").nth(1).and_then(|rest| rest.split("  outputs:").next());
        let filters = filters.with_context(|| format!("{} has no filters", file.display()))?;
        Ok(filters.replace("${module}", &module.display().to_string()))
    };
    let marked_by = |key| {
        format!(
            "CREATE STREAM findings WITH (tag='orgwatch.findings') AS SELECT * FROM \
             TAG:'cloudtrail' WHERE @record.contains({key});"
        )
    };
    let (filters, again, task) = match row {
        "tap" => (shipped("tap.yaml")?, true, None),
        "annotate" => (shipped("annotate.yaml")?, false, Some(marked_by("orgwatch_severity"))),
        "Lua, two fields" => (LUA.to_owned(), false, Some(marked_by("finding"))),
        "stream task, six names" => (String::new(), false, Some(SIX_NAMES.to_owned())),
        _ => (String::new(), false, None),
    };
    let mut text = format!(
        "service:\n  flush: 1\n  grace: 1\n  log_level: error\n  http_server: on\n  \
         http_listen: 127.0.0.1\n  http_port: {port}\nparsers:\n  - name: cloudtrail\n    \
         format: json\n"
    );
    if let Some(task) = task {
        text += &format!("stream_processor:\n  - name: task\n    exec: \"{task}\"\n");
    }
    text += &format!(
        "pipeline:\n  inputs:\n    - name: tail\n      tag: cloudtrail\n      path: {events}\n      \
         parser: cloudtrail\n      {TAIL}"
    );
    if again {
        text += &format!(
            "    - name: tail\n      tag: orgwatch.findings\n      path: {events}\n      \
             key: message\n      {TAIL}"
        );
    }
    if !filters.is_empty() {
        text += &format!("  filters:\n{filters}\n");
    }
    text += "  outputs:\n    - name: 'null'\n      match: '*'\n";
    Ok(text)
}

/// Runs one until every reader has read all events and what is left of them has arrived.
fn run(command: &mut Command, port: u16, events: u64) -> Result<Sample> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
    let start = Instant::now();
    let mut child = command.spawn()?;
    let done = loop {
        thread::sleep(Duration::from_millis(250));
        if metrics(port).is_ok_and(|metrics| is_done(&metrics, events)) {
            break Ok(());
        }
        if start.elapsed() > PATIENCE {
            break Err("it does not come to an end");
        }
        if child.try_wait()?.is_some() {
            bail!("it stopped before it had read everything");
        }
    };
    let wall = start.elapsed().as_secs_f64();
    child.kill()?;
    let used = child.wait4()?.rusage;
    if let Err(why) = done {
        bail!(why);
    }
    let user = used.utime.as_secs_f64();
    Ok(Sample { wall, cpu: user, user: Some(user), memory: Some(used.maxrss) })
}

fn metrics(port: u16) -> Result<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"GET /api/v1/metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    // The answer is complete, whether the connection closes or stays open.
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    let (start, end) = text.find('{').zip(text.rfind('}')).context("no metrics")?;
    Ok(serde_json::from_str(&text[start..=end])?)
}

fn is_done(metrics: &Value, events: u64) -> bool {
    let each = |kind: &str, field: &str| -> Vec<(String, u64)> {
        let parts = metrics[kind].as_object().into_iter().flatten();
        parts.map(|(name, part)| (name.clone(), part[field].as_u64().unwrap_or(0))).collect()
    };
    let read = each("input", "records");
    let tails: Vec<_> = read.iter().filter(|(name, _)| name.starts_with("tail")).collect();
    let arrived: u64 = each("output", "proc_records").iter().map(|(_, records)| records).sum();
    !tails.is_empty() && tails.iter().all(|(_, records)| *records >= events) && arrived >= events
}

/// The version line of the program, for the record.
pub fn version(program: &Path) -> Option<String> {
    let text = crate::process::output(Command::new(program).arg("--version")).ok()?;
    text.lines().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_done_when_all_was_read_and_has_arrived() {
        let metrics = |read: [u64; 2], arrived: u64| {
            serde_json::json!({
                "input": {"tail.0": {"records": read[0]}, "tail.1": {"records": read[1]},
                    "stream_processor.2": {"records": 0}},
                "output": {"null.0": {"proc_records": arrived}},
            })
        };
        assert!(is_done(&metrics([7, 7], 8), 7));
        assert!(!is_done(&metrics([7, 6], 8), 7));
        assert!(!is_done(&metrics([7, 7], 6), 7));
        assert!(!is_done(&Value::Null, 0));
    }
}
