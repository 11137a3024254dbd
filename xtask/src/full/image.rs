//! The image, pushed to a registry, pulled from it, unpacked and run.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::packages::REPEAT;
use super::registry;
use crate::apt;
use crate::dist::dist;
use crate::dist::machine::Machine;
use crate::needs::on_path;
use crate::process::output;
use crate::steps::Steps;
use crate::workspace::Workspace;

/// Nobody, as the image names it.
const NOBODY: &str = "65534:65534";

/// Runs it all.
pub fn check(workspace: &Workspace, steps: &mut Steps, machine: &Machine) -> Result<()> {
    let registry = steps.run("prepare a registry", REPEAT, || {
        if !on_path(&["umoci"]) {
            apt::install(&["umoci"])?;
        }
        registry::registry()
    })?;
    steps.run("push the image to a registry, pull it and run it", REPEAT, || {
        let folder = workspace.target.join("image-test");
        output(apt::as_root("rm")?.arg("-rf").arg(&folder))?;
        fs::create_dir_all(&folder)?;
        let registry = Registry::start(&registry, &folder)?;
        round_trip(workspace, machine, &registry, &folder)
    })
}

fn round_trip(
    workspace: &Workspace,
    machine: &Machine,
    registry: &Registry,
    folder: &Path,
) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let archive = dist(workspace).join(format!("orgwatch-{version}-{}.oci.tar", machine.debian));
    let archive = format!("oci-archive:{}:{version}", archive.display());
    let published = format!("docker://{}/orgwatch/orgwatch:{version}", registry.address);
    let pulled = format!("oci:{}:{version}", folder.join("pulled").display());
    output(skopeo("copy").args(["--dest-tls-verify=false", &archive, &published]))?;
    output(skopeo("copy").args(["--src-tls-verify=false", &published, &pulled]))?;
    let manifest = |image: &str| output(skopeo("inspect").args(["--raw", image]));
    ensure!(manifest(&archive)? == manifest(&pulled)?, "another manifest came back");

    let config: Value =
        serde_json::from_str(&output(skopeo("inspect").args(["--config", &pulled]))?)?;
    let said = |pointer: &str| config.pointer(pointer).cloned().unwrap_or_default();
    ensure!(said("/config/User") == NOBODY, "it runs as {}", said("/config/User"));
    ensure!(said("/config/Entrypoint") == serde_json::json!(["/orgwatch"]), "{config}");
    ensure!(said("/architecture") == machine.debian, "{config}");
    let labels = said("/config/Labels");
    ensure!(labels["org.opencontainers.image.version"] == version, "{labels}");
    ensure!(labels["org.opencontainers.image.licenses"] == "Apache-2.0", "{labels}");

    let (layout, bundle) = (folder.join("pulled"), folder.join("bundle"));
    let image = format!("{}:{version}", layout.display());
    output(apt::as_root("umoci")?.args(["unpack", "--image", &image]).arg(&bundle))?;
    let root = bundle.join("rootfs");
    let files =
        output(apt::as_root("find")?.arg(&root).args(["-mindepth", "1", "-printf", "%P %m\\n"]))?;
    ensure!(files == "orgwatch 755", "there is more in it than the command:\n{files}");

    let mut run = apt::as_root("chroot")?;
    run.arg(format!("--userspec={NOBODY}")).arg(&root);
    run.args(["/orgwatch", "scan", "-", "--format", "json", "--quiet"]);
    let events = fs::read(workspace.root.join("samples/incident.ndjson"))?;
    let mut process = run.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    process.stdin.take().context("its input")?.write_all(&events)?;
    let done = process.wait_with_output()?;
    let findings = String::from_utf8_lossy(&done.stdout);
    ensure!(done.status.success(), "it ends with {}", done.status);
    ensure!(findings.contains("\"rule\":\"member-left-organization\""), "it finds\n{findings}");
    eprintln!("    {} findings as {NOBODY}", findings.lines().count());
    Ok(())
}

/// Without the machine's policy of signatures, which may be missing.
fn skopeo(command: &str) -> Command {
    let mut skopeo = Command::new("skopeo");
    skopeo.args(["--insecure-policy", command]);
    skopeo
}

/// A registry on loopback with an empty store, ended when dropped.
struct Registry {
    process: Child,
    address: String,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Registry {
    fn start(program: &Path, folder: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let config = folder.join("registry.yml");
        let store = folder.join("store");
        let text = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            store.display()
        );
        fs::write(&config, text)?;
        let log = fs::File::create(folder.join("registry.log"))?;
        let mut command = Command::new(program);
        command.arg("serve").arg(config).env("OTEL_TRACES_EXPORTER", "none");
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let registry = Self { process: command.spawn()?, address };
        let start = Instant::now();
        while TcpStream::connect(&registry.address).is_err() {
            ensure!(start.elapsed() < Duration::from_secs(60), "the registry does not listen");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(registry)
    }
}
