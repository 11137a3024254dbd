//! The bill of materials, in CycloneDX's JSON form. A handful of its objects is written here, with
//! no library in between; a test holds them to the one that CycloneDX publishes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::File;
use super::crates::{Crate, Id};

/// The subject of a bill of materials.
pub struct Subject<'a> {
    /// The package that is built.
    pub package: &'a str,
    /// The description of the whole.
    pub description: &'a str,
    /// The version line of the compiler.
    pub rustc: String,
    /// Libraries that are no crates: name, licence and where they come from.
    pub libraries: &'a [(&'a str, &'a str, &'a str)],
}

/// It names no time and no serial number: the same sources give the same bytes.
pub fn json(subject: &Subject, crates: &BTreeMap<Id, Crate>, files: &[File]) -> String {
    format!("{:#}\n", bom(subject, crates, files))
}

fn bom(subject: &Subject, crates: &BTreeMap<Id, Crate>, files: &[File]) -> Value {
    let rustc = &subject.rustc;
    let root = (subject.package.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    let others = crates.iter().filter(|(id, _)| **id != root);
    let mut components: Vec<Value> = others.map(|(id, one)| component(id, one)).collect();
    components.push(json!({
        "type": "library",
        "bom-ref": STANDARD_LIBRARY,
        "name": "std",
        "version": rustc.split_whitespace().nth(1),
        "description": format!("Rust's standard library, with alloc and core, of {rustc}"),
        "licenses": [{ "expression": "MIT OR Apache-2.0" }],
        "externalReferences": [{ "type": "vcs", "url": "https://github.com/rust-lang/rust" }],
    }));
    components.extend(subject.libraries.iter().map(|(name, licence, url)| {
        json!({
            "type": "library",
            "bom-ref": name,
            "name": name,
            "licenses": [{ "expression": licence }],
            "externalReferences": [{ "type": "website", "url": url }],
        })
    }));
    components.extend(files.iter().map(file));
    let dependencies: Vec<Value> = crates
        .iter()
        .map(|(id, one)| {
            let uses = one.uses.iter().map(purl).chain([STANDARD_LIBRARY.to_owned()]);
            json!({ "ref": purl(id), "dependsOn": uses.collect::<Vec<_>>() })
        })
        .collect();
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": purl(&root),
                "name": root.0,
                "version": root.1,
                "description": subject.description,
                "licenses": [{ "expression": env!("CARGO_PKG_LICENSE") }],
                "externalReferences": [{ "type": "vcs", "url": env!("CARGO_PKG_REPOSITORY") }],
            },
        },
        "components": components,
        "dependencies": dependencies,
    })
}

const STANDARD_LIBRARY: &str = "rust-std";

fn purl((name, version): &Id) -> String {
    format!("pkg:cargo/{name}@{version}")
}

fn component(id: &Id, one: &Crate) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": purl(id),
        "name": id.0,
        "version": id.1,
        "licenses": [{ "expression": one.licence }],
    });
    // Ours come from no registry.
    if let Some(checksum) = &one.checksum {
        component["purl"] = purl(id).into();
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

fn file(file: &File) -> Value {
    json!({
        "type": "file",
        "bom-ref": file.name,
        "name": file.name,
        "version": env!("CARGO_PKG_VERSION"),
        "hashes": [{ "alg": "SHA-256", "content": file.digest }],
    })
}

#[cfg(test)]
mod tests {
    use cyclonedx_bom::models::bom::Bom;
    use cyclonedx_bom::validation::Validate as _;

    use super::*;

    #[test]
    fn cyclonedx_itself_has_nothing_against_it() {
        let id = |name: &str| (name.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        let made = |checksum: Option<&str>, uses| Crate {
            licence: "Unlicense OR MIT".into(),
            folder: "/".into(),
            checksum: checksum.map(str::to_owned),
            uses,
        };
        let crates = BTreeMap::from([
            (id("orgwatch"), made(None, vec![id("memchr")])),
            (id("memchr"), made(Some(&"0".repeat(64)), Vec::new())),
        ]);
        let files = [File { name: "orgwatch.wasm".into(), digest: "1".repeat(64) }];
        let subject = Subject {
            package: "orgwatch",
            description: "a test",
            rustc: "rustc 1.95.0 (abc 2026-01-01)".into(),
            libraries: &[("musl", "MIT", "https://musl.libc.org")],
        };
        let bom = bom(&subject, &crates, &files);
        let parsed = Bom::parse_from_json(bom.to_string().as_bytes()).unwrap();
        let result = parsed.validate();
        assert!(result.passed(), "{result:?}");
        let components = parsed.components.unwrap().0;
        let names: Vec<_> = components.iter().map(|one| one.name.to_string()).collect();
        assert_eq!(names, ["memchr", "std", "musl", "orgwatch.wasm"]);
        assert_eq!(bom["dependencies"][1]["dependsOn"][0], bom["components"][0]["bom-ref"]);
    }
}
