//! The page: one file with everything inside it.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lzma_rust2::{LzmaOptions, LzmaWriter};
use orgwatch_artifact::digest;
use sha2::{Digest as _, Sha256};

use super::modules::{joined, without_comments};
use super::read;
use crate::workspace::Workspace;

/// The modules of the page, each after those that it imports.
const MODULES: [&str; 8] = [
    "text.js",
    "payload.js",
    "intake.js",
    "incidents.js",
    "view.js",
    "jobs.js",
    "editors.js",
    "app.js",
];

/// The page, with what wasm-bindgen made in `bindgen`.
pub(super) fn html(workspace: &Workspace, bindgen: &Path, licences: &str) -> Result<String> {
    let folder = workspace.root.join("web/page");
    let part = |name: &str| read(&folder.join(name));
    let modules: Result<Vec<_>> = MODULES.iter().map(|name| Ok((*name, part(name)?))).collect();
    let script = joined(&modules?)?;
    let style = part("style.css")?;
    // Each in a function of its own: all of them use the same names.
    let glue = |name: &str, file: &str| {
        let text = read(&bindgen.join(file))?;
        anyhow::Ok(format!("const {name} = () => {{\n{text}\nreturn wasm_bindgen;\n}};\n"))
    };
    let core = module(&bindgen.join("orgwatch_web_bg.wasm"))?;
    let report = module(&bindgen.join("orgwatch_web_report_bg.wasm"))?;
    let rows = module(&bindgen.join("orgwatch_web_rows_bg.wasm"))?;
    let compiler = module(&bindgen.join("orgwatch_web_compiler_bg.wasm"))?;
    let sample = fs::read(workspace.root.join("samples/incident.ndjson"))?;
    let parts = [
        ("policy", policy(&script, &style)),
        ("digest", digest(&core)),
        (
            "core-worker",
            worker(&[
                part("unpack.js")?,
                glue("makeCore", "orgwatch_web.js")?,
                glue("makeReport", "orgwatch_web_report.js")?,
                glue("makeRows", "orgwatch_web_rows.js")?,
                part("reading.js")?,
                part("worker.js")?,
            ]),
        ),
        (
            "compiler-worker",
            worker(&[
                part("unpack.js")?,
                glue("makeCompiler", "orgwatch_web_compiler.js")?,
                part("compiler-worker.js")?,
            ]),
        ),
        ("example-rule", part("example-rule.yml")?),
        ("sample", packed(&sample)?),
        ("licences", packed(licences.as_bytes())?),
        ("core-wasm", packed(&core)?),
        ("report-wasm", packed(&report)?),
        ("rows-wasm", packed(&rows)?),
        ("compiler-wasm", packed(&compiler)?),
        ("style", style),
        ("script", script),
    ];
    let mut page = String::new();
    let template = part("index.html")?;
    let mut rest = template.as_str();
    // In one pass: what was put in is not looked at again.
    while let Some((before, name, after)) = placeholder(rest) {
        page.push_str(before);
        match parts.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => {
                ensure!(!text.contains("</script"), "{name} would end its element");
                page.push_str(text);
            }
            None => page.push_str(&format!("{{{name}}}")),
        }
        rest = after;
    }
    page.push_str(rest);
    Ok(page)
}

/// The first `{name}` of a text, with the text before and behind it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// The policy: this script and this style, workers from blobs, and no connection of any kind. What a worker
/// from a blob may do, this says as well.
fn policy(script: &str, style: &str) -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    [
        "default-src 'none'".to_owned(),
        format!("script-src {} 'wasm-unsafe-eval'", hash(script)),
        format!("style-src {}", hash(style)),
        "worker-src blob:".to_owned(),
        "img-src data:".to_owned(),
        "connect-src 'none'".to_owned(),
        "form-action 'none'".to_owned(),
        "base-uri 'none'".to_owned(),
    ]
    .join("; ")
}

fn module(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Compressed, and as text: `unpack.js` has the way back.
fn packed(bytes: &[u8]) -> Result<String> {
    let mut options = LzmaOptions::with_preset(9);
    // By the structure of code for WebAssembly, whose instructions have any length.
    (options.lc, options.lp, options.pb) = (4, 0, 0);
    options.nice_len = 273;
    let length = Some(bytes.len() as u64);
    let mut encoder = LzmaWriter::new_use_header(Vec::new(), &options, length)?;
    encoder.write_all(bytes)?;
    Ok(BASE64_STANDARD.encode(encoder.finish()?))
}

/// Scripts as one, without the lines that are comments: they are for who reads the sources.
fn worker(scripts: &[String]) -> String {
    scripts.iter().map(|script| without_comments(script)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_found_once() {
        assert_eq!(placeholder("a{b}c{d}"), Some(("a", "b", "c{d}")));
        assert_eq!(placeholder("a"), None);
    }

    #[test]
    fn the_policy_lets_nothing_out() {
        let policy = policy("script", "style");
        for directive in
            ["default-src 'none'", "connect-src 'none'", "form-action 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(directive), "{policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("http"), "{policy}");
    }
}
