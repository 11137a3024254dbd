//! The configurations of `fluent-bit-config/`, run by a real Fluent Bit where one is found: the
//! program that `FLUENT_BIT` names, or `fluent-bit` on the path.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::Random;

const CONFIGURATIONS: [&str; 2] = ["annotate.yaml", "tap.yaml"];

/// No limit that says anything of speed: only so that a stream that stands still ends the test.
const PATIENCE: Duration = Duration::from_secs(900);

fn configuration(name: &str) -> String {
    fs::read_to_string(support::root().join("fluent-bit-config").join(name)).unwrap()
}

fn orgwatch(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_orgwatch")).args(arguments).output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "orgwatch {arguments:?}: {complaints}");
    String::from_utf8(output.stdout).unwrap()
}

/// Fluent Bit, or none, which is said.
fn found() -> Option<PathBuf> {
    support::program("FLUENT_BIT", "fluent-bit")
}

/// A folder with events, and one configuration that reads them.
struct Pipeline {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Pipeline {
    fn new(program: &Path, configuration_name: &str, events: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let mut file = BufWriter::new(File::create(path("events.ndjson")).unwrap());
        for event in events {
            writeln!(file, "{event}").unwrap();
        }
        file.flush().unwrap();
        // What scan of files keeps for good, a router keeps for two hours: the same for both here.
        fs::write(path("settings.yaml"), "late: 2h\n").unwrap();
        let module = support::dist("-fluent-bit.wasm");
        orgwatch(&[
            "bake",
            "--settings",
            &path("settings.yaml"),
            "-o",
            &path("baked.wasm"),
            &module.display().to_string(),
        ]);
        let mut text = String::new();
        for line in configuration(configuration_name).lines() {
            let value = match line.split_once(':') {
                Some(("  events", _)) => Some(("events", path("events*.ndjson"))),
                Some(("  module", _)) => Some(("module", path("baked.wasm"))),
                Some(("  state", _)) => Some(("state", path("state"))),
                Some(("  out", _)) => Some(("out", path("cloudtrail"))),
                Some(("  findings", _)) => Some(("findings", path("findings"))),
                _ => None,
            };
            match value {
                Some((name, value)) => text += &format!("  {name}: {value}\n"),
                None => text += &format!("{line}\n"),
            }
        }
        fs::write(path("fluent-bit.yaml"), text).unwrap();
        Pipeline { program: program.to_owned(), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file of an output, in the folder of that name.
    fn output(&self, output: &str) -> PathBuf {
        self.path(output.trim_end_matches(".ndjson")).join(output)
    }

    fn start(&self) -> Running {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let child = Command::new(&self.program)
            .arg("-c")
            .arg(self.path("fluent-bit.yaml"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("Fluent Bit starts");
        Running(child)
    }

    /// The lines of an output so far, the last one only if it is whole. Where a kill cut a line off,
    /// the file output goes on behind it without a line break, with a chunk's first record.
    fn lines(&self, output: &str) -> Vec<String> {
        let text = fs::read(self.output(output)).unwrap_or_default();
        let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let text = String::from_utf8(text[..end].to_vec()).unwrap();
        let whole = |line: &str| match serde_json::from_str::<Value>(line) {
            Ok(_) => line.to_owned(),
            Err(_) => line[line.rfind(r#"{"event"#).unwrap()..].to_owned(),
        };
        text.lines().map(whole).collect()
    }

    fn count(&self, output: &str) -> usize {
        let Ok(file) = File::open(self.output(output)) else { return 0 };
        BufReader::new(file).split(b'\n').count()
    }

    /// Waits until so many events are out, and the findings have come to rest.
    fn wait(&self, running: &mut Running, events: usize, findings: usize) {
        let start = Instant::now();
        loop {
            let now = (self.count("cloudtrail.ndjson"), self.count("findings.ndjson"));
            if now.0 >= events && now.1 >= findings {
                return;
            }
            let log = || fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(running.0.try_wait().unwrap().is_none(), "it has ended: {}", log());
            assert!(start.elapsed() < PATIENCE, "{now:?}, not {events}, {findings}: {}", log());
            thread::sleep(Duration::from_millis(300));
        }
    }

    /// How often each event came out.
    fn ids(&self, output: &str) -> BTreeMap<String, usize> {
        let mut ids = BTreeMap::new();
        for line in self.lines(output) {
            let record = event(&line);
            *ids.entry(record["eventID"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        ids
    }

    /// The findings in an output, without the artifact, which is another than the component.
    fn findings(&self, output: &str) -> Vec<String> {
        let records = self.lines(output).into_iter();
        let records = records.map(|line| serde_json::from_str::<Value>(&line).unwrap());
        records
            .flat_map(|record| record["orgwatch"].as_array().cloned().unwrap_or_default())
            .map(plain)
            .collect()
    }

    /// What scan finds in the same events.
    fn scanned(&self) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        let (settings, events) = (path("settings.yaml"), path("events.ndjson"));
        let found = orgwatch(&["scan", "-q", "--format", "json", "--settings", &settings, &events]);
        found.lines().map(|line| plain(serde_json::from_str(line).unwrap())).collect()
    }
}

/// The event that a line of an output holds. One that is nested deeper than Fluent Bit reads stays text.
fn event(line: &str) -> Value {
    let mut record: Value = serde_json::from_str(line).unwrap();
    for key in ["log", "message"] {
        if let Some(text) = record[key].as_str() {
            record = serde_json::from_str(text).unwrap();
        }
    }
    let keys = record.as_object_mut().unwrap();
    keys.remove("orgwatch");
    keys.remove("orgwatch_severity");
    record
}

fn plain(mut finding: Value) -> String {
    finding.as_object_mut().unwrap().remove("artifact");
    finding.to_string()
}

struct Running(Child);

impl Running {
    /// Asks it to end, and waits until it has.
    fn stop(mut self) {
        self.signal("TERM");
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn signal(&self, name: &str) {
        let done =
            Command::new("kill").args([format!("-{name}"), self.0.id().to_string()]).status();
        assert!(done.unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// An account leaving its organization; another one each time, so that each is a finding of its own
/// whatever was seen before.
fn leaving(number: usize) -> Value {
    json!({
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": format!("arn:aws:sts::{:012}:assumed-role/admin/mallory", number),
            "accountId": format!("{:012}", number),
        },
        "eventTime": "2026-05-04T03:02:01Z",
        "eventSource": "organizations.amazonaws.com",
        "eventName": "LeaveOrganization",
        "eventID": id(number),
        "recipientAccountId": format!("{:012}", number),
    })
}

fn quiet(number: usize) -> Value {
    let mut event = leaving(number);
    event["eventSource"] = "ec2.amazonaws.com".into();
    event["eventName"] = "DescribeInstances".into();
    event["userAgent"] = "x".repeat(800).into();
    event
}

/// Records of the sample and of the cases, 1 in 600 one that a rule names, each with an id of its own.
fn mixed(events: usize) -> Vec<String> {
    let sample = fs::read_to_string(support::root().join("samples/incident.ndjson")).unwrap();
    let mut records: Vec<Value> =
        sample.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    records.extend(support::case_records());
    let names: BTreeSet<String> = orgwatch::rules::builtin_pack()
        .event_names
        .iter()
        .map(|name| name.to_lowercase())
        .collect();
    // A record as it is, with a name and an id: what tap takes out of others is tested elsewhere.
    records.retain(|record| record["eventName"].is_string() && record["eventID"].is_string());
    let named =
        |record: &Value| names.contains(&record["eventName"].as_str().unwrap().to_lowercase());
    let (hot, quiet): (Vec<Value>, Vec<Value>) = records.into_iter().partition(named);
    let mut random = Random::new(4);
    (0..events)
        .map(|number| {
            let from = if number % 600 == 300 { &hot } else { &quiet };
            let mut record = random.pick(from).clone();
            record["eventID"] = id(number).into();
            record.to_string()
        })
        .collect()
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn nothing_is_lost_of_a_hundred_thousand_events_and_the_findings_are_those_of_scan() {
    let Some(program) = found() else { return };
    let events = mixed(100_000);
    for name in CONFIGURATIONS {
        let pipeline = Pipeline::new(&program, name, &events);
        let expected = pipeline.scanned();
        assert!(expected.len() > 100);
        let mut running = pipeline.start();
        pipeline.wait(&mut running, events.len(), 1);
        running.stop();
        // What was still on its way is delivered by the next start.
        let mut again = pipeline.start();
        thread::sleep(Duration::from_secs(10));
        pipeline.wait(&mut again, events.len(), 1);
        again.stop();
        let ids = pipeline.ids("cloudtrail.ndjson");
        assert_eq!(ids.len(), events.len(), "{name}");
        assert!(ids.values().all(|times| *times == 1), "{name}: an event came twice");
        let findings = pipeline.findings("findings.ndjson");
        assert_eq!(sorted(findings), sorted(expected), "{name}");
        println!("{name}: {} events", ids.len());
    }
}

#[test]
fn records_of_every_size_and_depth_come_through() {
    let Some(program) = found() else { return };
    let mut events = Vec::new();
    for size in [0, 1, 9, 31, 33, 64, 200, 511, 513, 700, 1000, 1024] {
        let number = events.len();
        for mut event in [quiet(number), leaving(number + 1)] {
            event["requestParameters"] = json!({ "text": "x".repeat(size << 10) });
            events.push(event.to_string());
        }
    }
    for depth in [10, 25, 100] {
        let number = events.len();
        for mut event in [quiet(number), leaving(number + 1)] {
            event["requestParameters"] =
                (0..depth).fold(json!(1), |inner, _| json!({ "a": inner }));
            events.push(event.to_string());
        }
    }
    for name in CONFIGURATIONS {
        let pipeline = Pipeline::new(&program, name, &events);
        let mut running = pipeline.start();
        pipeline.wait(&mut running, events.len(), events.len() / 2);
        running.stop();
        for line in pipeline.lines("cloudtrail.ndjson") {
            let record = event(&line);
            let number = record["eventID"].as_str().unwrap()[24..].parse::<usize>().unwrap();
            assert_eq!(record, serde_json::from_str::<Value>(&events[number]).unwrap(), "{name}");
        }
        assert_eq!(
            sorted(pipeline.findings("findings.ndjson")),
            sorted(pipeline.scanned()),
            "{name}"
        );
    }
}

/// A call that goes deeper than the interpreter's stack costs Fluent Bit the record. Ours sets a large
/// one; a configuration that somebody wrote from the manual has the default, 8 KiB.
#[test]
fn the_interpreters_own_stack_is_enough_for_every_case() {
    let Some(program) = found() else { return };
    let events: Vec<String> = support::case_records().iter().map(Value::to_string).collect();
    let pipeline = Pipeline::new(&program, "annotate.yaml", &events);
    let configuration = pipeline.path("fluent-bit.yaml");
    let text = fs::read_to_string(&configuration).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains("wasm_stack_size")).collect();
    assert_eq!(kept.len() + 1, text.lines().count());
    fs::write(&configuration, kept.join("\n")).unwrap();
    let mut running = pipeline.start();
    pipeline.wait(&mut running, events.len(), 100);
    running.stop();
    assert_eq!(pipeline.count("cloudtrail.ndjson"), events.len());
}

/// Stops Fluent Bit several times in the middle of a backlog, one way or another. What it shipped and
/// found by then must all be there in the end; `complete` says of a configuration in which output
/// nothing that was found may be missing.
fn restarts(stop: fn(Running), complete: fn(&str) -> &'static str) {
    let Some(program) = found() else { return };
    const EVENTS: usize = 60_000;
    const EVERY: usize = 100;
    let event = |number| if number % EVERY == 7 { leaving(number) } else { quiet(number) };
    let events: Vec<String> = (0..EVENTS).map(|number| event(number).to_string()).collect();
    for name in CONFIGURATIONS {
        let pipeline = Pipeline::new(&program, name, &events);
        for part in 1..=3 {
            let mut running = pipeline.start();
            pipeline.wait(&mut running, EVENTS * part / 5, 1);
            stop(running);
        }
        let mut running = pipeline.start();
        pipeline.wait(&mut running, EVENTS, 1);
        let found =
            || -> BTreeSet<String> { pipeline.findings(complete(name)).into_iter().collect() };
        // Some came twice, so that the count is reached before the last has come.
        let start = Instant::now();
        while (pipeline.ids("cloudtrail.ndjson").len(), found().len()) != (EVENTS, EVENTS / EVERY)
            && start.elapsed() < Duration::from_secs(120)
        {
            thread::sleep(Duration::from_secs(1));
        }
        running.stop();
        let ids = pipeline.ids("cloudtrail.ndjson");
        assert_eq!(ids.len(), EVENTS, "{name}: events are missing");
        let found = found();
        let missing = pipeline.scanned().into_iter().filter(|finding| !found.contains(finding));
        assert_eq!(missing.collect::<Vec<_>>(), [""; 0], "{name}: findings are missing");
        let twice = ids.values().sum::<usize>() - EVENTS;
        println!("{name}: {twice} events of {EVENTS} came twice");
    }
}

#[test]
fn a_restart_loses_nothing() {
    restarts(Running::stop, |_| "findings.ndjson");
}

/// Annotate's copies with a tag of their own wait in memory for half a second; the records do not.
#[test]
fn a_kill_loses_nothing() {
    restarts(Running::kill, |name| match name {
        "annotate.yaml" => "cloudtrail.ndjson",
        _ => "findings.ndjson",
    });
}

#[test]
fn the_tap_has_the_rule_of_this_pack() {
    let printed = orgwatch(&["router", "fluent-bit"]);
    assert!(
        configuration("tap.yaml").contains(&printed),
        "put what `orgwatch router fluent-bit` prints into fluent-bit-config/tap.yaml:\n{printed}"
    );
}

/// The keys that the configurations use of each plugin, as Fluent Bit's documentation has them: one
/// that it does not know is an error at its start, or nothing at all.
const KEYS: &[(&str, &[&str])] = &[
    (
        "tail",
        &[
            "tag",
            "path",
            "key",
            "parser",
            "read_from_head",
            "refresh_interval",
            "db",
            "buffer_chunk_size",
            "buffer_max_size",
            "skip_long_lines",
            "storage.type",
        ],
    ),
    ("wasm", &["match", "wasm_path", "function_name", "wasm_stack_size", "wasm_heap_size"]),
    ("grep", &["match", "regex"]),
    ("parser", &["match", "key_name", "parser"]),
    ("file", &["match", "path", "file", "format", "mkdir", "retry_limit"]),
    ("stdout", &["match", "format"]),
    ("http", &["match", "host", "port", "uri", "tls", "format", "retry_limit"]),
];

#[test]
fn configurations_use_keys_that_there_are() {
    for name in CONFIGURATIONS {
        // What stands there as an example is looked at, too.
        let text = configuration(name).replace("    # - ", "    - ").replace("    #   ", "      ");
        let all: Value = yaml_serde::from_str(&text).unwrap();
        let mut seen = BTreeSet::new();
        for list in ["inputs", "filters", "outputs"] {
            for plugin in all["pipeline"][list].as_array().unwrap() {
                let plugin = plugin.as_object().unwrap();
                let kind = plugin["name"].as_str().unwrap();
                let (_, keys) = KEYS.iter().find(|(known, _)| *known == kind).unwrap();
                for key in plugin.keys().filter(|key| *key != "name") {
                    assert!(keys.contains(&key.as_str()), "{name}: {kind} has no {key}");
                }
                seen.insert(kind.to_owned());
                if kind == "wasm" {
                    assert_eq!(plugin["function_name"], "orgwatch");
                }
            }
        }
        for kind in ["tail", "wasm", "file", "stdout", "http"] {
            assert!(seen.contains(kind), "{name}: {kind}");
        }
        let variables = text.split("${").skip(1);
        let used: BTreeSet<&str> = variables.filter_map(|rest| rest.split('}').next()).collect();
        let set: BTreeSet<&str> =
            all["env"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(used, set, "{name}");
    }
}

/// Every event that the pack names passes the rule, however it is wrapped; no other does.
#[test]
fn the_rule_takes_names_in_every_wrapping() {
    let printed = orgwatch(&["router", "fluent-bit"]);
    let rule: Value = yaml_serde::from_str(&printed).unwrap();
    let rule = rule[0]["regex"].as_str().unwrap().strip_prefix("message ").unwrap();
    let expression = regex::Regex::new(rule).unwrap();
    for name in &orgwatch::rules::builtin_pack().event_names {
        let record = json!({ "eventName": name }).to_string();
        let once = json!({ "message": record }).to_string();
        let twice = json!({ "logEvents": [{ "message": once }] }).to_string();
        let spaced = format!("{{ \"eventName\" : \"{name}\" }}");
        for line in [&record, &once, &twice, &spaced] {
            assert!(expression.is_match(line), "{line}");
        }
        for other in [format!("{name}X"), format!("X{name}"), name[1..].to_owned()] {
            let line = json!({ "eventName": other }).to_string();
            let named = orgwatch::rules::builtin_pack().event_names.contains(&other);
            assert!(named || !expression.is_match(&line), "{line}");
        }
    }
}
