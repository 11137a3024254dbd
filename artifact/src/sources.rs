//! The sources that the detector is compiled from.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::digest;

/// The files and folders of a checkout that the detector is compiled from, but for its dependencies.
pub const SOURCES: [&str; 4] = ["build.rs", "rules", "sigma/src", "src"];

/// SHA-256 of the list of the detector's sources, as `sha256sum` prints them, in the order of their names:
/// two builds with the same digest detect the same.
///
/// Fails where a file cannot be read, as when the folder is no checkout.
pub fn sources(checkout: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    for name in SOURCES {
        collect(&checkout.join(name), &mut files)?;
    }
    files.sort();
    let mut list = String::new();
    for file in files {
        let name = file.strip_prefix(checkout).unwrap_or(&file).display();
        let digest = digest(&fs::read(&file)?);
        list += &format!("{}  {name}\n", digest.trim_start_matches("sha256:"));
    }
    Ok(digest(list.as_bytes()))
}

/// Every file of Rust and every rule, at a path or below it. An editor leaves other files there.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "yml") {
        files.push(path.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_any_source_is_seen_and_other_files_are_not() {
        let root = tempfile::tempdir().unwrap();
        assert!(sources(root.path()).is_err());
        for file in ["build.rs", "rules/a/b.yml", "sigma/src/lib.rs", "src/x/y.rs"] {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let before = sources(root.path()).unwrap();
        fs::write(root.path().join("src/x/.y.rs.swp"), "").unwrap();
        assert_eq!(sources(root.path()).unwrap(), before);
        fs::write(root.path().join("src/x/y.rs"), "//").unwrap();
        let changed = sources(root.path()).unwrap();
        assert_ne!(changed, before);
        fs::rename(root.path().join("src/x/y.rs"), root.path().join("src/x/z.rs")).unwrap();
        assert_ne!(sources(root.path()).unwrap(), changed);
    }
}
