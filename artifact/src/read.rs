//! An artifact read as a whole, or why it cannot be.

use serde::de::DeserializeOwned;

use crate::{
    BAKED, BUILD, Baked, Build, CASES, Case, DIGEST, Integrity, Malformed, Module, PACK, Pack,
    integrity,
};

/// The beginning of the name of each of our sections.
const PREFIX: &str = "orgwatch:";

/// An artifact's description of itself. All of it has been read, and every byte is as it was sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct Artifact {
    /// The description of its build.
    pub build: Build,
    /// Its rules.
    pub pack: Pack,
    /// The cases that it must pass.
    pub cases: Vec<Case>,
    /// The description of what was baked into it, if anything was.
    pub baked: Option<Baked>,
}

/// Why a file is no artifact to rely on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It is no WebAssembly, or its end is missing.
    #[error("this is not a whole WebAssembly file: {0}")]
    Malformed(#[from] Malformed),

    /// It is WebAssembly, and says nothing of orgwatch.
    #[error("this is not an artifact of orgwatch: it has none of its sections")]
    NotOurs,

    /// It is not as it was sealed.
    #[error(
        "damaged: its bytes are not those that it was built with. The section {DIGEST} says {recorded}, \
         and all other bytes give {actual}"
    )]
    Damaged {
        /// As the section has it.
        recorded: String,
        /// That of the bytes.
        actual: String,
    },

    /// It has no seal, or two.
    #[error("damaged: there is not one section {DIGEST}, which every artifact ends with")]
    Unsealed,

    /// A section is missing, there twice, or does not hold what it should.
    #[error("damaged: the section {section} {problem}")]
    Section {
        /// Its name.
        section: &'static str,
        /// The problem.
        problem: String,
    },
}

impl Artifact {
    /// Reads an artifact. Nothing in it is run.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let module = Module::parse(bytes)?;
        let mut names = module.sections.iter().filter_map(|section| section.name);
        if !names.any(|name| name.starts_with(PREFIX)) {
            return Err(Fault::NotOurs);
        }
        match integrity(&module) {
            Integrity::Whole => {}
            Integrity::Damaged { recorded, actual } => {
                return Err(Fault::Damaged { recorded, actual });
            }
            Integrity::Unsealed => return Err(Fault::Unsealed),
        }
        let cases = section(&module, CASES)?;
        let cases = Case::unpack(cases)
            .map_err(|err| Fault::Section { section: CASES, problem: chain(&err) })?;
        let baked = module.all(BAKED).next().map(|_| document(&module, BAKED)).transpose()?;
        Ok(Artifact {
            build: document(&module, BUILD)?,
            pack: document(&module, PACK)?,
            cases,
            baked,
        })
    }
}

fn section<'a>(module: &Module<'a>, name: &'static str) -> Result<&'a [u8], Fault> {
    let missing = || Fault::Section { section: name, problem: "is not there once".into() };
    module.custom(name).ok_or_else(missing)
}

fn document<T: DeserializeOwned>(module: &Module<'_>, name: &'static str) -> Result<T, Fault> {
    serde_json::from_slice(section(module, name)?)
        .map_err(|err| Fault::Section { section: name, problem: format!("cannot be read: {err}") })
}

fn chain(err: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(err.source(), |cause| cause.source());
    causes.fold(format!("cannot be read: {err}"), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal;

    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";

    fn with(bytes: &[u8], name: &str, data: &[u8]) -> Vec<u8> {
        Module::parse(bytes).unwrap().with(name, data)
    }

    fn artifact() -> Vec<u8> {
        let build = br#"{"shape":"fluent-bit","rustc":"r","target":"t","std_from_source":false,
            "features":"f","flags":[],"later":1}"#;
        let pack = br#"{"version":"1","digest":"d","rules":[]}"#;
        let bytes = with(&with(EMPTY, BUILD, build), PACK, pack);
        seal(&with(&bytes, CASES, &Case::pack(&[]).unwrap())).unwrap()
    }

    fn fault(bytes: &[u8]) -> String {
        Artifact::read(bytes).unwrap_err().to_string()
    }

    #[test]
    fn a_whole_one_is_read_with_what_later_versions_add() {
        let artifact = Artifact::read(&artifact()).unwrap();
        assert_eq!((artifact.build.rustc.as_str(), artifact.baked), ("r", None));
    }

    #[test]
    fn no_change_of_a_byte_is_accepted() {
        let whole = artifact();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(Artifact::read(&changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(fault(b"GIF89a").starts_with("this is not a whole WebAssembly file: at byte 0"));
        assert!(fault(EMPTY).starts_with("this is not an artifact of orgwatch"));
        assert!(fault(&with(EMPTY, BUILD, b"{}")).contains("there is not one section"));
        let missing = seal(&with(EMPTY, BUILD, b"{}")).unwrap();
        assert_eq!(fault(&missing), "damaged: the section orgwatch:cases is not there once");
        let wrong = seal(&with(&artifact(), PACK, b"[]")).unwrap();
        assert!(fault(&wrong).starts_with("damaged: the section orgwatch:pack cannot be read: "));
        let wrong = seal(&with(&artifact(), CASES, b"no gzip")).unwrap();
        assert!(fault(&wrong).starts_with("damaged: the section orgwatch:cases cannot be read: "));
        let wrong = seal(&with(&artifact(), BAKED, b"{}")).unwrap();
        assert!(fault(&wrong).contains("orgwatch:baked cannot be read: missing field"));
    }
}
