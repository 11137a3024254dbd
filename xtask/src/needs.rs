//! The tests that need programs of others: ignored by the test runner, run here where the programs are.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::apt;
use crate::build::cargo;
use crate::steps::Steps;
use crate::workspace::Workspace;

/// One program: the variable that may name it, and its names on the path. Without names, only the
/// variable counts.
struct Program {
    variable: &'static str,
    names: &'static [&'static str],
}

/// Ignored tests, by a filter of their names, and the programs that all of them need.
struct Group {
    name: &'static str,
    filter: &'static str,
    programs: &'static [Program],
}

const GROUPS: &[Group] = &[
    Group {
        name: "vector-config in Vector",
        filter: "vector_router::",
        programs: &[Program { variable: "VECTOR", names: &["vector"] }],
    },
    Group {
        name: "a fleet",
        filter: "fleet::",
        programs: &[
            Program { variable: "VECTOR", names: &["vector"] },
            Program { variable: "NATS_SERVER", names: &["nats-server"] },
            Program { variable: "NATS_PYTHON", names: &[] },
        ],
    },
    Group {
        name: "years of logs on Spark",
        filter: "spark::",
        programs: &[Program { variable: "SPARK_PYTHON", names: &[] }],
    },
    Group {
        name: "fluent-bit-config in Fluent Bit",
        filter: "fluent_bit_router::",
        programs: &[Program { variable: "FLUENT_BIT", names: &["fluent-bit"] }],
    },
    Group {
        name: "the Kubernetes configuration in Vector",
        filter: "packaging::kubernetes::vector",
        programs: &[Program { variable: "VECTOR", names: &["vector"] }],
    },
    Group {
        name: "reports in a browser",
        filter: "report::shown::",
        programs: &[Program { variable: "CHROMIUM", names: &CHROMIUM }],
    },
    Group {
        name: "progress on a terminal",
        filter: "scan::terminal::",
        programs: &[Program { variable: "", names: &["script"] }],
    },
    Group {
        name: "the systemd unit",
        filter: "serve::operations::systemd",
        programs: &[Program { variable: "", names: &["systemd-analyze"] }],
    },
    Group { name: "the work of the native core", filter: "cost::native_", programs: &[VALGRIND] },
    Group {
        name: "the component in Python",
        filter: "hosts::python_",
        programs: &[Program { variable: "WASMTIME_PYTHON", names: &[] }],
    },
    Group {
        name: "the component in Node",
        filter: "hosts::node_",
        programs: &[
            Program { variable: "JCO", names: &["jco"] },
            Program { variable: "NODE", names: &["node"] },
        ],
    },
    Group {
        name: "a registry",
        filter: "registry::",
        programs: &[
            Program { variable: "WKG", names: &["wkg"] },
            Program { variable: "DOCKER_REGISTRY", names: &["docker-registry"] },
            Program { variable: "SKOPEO", names: &["skopeo"] },
        ],
    },
];

/// Counts instructions. It comes as a package of Debian.
const VALGRIND: Program = Program { variable: "", names: &["valgrind"] };

/// The names of Chromium on the path, as `host-test/tests/report/browser.rs` has them.
pub const CHROMIUM: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// Runs the ignored tests whose programs are found, and notes the others as skipped, but for those that
/// `--full` prepares and runs by itself.
pub fn check(workspace: &Workspace, steps: &mut Steps, full: bool) -> Result<()> {
    if full && !VALGRIND.found() {
        steps
            .run("install valgrind", "apt-get install valgrind", || apt::install(&["valgrind"]))?;
    }
    let mut filters = Vec::new();
    for group in GROUPS {
        let missing: Vec<_> = group.programs.iter().filter(|it| !it.found()).collect();
        if missing.is_empty() {
            filters.push(group.filter);
        } else if !(full && PREPARED.contains(&group.filter)) {
            let missing: Vec<_> = missing.into_iter().map(Program::shown).collect();
            steps.skip(group.name, &format!("needs {}", missing.join(" and ")));
        }
    }
    if filters.is_empty() {
        return Ok(());
    }
    steps.command("run the tests with programs of others", &mut tests(workspace, &filters))
}

/// The command that runs the ignored tests of these filters.
pub fn tests(workspace: &Workspace, filters: &[&str]) -> Command {
    let mut command = cargo(workspace, "test");
    command.args([
        "--workspace",
        "--test",
        "host",
        "--bin",
        "orgwatch",
        "--lib",
        "--",
        "--ignored",
    ]);
    command.args(filters);
    command
}

/// The filters of the groups whose programs `--full` installs.
const PREPARED: [&str; 6] =
    ["report::shown::", "hosts::python_", "hosts::node_", "registry::", "fleet::", "spark::"];

/// Whether a program is named by a variable, or on the path.
pub fn is_given(variable: &'static str, name: &'static str) -> bool {
    env::var_os(variable).is_some_and(|named| !named.is_empty()) || on_path(&[name])
}

impl Program {
    fn found(&self) -> bool {
        env::var_os(self.variable).is_some_and(|named| !named.is_empty()) || on_path(self.names)
    }

    fn shown(&self) -> String {
        match (self.variable, self.names.first()) {
            ("", Some(name)) => format!("{name} on the path"),
            (variable, None) => format!("the variable {variable}"),
            (variable, Some(name)) => format!("{name} on the path or the variable {variable}"),
        }
    }
}

/// Whether one of these programs is on the path.
pub fn on_path(names: &[&str]) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.iter().any(|folder| names.iter().any(|name| folder.join(name).is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_is_skipped_says_how_to_run_it() {
        let shown: Vec<_> = GROUPS.iter().flat_map(|it| it.programs).map(Program::shown).collect();
        assert_eq!(shown[0], "vector on the path or the variable VECTOR");
        assert!(shown.contains(&"script on the path".to_owned()), "{shown:?}");
        assert!(shown.contains(&"the variable WASMTIME_PYTHON".to_owned()), "{shown:?}");
    }

    #[test]
    fn a_program_is_looked_for_on_the_path() {
        assert!(on_path(&["orgwatch-no-such-program", "cargo"]));
        assert!(!on_path(&["orgwatch-no-such-program"]));
    }
}
