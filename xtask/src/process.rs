//! Other programs: running them, and saying how to run them again.

use std::ffi::OsStr;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Runs a command with our own standard streams; fails if it does.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_start(command))?;
    ensure!(status.success(), "{}: {status}", program(command));
    Ok(())
}

/// Runs a command and returns what it prints; fails if it does, with its standard error.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| cannot_start(command))?;
    ensure!(
        output.status.success(),
        "`{}`: {}\n{}",
        shown(command),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// The command as one would type it into a shell.
pub fn shown(command: &Command) -> String {
    let environment = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), quoted(value?))));
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    environment.chain(words.map(quoted)).collect::<Vec<_>>().join(" ")
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", program(command))
}

fn program(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_a_shell_would_run() {
        let mut command = Command::new("cargo");
        command.args(["test", "--", "it's", ""]).env("A", "b c");
        assert_eq!(shown(&command), r"A='b c' cargo test -- 'it'\''s' ''");
    }

    #[test]
    fn output_of_a_failing_command_says_why() {
        let mut command = Command::new("sh");
        let error = output(command.args(["-c", "echo no disk >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().contains("exit status: 3\nno disk"), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(&mut Command::new("orgwatch-no-such-program")).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `orgwatch-no-such-program`");
    }
}
