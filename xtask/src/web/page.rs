//! The page: one file with everything inside it.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use orgwatch_artifact::digest;
use sha2::{Digest as _, Sha256};

use super::modules::joined;
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
pub(super) fn html(workspace: &Workspace, bindgen: &Path) -> Result<String> {
    let folder = workspace.root.join("web/page");
    let part = |name: &str| read(&folder.join(name));
    let modules: Result<Vec<_>> = MODULES.iter().map(|name| Ok((*name, part(name)?))).collect();
    let script = joined(&modules?)?;
    let style = part("style.css")?;
    let glue = |name: &str| read(&bindgen.join(name));
    let core = module(&bindgen.join("orgwatch_web_bg.wasm"))?;
    let compiler = module(&bindgen.join("orgwatch_web_compiler_bg.wasm"))?;
    let sample = fs::read(workspace.root.join("samples/incident.ndjson"))?;
    let parts = [
        ("policy", policy(&script, &style)),
        ("digest", digest(&core)),
        (
            "core-worker",
            [glue("orgwatch_web.js")?, part("reading.js")?, part("worker.js")?].join("\n"),
        ),
        (
            "compiler-worker",
            glue("orgwatch_web_compiler.js")? + "\n" + &part("compiler-worker.js")?,
        ),
        ("example-rule", part("example-rule.yml")?),
        ("sample", packed(&sample)?),
        ("core-wasm", packed(&core)?),
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

/// Compressed, and as text: a browser has the way back.
fn packed(bytes: &[u8]) -> Result<String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(BASE64_STANDARD.encode(encoder.finish()?))
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
