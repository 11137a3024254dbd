//! Detects AWS accounts being taken out of their organization, inline in a log router.
//!
//! An event goes through [`prefilter`], [`envelope`], [`json`], [`record`], [`rules`], [`memory`],
//! [`render`], [`status`] and [`chains`] in this order. A module uses only those above it in this table,
//! which a test checks:
//!
//! | module | task |
//! | --- | --- |
//! | [`text`], [`time`], [`digest`] | texts cut to a length, times, keys of 128 bits |
//! | [`finding`] | the finding as a type: the output |
//! | [`prefilter`] | rejects, by its bytes, an event that no rule names |
//! | [`json`] | reads JSON, borrowed and without recursion |
//! | [`envelope`] | finds the CloudTrail records inside the documents of routers |
//! | [`batch`] | results of a batch of events: findings with their places, and counts |
//! | [`record`] | the record as rules and findings see it |
//! | [`rules`] | the pack, and whether a rule matches a record |
//! | [`state`] | a memory as bytes, in a frame that hosts add to |
//! | [`memory`] | duplicates, new terms, observations of chains: bounded, saved and merged |
//! | [`settings`] | the user's accounts, approvals and changes to rules |
//! | [`status`] | dry run, approved, learning or new |
//! | [`render`] | the finding of a rule or a chain, with its texts filled in |
//! | [`chains`] | findings that together say more |
//! | [`embedded_config`] | settings, memory and rules that an artifact carries itself |
//! | [`packs`] | rules that a host hands over or that are baked in, beside the artifact's own |
//! | [`detector`] | runs all of these |
//! | [`adapters`] | the shapes that the detector is shipped in; they hold no logic |
//!
//! ```
//! let mut detector = orgwatch::detector::Detector::open("{}").unwrap();
//! let findings = detector.detect(br#"{"eventSource": "organizations.amazonaws.com",
//!     "eventName": "LeaveOrganization", "eventTime": "2026-06-01T12:00:00Z", "eventID": "1",
//!     "recipientAccountId": "444455556666"}"#).unwrap();
//! assert_eq!(findings[0].rule, "member-left-organization");
//! ```

// Input is hostile: nothing that reads it may panic, and an exception gives its reason. The Sigma crate has
// the same list; a list for the workspace would be one for tests and tools, too.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

pub mod adapters;
pub mod batch;
pub mod chains;
pub mod detector;
pub mod digest;
pub mod embedded_config;
pub mod envelope;
pub mod finding;
pub mod heartbeat;
pub mod incident;
pub mod json;
pub mod memory;
pub mod packs;
pub mod prefilter;
pub mod record;
pub mod render;
pub mod rules;
pub mod settings;
pub mod silence;
pub mod state;
pub mod status;
pub mod text;
pub mod time;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// The modules, the lowest first.
    const ORDER: [&str; 23] = [
        "text",
        "time",
        "digest",
        "finding",
        "json",
        "heartbeat",
        "envelope",
        "prefilter",
        "batch",
        "record",
        "rules",
        "state",
        "memory",
        "silence",
        "settings",
        "incident",
        "status",
        "render",
        "chains",
        "embedded_config",
        "packs",
        "detector",
        "adapters",
    ];

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    /// The modules that code names behind `crate::`, but not those that only its tests or comments name.
    fn named(code: &str) -> Vec<String> {
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let code: String = lines.collect::<Vec<_>>().concat();
        let word = |text: &str| {
            text.split(|c: char| !c.is_alphanumeric() && c != '_').next().map(Into::into)
        };
        let after = code.split("crate::").skip(1);
        after
            .flat_map(|text| match text.strip_prefix('{') {
                Some(group) => {
                    let group = group.split("};").next().unwrap();
                    group.split(',').filter_map(|one| word(one.trim())).collect::<Vec<_>>()
                }
                None => word(text).into_iter().collect(),
            })
            .filter(|name: &String| ORDER.contains(&name.as_str()))
            .collect()
    }

    #[test]
    fn no_module_reaches_up() {
        let place = |module: &str| ORDER.iter().position(|one| *one == module);
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for file in files(&src) {
            let inside = file.strip_prefix(&src).unwrap();
            let first = inside.iter().next().unwrap().to_str().unwrap();
            let module = first.trim_end_matches(".rs");
            if module == "lib"
                || inside.iter().any(|part| part == "tests" || part == "tests.rs")
                || file.extension().is_none_or(|one| one != "rs")
            {
                continue;
            }
            let own = place(module).unwrap_or_else(|| panic!("{module} has no place in the order"));
            for other in named(&fs::read_to_string(&file).unwrap()) {
                assert!(
                    place(&other).unwrap() <= own,
                    "{} reaches up to {other}",
                    inside.display()
                );
            }
        }
    }
}
