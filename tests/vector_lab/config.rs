//! A real Vector, and copies of the configurations that are shipped for it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support;

/// A real Vector.
pub fn vector() -> PathBuf {
    support::program("VECTOR", "vector")
}

/// Copies of configurations, with paths of a test, and whatever else is to be replaced.
pub fn copies(folder: &Path, names: &[&str], replaced: &[(&str, String)]) -> Vec<PathBuf> {
    let within = |name: &str| {
        let path = folder.join(name);
        fs::create_dir_all(&path).unwrap();
        path.display().to_string()
    };
    let secrets = within("secrets");
    for (secret, text) in
        [("slack_webhook", "T0/B0/secret\n"), ("elasticsearch_password", "word\n")]
    {
        fs::write(Path::new(&secrets).join(secret), text).unwrap();
    }
    let paths = [
        ("/var/lib/vector", within("data")),
        ("/var/log/cloudtrail", within("in")),
        ("/var/log/vector", within("out")),
        ("/etc/vector/secrets", secrets),
    ];
    let copy = |name: &&str| {
        let file = support::root().join("vector-config").join(format!("{name}.yaml"));
        let mut text = fs::read_to_string(file).unwrap();
        for (from, to) in paths.iter().chain(replaced) {
            text = text.replace(from, to);
        }
        let copy = folder.join(format!("{name}.yaml"));
        fs::write(&copy, text).unwrap();
        copy
    };
    names.iter().map(copy).collect()
}
