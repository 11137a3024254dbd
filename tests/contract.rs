//! Compatibility of the contract: `wit/` may only add to the version that was released last.
//!
//! `wit/released` keeps each version as it was published. To change the contract, give it the
//! version that the change needs; when that is published, put a copy beside the others.

use std::cmp::Ordering;
use std::fs;
use std::path::PathBuf;

use semver::Version;
use wit_component::semver_check;
use wit_parser::{Resolve, WorldId};

use crate::support;

/// Adds a contract without its version, so that two of them can stand side by side.
fn push(resolve: &mut Resolve, text: &str) -> Result<(Version, WorldId), String> {
    let package = resolve.push_str("detector.wit", text).map_err(|err| format!("{err:#}"))?;
    let name = resolve.packages[package].name.clone();
    resolve.package_names.shift_remove(&name);
    resolve.packages[package].name.version = None;
    let world = resolve.select_world(&[package], Some("plugin")).map_err(|err| err.to_string())?;
    Ok((name.version.ok_or("the package has no version")?, world))
}

/// Whether a component of the world `new` can stand where one of `old` is expected.
///
/// wit-component asks whether components stay usable when a host moves on, which for a world that
/// exports is the other way round: here hosts stay, and components move on.
fn fits(resolve: &Resolve, new: WorldId, old: WorldId) -> bool {
    semver_check(resolve.clone(), new, old).is_ok()
}

/// Whether `new` may follow `released`.
fn may_follow(released: &str, new: &str) -> Result<(), String> {
    let mut resolve = Resolve::default();
    let (old_version, old) = push(&mut resolve, released)?;
    let (version, world) = push(&mut resolve, new)?;
    match version.cmp(&old_version) {
        Ordering::Equal if released == new => return Ok(()),
        Ordering::Equal => {
            return Err(format!("{version} is released, and this is not what was released"));
        }
        Ordering::Less => return Err(format!("{version} is older than {old_version}")),
        Ordering::Greater => {}
    }
    let kept = fits(&resolve, world, old);
    let grew = !fits(&resolve, old, world);
    if !kept && version.major == old_version.major {
        return Err(format!("a host of {old_version} cannot use it: it needs a new major version"));
    }
    if grew && (version.major, version.minor) == (old_version.major, old_version.minor) {
        return Err(format!("it has what {old_version} had not: it needs a new minor version"));
    }
    Ok(())
}

fn contract(path: &str) -> String {
    fs::read_to_string(support::root().join(path)).unwrap()
}

/// The versions that were published.
fn released() -> Vec<(Version, PathBuf)> {
    let mut all: Vec<_> = support::files("wit/released", "wit")
        .into_iter()
        .map(|path| {
            let folder = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
            (folder.parse().unwrap(), path)
        })
        .collect();
    all.sort();
    all
}

#[test]
fn the_contract_keeps_what_was_released() {
    let all = released();
    for (version, path) in &all {
        let text = fs::read_to_string(path).unwrap();
        let (written, _) = push(&mut Resolve::default(), &text).unwrap();
        assert_eq!(&written, version, "{}", path.display());
    }
    let (version, path) = all.last().unwrap();
    let verdict = may_follow(&fs::read_to_string(path).unwrap(), &contract("wit/detector.wit"));
    assert_eq!(verdict, Ok(()), "compared with {version}");
}

/// The contract with another version and with one change.
fn changed(version: &str, from: &str, to: &str) -> String {
    let text = contract("wit/released/1.0.0/detector.wit");
    assert!(text.contains(from), "{from}");
    text.replacen("detector@1.0.0;", &format!("detector@{version};"), 1).replacen(from, to, 1)
}

#[test]
fn what_breaks_a_host_needs_a_major_version() {
    let released = contract("wit/released/1.0.0/detector.wit");
    for (from, to) in [
        ("    title: string,\n", "    title: string,\n    more: string,\n"),
        ("    repeat: bool,\n", ""),
        ("    rule-id: string,\n", "    rule-uuid: string,\n"),
        ("{ informational, low", "{ fatal, informational, low"),
        ("detect: func(event: list<u8>)", "detect: func(event: string)"),
        ("    save-state: func() -> list<u8>;\n", ""),
        ("world plugin {\n", "world plugin {\n  import clock: func() -> u64;\n"),
    ] {
        let refused = may_follow(&released, &changed("1.1.0", from, to));
        assert!(refused.is_err_and(|err| err.contains("a new major version")), "{to}");
        assert_eq!(may_follow(&released, &changed("2.0.0", from, to)), Ok(()), "{to}");
    }
}

#[test]
fn what_is_added_needs_a_minor_version() {
    let released = contract("wit/released/1.0.0/detector.wit");
    let method = "    counters: func";
    let more = format!("    forget: func(key: string);\n{method}");
    let refused = may_follow(&released, &changed("1.0.1", method, &more));
    assert!(refused.is_err_and(|err| err.contains("a new minor version")));
    assert_eq!(may_follow(&released, &changed("1.1.0", method, &more)), Ok(()));
}

#[test]
fn what_is_released_is_not_written_again() {
    let released = contract("wit/released/1.0.0/detector.wit");
    let reworded = changed("1.0.0", "Why it matters.", "Why this matters.");
    assert!(may_follow(&released, &reworded).is_err_and(|err| err.contains("is released")));
    let reworded = changed("1.0.1", "Why it matters.", "Why this matters.");
    assert_eq!(may_follow(&released, &reworded), Ok(()));
    assert!(may_follow(&released, &changed("0.9.0", "x", "x")).is_err());
}
