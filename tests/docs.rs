//! Every command that the documentation shows is run, and must print what is shown.
//!
//! In a block marked `console`, a line that begins with `$ ` is a command for `sh`, run at the root
//! of the repository with the built `orgwatch` on the path; what follows is what it prints, standard
//! error included. `…` stands for anything within a line, and alone on a line for any lines.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support;

/// Commands that take minutes or build what runs this test, and what to run in their place.
const INSTEAD: &[(&str, Option<&str>)] = &[
    (
        "cargo xtask demo",
        Some(
            "orgwatch scan samples/incident.ndjson --settings samples/settings.yaml --format text",
        ),
    ),
    ("cargo xtask test", None),
    ("cargo xtask build", None),
];

struct Shown {
    place: String,
    command: String,
    output: Vec<String>,
}

fn shown(file: &Path, text: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            inside = line.trim() == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            let place = format!("{}:{}", file.display(), number + 1);
            all.push(Shown { place, command: command.to_owned(), output: Vec::new() });
        } else if let Some(last) = all.last_mut().filter(|_| inside) {
            last.output.push(line.trim_end().to_owned());
        }
    }
    all
}

/// Whether a line is as shown; `…` stands for anything.
fn line_fits(pattern: &str, line: &str) -> bool {
    let Some((before, after)) = pattern.split_once('…') else { return pattern == line };
    let Some(rest) = line.strip_prefix(before) else { return false };
    (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| line_fits(after, &rest[at..]))
}

fn fits(pattern: &[String], lines: &[&str]) -> bool {
    match (pattern.split_first(), lines.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "…" => {
            (0..=lines.len()).any(|skipped| fits(rest, &lines[skipped..]))
        }
        (Some((first, rest)), Some((line, lines))) => line_fits(first, line) && fits(rest, lines),
        _ => false,
    }
}

#[test]
fn every_shown_command_prints_what_is_shown() {
    let root = support::root();
    // The folder that shown commands write to: Cargo's own may be elsewhere.
    fs::create_dir_all(root.join("target")).unwrap();
    // Left by an earlier run, it may be in a form that was never released.
    let _ = fs::remove_file(root.join("target/learned.state"));
    let binary = Path::new(env!("CARGO_BIN_EXE_orgwatch")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), env::var("PATH").unwrap_or_default());
    let mut wrong = Vec::new();
    let mut ran = 0;
    let mut files = support::files("docs", "md");
    files.extend(["README.md", "samples/README.md"].map(|file| root.join(file)));
    for file in files {
        let name = file.strip_prefix(&root).unwrap();
        for shown in shown(name, &fs::read_to_string(&file).unwrap()) {
            let instead = INSTEAD.iter().find(|(command, _)| *command == shown.command);
            let command = match instead {
                Some((_, Some(command))) => command,
                Some((_, None)) => {
                    println!("skipped: {}: {}: it runs this test", shown.place, shown.command);
                    continue;
                }
                None => shown.command.as_str(),
            };
            let script = format!("{{ {command}\n}} 2>&1");
            let output = Command::new("sh")
                .args(["-c", &script])
                .current_dir(&root)
                .env("PATH", &path)
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
            if !fits(&shown.output, &lines) {
                wrong.push(format!("{}: {command} prints\n{text}", shown.place));
            }
            ran += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ran > 0, "the documentation shows commands");
    println!("{ran} shown commands ran");
}

#[test]
fn the_coverage_is_that_of_the_pack() {
    let printed = Command::new(env!("CARGO_BIN_EXE_orgwatch"))
        .args(["rules", "--coverage"])
        .output()
        .expect("orgwatch runs");
    let page = fs::read_to_string(support::root().join("docs/coverage.md")).unwrap_or_default();
    assert!(
        page == String::from_utf8_lossy(&printed.stdout),
        "run `orgwatch rules --coverage > docs/coverage.md`"
    );
}
