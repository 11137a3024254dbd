//! Which sources an artifact was made of.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process::output;

/// The parts of the checkout that an artifact is made of. The revision is the last commit that touched one of
/// these, and not the last commit: otherwise a word changed in the documentation would change the
/// artifact, and a build of a later tag would not give the bytes of the release.
const INPUTS: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "artifact",
    "build.rs",
    "rules",
    "sigma",
    "src",
    "tests/cases",
    "wit",
    "xtask/src/artifact",
    "xtask/src/guest.rs",
    "xtask/src/rustc.rs",
    "xtask/src/toolchain.rs",
];

/// Names the revision where there is no git to ask, as in a source archive.
const VARIABLE: &str = "ORGWATCH_REVISION";

/// A state of the sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// A commit.
    Commit(String),
    /// A commit, and changes that are not committed.
    Changed(String),
    /// There is no git, or no checkout.
    Unknown,
}

impl Revision {
    /// The revision of a checkout.
    pub fn of(root: &Path) -> Self {
        if let Some(named) = env::var(VARIABLE).ok().filter(|named| !named.is_empty()) {
            return Self::Commit(named);
        }
        ask(root).unwrap_or(Self::Unknown)
    }

    /// The text of the artifact's section.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Commit(commit) => Some(commit.clone()),
            Self::Changed(commit) => Some(format!("{commit}-dirty")),
            Self::Unknown => None,
        }
    }

    /// A remark for the person who builds.
    pub fn remark(&self) -> Option<&'static str> {
        match self {
            Self::Commit(_) => None,
            Self::Changed(_) => {
                Some("what is not committed is in the artifact: nobody can repeat it")
            }
            Self::Unknown => Some("this is no git checkout, so the artifact names no revision"),
        }
    }
}

fn ask(root: &Path) -> Result<Revision> {
    let git = |args: &[&str]| {
        let args = args.iter().map(OsStr::new).chain([OsStr::new("--")]);
        let inputs = INPUTS.iter().map(OsStr::new);
        output(Command::new("git").arg("-C").arg(root).args(args).args(inputs))
    };
    // An archive may have been unpacked inside a checkout of something else.
    let top =
        output(Command::new("git").arg("-C").arg(root).args(["rev-parse", "--show-toplevel"]))?;
    if fs::canonicalize(top)? != fs::canonicalize(root)? {
        return Ok(Revision::Unknown);
    }
    let commit = git(&["log", "-1", "--format=%H"])?;
    let changed = git(&["status", "--porcelain"])?;
    Ok(match (commit.is_empty(), changed.is_empty()) {
        (true, _) => Revision::Unknown,
        (false, true) => Revision::Commit(commit),
        (false, false) => Revision::Changed(commit),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Checkout(std::path::PathBuf);

    impl Drop for Checkout {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    impl Checkout {
        fn new() -> Self {
            let name = format!("orgwatch-xtask-revision-{}", std::process::id());
            let checkout = Self(env::temp_dir().join(name));
            fs::create_dir_all(checkout.0.join("src/inner")).unwrap();
            checkout.git(&["init", "--quiet"]);
            checkout
        }

        fn git(&self, args: &[&str]) -> String {
            let mut git = Command::new("git");
            git.arg("-C").arg(&self.0).args(["-c", "user.name=a", "-c", "user.email=a@b"]);
            output(git.args(args)).unwrap()
        }

        fn commit(&self, file: &str, text: &str) -> String {
            fs::write(self.0.join(file), text).unwrap();
            self.git(&["add", "--all"]);
            self.git(&["commit", "--quiet", "--message", "x"]);
            self.git(&["rev-parse", "HEAD"])
        }
    }

    #[test]
    fn it_is_the_last_commit_that_touched_what_is_built() {
        let checkout = Checkout::new();
        let root = &checkout.0;
        assert_eq!(ask(root).ok().unwrap_or(Revision::Unknown), Revision::Unknown);
        let first = checkout.commit("src/lib.rs", "1");
        checkout.commit("README.md", "1");
        assert_eq!(ask(root).unwrap(), Revision::Commit(first.clone()));
        fs::write(root.join("README.md"), "2").unwrap();
        assert_eq!(ask(root).unwrap(), Revision::Commit(first.clone()));
        fs::write(root.join("src/new.rs"), "1").unwrap();
        let changed = ask(root).unwrap();
        assert_eq!(changed.text(), Some(format!("{first}-dirty")));
        assert!(changed.remark().is_some());
        // An archive inside a checkout is not that checkout.
        assert_eq!(ask(&root.join("src/inner")).unwrap(), Revision::Unknown);
    }
}
