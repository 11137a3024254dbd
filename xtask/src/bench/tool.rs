//! One program of others: where it is, or why there is none.

use std::env;
use std::path::PathBuf;

/// A program, or why there is none.
pub type Tool = Result<PathBuf, String>;

/// A program on the PATH, which a Debian package has.
pub fn on_path(program: &str, package: &str) -> Tool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .ok_or_else(|| format!("no {program} on the PATH (on Debian: `apt-get install {package}`)"))
}

/// A program that a variable of the environment names, or else one on the PATH.
pub fn named_or_on_path(variable: &str, program: &str) -> Tool {
    match env::var_os(variable).map(PathBuf::from) {
        Some(file) if file.is_file() => Ok(file),
        Some(file) => Err(format!("{variable} is {}, which is no file", file.display())),
        None => on_path(program, program)
            .map_err(|_| format!("{variable} is not set, and there is no {program} on the PATH")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_not_there_says_how_to_get_it() {
        assert!(on_path("sh", "dash").is_ok());
        assert_eq!(
            on_path("orgwatch-no-such-program", "nothing"),
            Err("no orgwatch-no-such-program on the PATH (on Debian: `apt-get install nothing`)"
                .into())
        );
    }
}
