//! The package in Node, and the page in Chromium and Firefox: `web/tests`, with npm's `playwright-core`, `puppeteer-core`,
//! `axe-core` and `typescript`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::apt;
use crate::browser::{PACKAGES, PROGRAM};
use crate::needs::{CHROMIUM, on_path};
use crate::process::output;
use crate::steps::Steps;
use crate::web;
use crate::workspace::Workspace;

const NPM: [(&str, &str); 4] = [
    ("playwright-core", "1.65.1"),
    ("axe-core", "4.14.1"),
    ("typescript", "7.0.2"),
    // Drives the Firefox that people have; playwright-core drives only its own.
    ("puppeteer-core", "24.43.1"),
];

/// Debian's Firefox.
const FIREFOX: (&str, &str) = ("firefox-esr", "/usr/bin/firefox-esr");

/// Builds both, and runs their tests.
pub fn check(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let repeat = "cargo xtask web --test";
    let manifest = ["--manifest-path", "web/Cargo.toml"];
    steps.command(
        "check the formatting of web/",
        Command::new("cargo").args(["fmt", "--all", "--check"]).args(manifest),
    )?;
    let mut clippy = Command::new("cargo");
    clippy.args(["clippy", "--quiet", "--workspace", "--features", "orgwatch-web/page"]);
    clippy.args(manifest).arg("--target-dir").arg(workspace.target.join("web-clippy"));
    steps.command("lint web/", clippy.args(["--", "-D", "warnings"]))?;
    steps.command(
        "test what stands for C",
        Command::new("cargo")
            .args(["test", "--quiet", "--release", "--package", "orgwatch-zstd"])
            .args(["--package", "crc32fast"])
            .args(manifest)
            .arg("--target-dir")
            .arg(workspace.target.join("web-clippy")),
    )?;
    web::build(workspace, steps)?;
    let folder = workspace.target.join("web-tests");
    let modules = steps.run("prepare a driver of browsers", repeat, || modules(&folder))?;
    steps.run("prepare what the command says", repeat, || prepare(workspace, &folder))?;
    let node = |files: &[&str]| {
        let mut command = Command::new("node");
        command.args(["--test", "--test-concurrency=1"]).args(files);
        command
            .env("CASE_SETTINGS", folder.join("settings.json"))
            .env("NODE_MODULES", &modules)
            .env("SCRATCH", &folder)
            .env("ORGWATCH", workspace.command())
            .env("FINDINGS", folder.join("host-findings.ndjson"))
            .env("REPORT", folder.join("host-report.html"));
        command
    };
    steps.command(
        "run every case in Node",
        &mut node(&["web/tests/cases.test.mjs", "web/tests/sizes.test.mjs"]),
    )?;
    if std::env::var_os("CHROMIUM").is_none()
        && !on_path(&CHROMIUM)
        && let Err(error) = apt::install(&PACKAGES)
    {
        let why = format!("no browser, and none can be installed: {error:#}");
        steps.skip("the page in a browser", &why);
        return Ok(());
    }
    let chromium = std::env::var_os("CHROMIUM").unwrap_or_else(|| {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let all = std::env::split_paths(&folders).collect::<Vec<_>>();
        let found = CHROMIUM.iter().flat_map(|name| all.iter().map(move |at| at.join(name)));
        found.into_iter().find(|path| path.is_file()).unwrap_or(PROGRAM.into()).into()
    });
    let tests = ["package", "page", "shapes", "parquet", "large", "leak"]
        .map(|name| format!("web/tests/{name}.test.mjs"));
    steps.command(
        "the page in a browser",
        node(&tests.each_ref().map(String::as_str)).env("CHROMIUM", chromium),
    )?;
    let firefox = std::env::var_os("FIREFOX").unwrap_or(FIREFOX.1.into());
    if !Path::new(&firefox).is_file()
        && let Err(error) = apt::install(&[FIREFOX.0])
    {
        steps.skip(
            "the page in Firefox",
            &format!("no Firefox, and none can be installed: {error:#}"),
        );
        return Ok(());
    }
    let mut command = node(&["web/tests/firefox.test.mjs"]);
    steps.command("the page in Firefox", command.env("FIREFOX", firefox))
}

/// Installs npm's packages unless they are there.
fn modules(folder: &Path) -> Result<PathBuf> {
    let modules = folder.join("node_modules");
    let is_there = |(name, version): &(&str, &str)| {
        fs::read_to_string(modules.join(name).join("package.json"))
            .is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\"")))
    };
    if !NPM.iter().all(is_there) {
        output(Command::new("npm").arg("--version"))
            .context("npm is missing: install Node 20 or newer (https://nodejs.org)")?;
        fs::create_dir_all(folder)?;
        // npm would otherwise take the next package.json above.
        fs::write(folder.join("package.json"), "{\"private\": true}\n")?;
        output(
            Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts"])
                .arg("--prefix")
                .arg(folder)
                .args(NPM.map(|(name, version)| format!("{name}@{version}"))),
        )
        .context(
            "cannot install the drivers of browsers, axe-core and typescript from the npm registry",
        )?;
    }
    Ok(modules)
}

/// Writes what the tests compare with: the settings of the cases as JSON, and what the command says of the
/// sample.
fn prepare(workspace: &Workspace, folder: &Path) -> Result<()> {
    let mut settings: BTreeMap<String, Value> = BTreeMap::new();
    for slug in fs::read_dir(workspace.root.join("tests/cases"))? {
        let slug = slug?;
        for case in fs::read_dir(slug.path())? {
            let case = case?;
            if let Ok(text) = fs::read_to_string(case.path().join("settings.yaml")) {
                let name =
                    [slug.file_name(), case.file_name()].map(|one| one.display().to_string());
                settings.insert(name.join("/"), yaml_serde::from_str(&text)?);
            }
        }
    }
    fs::write(folder.join("settings.json"), serde_json::to_string(&settings)?)?;
    // Without it, there is nothing to compare with.
    let found = output(
        Command::new(workspace.command())
            .args(["scan", "samples/incident.ndjson", "--quiet", "--report"])
            .arg(folder.join("host-report.html")),
    )
    .context("the orgwatch command is missing: cargo xtask build")?;
    Ok(fs::write(folder.join("host-findings.ndjson"), found)?)
}
