//! Every shape that people ship, through every shape of orgwatch.
//!
//! A folder of `tests/shapes` has an input and what is right: the findings, where their record stood and in which
//! form, and the setting that a router needs where that is no known envelope. Records in them have documentation
//! values; no public sample exists of most of these shapes with such a record in it, so they were written after
//! the documentation of the systems that ship them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::serve::downstream::Downstream;
use crate::serve::service::Service;
use crate::util::{Ran, Sandbox};

/// One folder.
struct Shape {
    name: String,
    input: PathBuf,
    expected: Value,
}

impl Shape {
    fn all() -> Vec<Shape> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/shapes");
        let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
        let mut shapes: Vec<Shape> = folders.map(|folder| Shape::read(&folder)).collect();
        shapes.sort_by(|one, other| one.name.cmp(&other.name));
        assert!(shapes.len() > 70, "{}", shapes.len());
        shapes
    }

    fn read(folder: &Path) -> Shape {
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let input = files.into_iter().find(|file| file.file_stem().is_some_and(|it| it == "input"));
        let expected = fs::read_to_string(folder.join("expect.json")).unwrap();
        Shape {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            input: input.unwrap(),
            expected: serde_json::from_str(&expected).unwrap(),
        }
    }

    fn settings(&self) -> Option<&Value> {
        self.expected.get("settings")
    }

    /// The findings, as `severity rule account`.
    fn found(&self) -> BTreeSet<String> {
        let found = self.expected["found"].as_array().into_iter().flatten();
        found.map(|one| one.as_str().unwrap().to_owned()).collect()
    }

    #[track_caller]
    fn check(&self, findings: &[Value], by: &str) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let said = findings.iter().map(|finding| {
            let [severity, rule, account] =
                ["severity", "rule", "account"].map(|key| text(&finding[key]));
            format!("{severity} {rule} {account}")
        });
        assert_eq!(said.collect::<BTreeSet<_>>(), self.found(), "{} by {by}", self.name);
        for finding in findings {
            for key in ["record_at", "form"] {
                let (told, want) = (&finding["details"][key], &self.expected[key]);
                assert_eq!(told, want, "{key} of {} by {by}", self.name);
            }
        }
    }
}

#[test]
fn scan_finds_what_is_in_every_shape() {
    let sandbox = Sandbox::new();
    for shape in Shape::all() {
        let path = shape.input.to_str().unwrap();
        let ran = sandbox.scan(&["--format", "json", path]);
        shape.check(&ran.findings(), "scan");
        match shape.expected["none"].as_str() {
            None => {}
            Some("notifications") => {
                ran.expect(0, 2).says("scan the objects that they point to");
            }
            Some(_) => {
                ran.expect(0, 0);
            }
        }
        let piped = sandbox.scan_stdin(&["--format", "json"], &fs::read(&shape.input).unwrap());
        shape.check(&piped.findings(), "scan of standard input");
    }
}

#[test]
fn learn_remembers_what_is_in_every_shape() {
    for shape in Shape::all().iter().filter(|shape| !shape.found().is_empty()) {
        let sandbox = Sandbox::new();
        let path = shape.input.to_str().unwrap();
        let _: Ran = sandbox.run(&["learn", "--state", "state", path]);
        // It was given: nothing is new.
        let again = sandbox.scan(&["--format", "json", "--state", "state", path]);
        assert_eq!(again.findings().len(), 0, "{}", shape.name);
        again.says("duplicate");
    }
}

#[test]
fn split_leaves_lines_in_which_scan_finds_the_same() {
    for shape in Shape::all() {
        let sandbox = Sandbox::new();
        let path = shape.input.to_str().unwrap();
        sandbox.run(&["split", path, "--output", "out"]);
        let ran = sandbox.scan(&["--format", "json", "out"]);
        shape.check(&ran.findings(), "split and scan");
    }
}

#[test]
fn serve_finds_what_is_in_every_shape_or_says_what_setting_it_needs() {
    for shape in Shape::all() {
        let body = fs::read(&shape.input).unwrap();
        let found = |settings: Option<&Value>| {
            let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
            let settings = settings.cloned().unwrap_or_else(|| json!({}));
            sandbox.file("settings.yaml", settings.to_string());
            let args = ["--settings", "settings.yaml"];
            let service = Service::tapping(&sandbox, &downstream, &args);
            service.send("POST", "/", &[("content-type", "application/json")], &body).expect(200);
            let unreadable = service.metric("orgwatch_events_total{outcome=\"unreadable\"}");
            (downstream.events(), unreadable)
        };
        if shape.settings().is_some() {
            let (findings, unreadable) = found(None);
            assert_eq!(
                (findings.len(), unreadable),
                (0, 1.0),
                "{} without its setting",
                shape.name
            );
        }
        shape.check(&found(shape.settings()).0, "serve");
    }
}
