//! The metadata that is written into an artifact after it was compiled.

mod metadata;
mod pack;
mod revision;

use std::path::Path;

use anyhow::{Context, Result};
use orgwatch_artifact::{BUILD, Build, CASES, Case, Module, PACK, seal};

pub use revision::Revision;

/// The metadata that all artifacts have in common.
pub struct About {
    revision: Revision,
    pack: Vec<u8>,
    cases: Vec<u8>,
}

impl About {
    /// Reads it from a checkout, or from a folder with its files.
    pub fn read(root: &Path, revision: Revision) -> Result<Self> {
        let pack = pack::read(&root.join("rules"))?;
        let cases = Case::read_all(&root.join("tests/cases"))?;
        Ok(Self { revision, pack: serde_json::to_vec(&pack)?, cases: Case::pack(&cases)? })
    }

    /// The artifact with all its sections, sealed.
    pub fn write(&self, build: &Build, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut bytes = metadata::write(build.shape, &self.revision, bytes)?;
        let sections =
            [(BUILD, &serde_json::to_vec(build)?), (PACK, &self.pack), (CASES, &self.cases)];
        for (name, data) in sections {
            bytes = Module::parse(&bytes).context("what was built")?.with(name, data);
        }
        Ok(seal(&bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use orgwatch_artifact::{Integrity, Pack, Shape, integrity};

    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    fn build() -> Build {
        Build {
            shape: Shape::FluentBit,
            rustc: "rustc 1.95.0".into(),
            linker: None,
            target: "wasm32-unknown-unknown".into(),
            std_from_source: false,
            features: "fluent-bit".into(),
            sources: None,
            flags: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let about = About::read(root(), Revision::Commit("c0ffee".into())).unwrap();
        let bytes = about.write(&build(), b"\0asm\x01\0\0\0").unwrap();
        let module = Module::parse(&bytes).unwrap();
        assert_eq!(integrity(&module), Integrity::Whole);
        let text = |name: &str| std::str::from_utf8(module.custom(name).unwrap()).unwrap();
        assert_eq!(text("version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(text("licenses"), "Apache-2.0");
        assert_eq!(text("revision"), "c0ffee");
        assert!(text("source").starts_with("https://"));
        assert_eq!(serde_json::from_str::<Build>(text(BUILD)).unwrap(), build());
        let pack: Pack = serde_json::from_str(text(PACK)).unwrap();
        let rule = pack.rules.iter().find(|rule| rule.slug == "member-left-organization").unwrap();
        assert_eq!(rule.file, "leaving/member_left_organization.yml");
        assert_eq!(rule.severity, "critical");
        assert!(!rule.internal);
        assert!(Case::unpack(module.custom(CASES).unwrap()).unwrap().len() > 100);
    }

    #[test]
    fn without_a_checkout_the_revision_is_left_out() {
        let about = About::read(root(), Revision::Unknown).unwrap();
        let bytes = about.write(&build(), b"\0asm\x01\0\0\0").unwrap();
        assert_eq!(Module::parse(&bytes).unwrap().custom("revision"), None);
    }
}
