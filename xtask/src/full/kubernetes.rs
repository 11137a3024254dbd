//! The manifests of `packaging/kubernetes`, against the schemas of Kubernetes: by PyPI's `kubernetes-validate`,
//! which carries them, since those that kubeconform fetches are a download of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::packages::REPEAT;
use crate::process::output;
use crate::python;
use crate::steps::Steps;
use crate::workspace::Workspace;

const VALIDATE: &str = "1.37.0";

/// The oldest version whose sidecars are as ours, and the newest that is known.
const VERSIONS: [&str; 2] = ["1.29", "1.37"];

/// Holds every manifest to the schemas; no key may be there that they do not know.
pub fn check(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let folder = workspace.target.join("kubernetes-venv");
    let python = steps.run("prepare the schemas of Kubernetes", REPEAT, || {
        python::environment(&folder, &[("kubernetes-validate", VALIDATE)])
    })?;
    steps.run("hold the manifests to the schemas of Kubernetes", REPEAT, || {
        let mut manifests = Vec::new();
        for entry in fs::read_dir("packaging/kubernetes")? {
            manifests.push(entry?.path());
        }
        for version in VERSIONS {
            let said = output(&mut validate(&python, version, &manifests))?;
            eprintln!("    {version}: {} resources", said.lines().count());
        }
        // Schemas that find nothing wrong with anything would be no test.
        let broken = workspace.target.join("broken.yaml");
        let manifest = fs::read_to_string(&manifests[0])?;
        fs::write(&broken, manifest.replace("readOnlyRootFilesystem", "readOnlyRoot"))?;
        let accepted = output(&mut validate(&python, VERSIONS[0], &[broken])).is_ok();
        ensure!(!accepted, "a key that Kubernetes does not know was accepted");
        Ok(())
    })
}

fn validate(python: &Path, version: &str, manifests: &[PathBuf]) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "kubernetes_validate", "--strict", "-k", version]).args(manifests);
    command
}
