//! The steps of a command: announced, timed, and repeatable by hand when one fails.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use crate::process;

/// The steps that ran, with their times, and those that were skipped, with the reasons.
#[derive(Default)]
pub struct Steps {
    done: Vec<(String, Duration)>,
    skipped: Vec<(String, String)>,
}

impl Steps {
    /// Does `work`. Should it fail, the error names the step and the command `repeat`.
    pub fn run<T>(
        &mut self,
        name: &str,
        repeat: &str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        eprintln!("==> {name}");
        let start = Instant::now();
        let outcome = work();
        self.done.push((name.to_owned(), start.elapsed()));
        outcome.map_err(|error| anyhow!("{name}: {error:#}\nTo repeat this step: {repeat}"))
    }

    /// Runs one command as a step.
    pub fn command(&mut self, name: &str, command: &mut Command) -> Result<()> {
        let repeat = process::shown(command);
        self.run(name, &repeat, || process::run(command))
    }

    /// Notes a step that is skipped, so that nobody takes it for done.
    pub fn skip(&mut self, name: &str, why: &str) {
        self.skipped.push((name.to_owned(), why.to_owned()));
    }

    /// Prints the time that each step took, and what was skipped.
    pub fn report(&self) {
        eprint!("\n{}", self.table());
    }

    fn table(&self) -> String {
        let total = ("total".to_owned(), self.done.iter().map(|(_, time)| time).sum());
        let rows = self.done.iter().chain([&total]);
        let width = rows.clone().map(|(name, _)| name.len()).max().unwrap_or(0);
        let times =
            rows.map(|(name, time)| format!("{name:width$}  {:7.1} s\n", time.as_secs_f64()));
        let skipped = self.skipped.iter().map(|(name, why)| format!("skipped: {name}: {why}\n"));
        times.chain(skipped).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_says_how_to_repeat_it() {
        let mut steps = Steps::default();
        let error = steps.command("fail", &mut Command::new("false")).unwrap_err();
        assert_eq!(error.to_string(), "fail: false: exit status: 1\nTo repeat this step: false");
    }

    #[test]
    fn the_table_has_every_step_and_what_was_skipped() {
        let steps = Steps {
            done: vec![
                ("lint".to_owned(), Duration::from_millis(1500)),
                ("run the tests".to_owned(), Duration::from_secs(61)),
            ],
            skipped: vec![("tags".to_owned(), "no network".to_owned())],
        };
        assert_eq!(
            steps.table(),
            "lint               1.5 s\n\
             run the tests     61.0 s\n\
             total             62.5 s\n\
             skipped: tags: no network\n"
        );
    }
}
