//! Cases, paths, random numbers and programs, for all end-to-end tests.
#![allow(dead_code, missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;

use serde_json::Value;

/// The repository's root, whichever package a test belongs to.
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().find(|folder| folder.join("wit").is_dir());
    root.expect("a test stands in the repository").to_owned()
}

/// Every file with an extension below a folder of the repository, in the order of their paths.
pub fn files(folder: impl AsRef<Path>, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![root().join(folder)];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A folder of `tests/cases`: what went in, and what must come out.
pub struct Case {
    /// `<slug>/<what>`.
    pub name: String,
    pub folder: PathBuf,
    pub events: Vec<u8>,
    /// The settings, as JSON.
    pub settings: String,
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let all = root().join("tests/cases");
    files("tests/cases", "ndjson")
        .into_iter()
        .filter(|path| path.ends_with("events.ndjson"))
        .map(|path| {
            let folder = path.parent().unwrap().to_owned();
            let settings = match fs::read_to_string(folder.join("settings.yaml")) {
                Ok(yaml) => {
                    let value: serde_json::Value = yaml_serde::from_str(&yaml).unwrap();
                    value.to_string()
                }
                Err(_) => "{}".into(),
            };
            Case {
                name: folder.strip_prefix(&all).unwrap().display().to_string(),
                events: fs::read(&path).unwrap(),
                folder,
                settings,
            }
        })
        .collect()
}

/// Every record of every case that is JSON.
pub fn case_records() -> Vec<serde_json::Value> {
    let mut records = Vec::new();
    for case in cases() {
        let text = String::from_utf8_lossy(&case.events).into_owned();
        records.extend(text.lines().filter_map(|line| serde_json::from_str(line).ok()));
    }
    records
}

/// A small generator of numbers (xorshift), so that what a test does follows from its seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// A program that an ignored test needs: named by a variable, or on the path.
pub fn program(variable: &str, name: &str) -> PathBuf {
    if let Some(named) = std::env::var_os(variable) {
        let named = PathBuf::from(named);
        assert!(named.exists(), "{variable} names {}, which is not there", named.display());
        return named;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{name} is neither on the path nor named by {variable}"))
}

/// Ends a program, if it runs, and waits until it has.
pub fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A file of `dist`, by what stands behind the version in its name.
pub fn dist(suffix: &str) -> PathBuf {
    let file = root().join(format!("dist/orgwatch-{}{suffix}", env!("CARGO_PKG_VERSION")));
    assert!(file.exists(), "cargo xtask build makes {}", file.display());
    file
}

/// The shapes of `tests/shapes` that a router carries as a line, each with an event of its own, and the
/// ids of those events. Packed and compressed ones are for programs that unpack them.
pub fn shapes_in_lines(left_out: &[&str]) -> (Vec<String>, BTreeSet<String>) {
    let mut lines = Vec::new();
    let mut ids = BTreeSet::new();
    let folders = fs::read_dir(root().join("tests/shapes")).unwrap();
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.retain(|folder| !left_out.iter().any(|name| folder.ends_with(name)));
    for (number, folder) in folders.iter().enumerate() {
        let expected = fs::read_to_string(folder.join("expect.json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let input = files.find(|file| file.file_stem().is_some_and(|it| it == "input")).unwrap();
        let Ok(text) = fs::read_to_string(input) else { continue };
        let plain = expected.get("found").is_some() && expected.get("settings").is_none();
        let found = text.lines().find(|line| line.contains("00000001-90ab"));
        // Not a part of a document over several lines.
        let whole = |line: &&str| {
            line.contains("LeaveOrganization") && !line.starts_with(' ') && !line.contains('\0')
        };
        if let Some(line) = found.filter(whole).filter(|_| plain) {
            let id = format!("{:08}-90ab", 1000 + number);
            lines.push(line.replace("00000001-90ab", &id));
            ids.insert(format!("{id}-cdef-fedc-ba987example"));
        }
    }
    assert!(lines.len() > 30, "{}", lines.len());
    (lines, ids)
}
