//! Publishing and fetching with `wkg`, and fetching as a pod of Kubernetes does, against a real registry on loopback.
//!
//! It needs `wkg`, and Debian's `docker-registry` and `skopeo`, by the variables `WKG`, `DOCKER_REGISTRY` and `SKOPEO`
//! or on the path; `cargo xtask test --full` installs all.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use orgwatch_host::plugin::Artifact;

use crate::packaging::kubernetes;
use crate::support;

/// A registry with an empty store, gone when dropped.
struct Registry {
    process: Child,
    address: String,
    dir: tempfile::TempDir,
    wkg: PathBuf,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Registry {
    fn start() -> Self {
        let wkg = support::program("WKG", "wkg");
        let program = support::program("DOCKER_REGISTRY", "docker-registry");
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let config = dir.path().join("registry.yml");
        let store = dir.path().join("store");
        let text = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            store.display()
        );
        fs::write(&config, text).unwrap();
        let log = fs::File::create(dir.path().join("registry.log")).unwrap();
        let process = Command::new(program)
            .arg("serve")
            .arg(&config)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut registry = Registry { process, address, dir, wkg };
        registry.wait();
        registry
    }

    fn wait(&mut self) {
        let start = Instant::now();
        while TcpStream::connect(&self.address).is_err() {
            let ended = self.process.try_wait().unwrap();
            let log = fs::read_to_string(self.dir.path().join("registry.log")).unwrap();
            assert!(ended.is_none(), "the registry ended: {ended:?}\n{log}");
            assert!(start.elapsed() < Duration::from_secs(60), "it does not listen:\n{log}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs wkg, for which this registry speaks plain HTTP; gives whether it succeeded, and what it
    /// said.
    fn wkg(&self, args: &[&str]) -> (bool, String) {
        let config = self.path("config.toml");
        let text = format!(
            "[namespace_registries]\norgwatch = \"{0}\"\n[registry.\"{0}\"]\ntype = \"oci\"\n\
             [registry.\"{0}\".oci]\nprotocol = \"http\"\n",
            self.address
        );
        fs::write(&config, text).unwrap();
        let output = Command::new(&self.wkg)
            .args(args)
            .current_dir(self.dir.path())
            .env("WKG_CONFIG_FILE", config)
            .env("WKG_CACHE_DIR", self.path("cache"))
            .env("WKG_OCI_INSECURE", &self.address)
            .env("HOME", self.dir.path())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let (ok, said) = self.wkg(args);
        assert!(ok, "wkg {}\n{said}", args.join(" "));
        said
    }

    fn manifest(&self, name: &str, tag: &str) -> serde_json::Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "GET /v2/{name}/manifests/{tag} HTTP/1.0\r\nAccept: \
             application/vnd.oci.image.manifest.v1+json\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }

    fn orgwatch(&self, args: &[&str]) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_orgwatch"))
            .args(args)
            .current_dir(support::root())
            .env("ORGWATCH_CACHE_DIR", self.path("compiled"))
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    }

    /// Pushes a file, pulls it by version and by digest, and gives where what came back is.
    fn there_and_back(&self, file: &Path, name: &str) -> PathBuf {
        let bytes = fs::read(file).unwrap();
        let module = orgwatch_artifact::Module::parse(&bytes).unwrap();
        let said = |section: &str| std::str::from_utf8(module.custom(section).unwrap()).unwrap();
        let reference = format!("{}/orgwatch/{name}", self.address);
        let version = said("version");
        let pushed = self.ok(&[
            "oci",
            "push",
            "--annotation",
            &format!("org.opencontainers.image.version={version}"),
            "--annotation",
            &format!("org.opencontainers.image.licenses={}", said("licenses")),
            &format!("{reference}:{version}"),
            file.to_str().unwrap(),
        ]);
        let digest = pushed.lines().find_map(|line| line.strip_prefix("digest: ")).unwrap();
        let annotations = self.manifest(&format!("orgwatch/{name}"), version)["annotations"].take();
        assert_eq!(annotations["org.opencontainers.image.version"], version);

        let (by_version, by_digest) = (format!("{name}.wasm"), format!("{name}-again.wasm"));
        self.ok(&["oci", "pull", &format!("{reference}:{version}"), "--output", &by_version]);
        self.ok(&["oci", "pull", &format!("{reference}@{digest}"), "--output", &by_digest]);
        assert!(fs::read(self.path(&by_version)).unwrap() == bytes, "{name} by version");
        assert!(fs::read(self.path(&by_digest)).unwrap() == bytes, "{name} by digest");

        let other = format!("{reference}@sha256:{}", "0".repeat(64));
        assert!(!self.wkg(&["oci", "pull", &other, "--output", "none.wasm"]).0);
        assert!(!self.path("none.wasm").exists());
        self.path(&by_digest)
    }
}

#[test]
#[ignore = "needs wkg and docker-registry: WKG and DOCKER_REGISTRY, or both on the path"]
fn what_is_pushed_comes_back_and_runs() {
    let registry = Registry::start();
    let artifact = Artifact::find(None).expect("cargo xtask test builds the component first");
    let file = registry.path("orgwatch.wasm");
    fs::write(&file, artifact.bytes()).unwrap();
    let component = registry.there_and_back(&file, "orgwatch");
    let component = component.to_str().unwrap();
    let (code, said) = registry.orgwatch(&[
        "scan",
        "samples/incident.ndjson",
        "--settings",
        "samples/settings.yaml",
        "--format",
        "json",
        "--component",
        component,
    ]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("\"rule\":\"member-left-organization\""), "{said}");
    let (code, said) = registry.orgwatch(&["verify", component]);
    assert_eq!(code, 0, "{said}");

    let module = support::dist("-fluent-bit.wasm");
    let module = registry.there_and_back(&module, "orgwatch-fluent-bit");
    let (code, said) = registry.orgwatch(&["verify", module.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
}

/// The init containers of `packaging/kubernetes/fluent-bit.yaml`, with folders for its volumes: what the first
/// fetches is what the second verifies, and nothing else passes.
#[test]
#[ignore = "needs wkg, docker-registry and skopeo: WKG, DOCKER_REGISTRY and SKOPEO, or all on the path"]
fn a_pod_fetches_the_module_and_verifies_it() {
    let registry = Registry::start();
    let module = support::dist("-fluent-bit.wasm");
    registry.there_and_back(&module, "orgwatch-fluent-bit");

    let fetch = kubernetes::container("fluent-bit.yaml", "fetch-module");
    let volume = registry.path("volume");
    let here = format!("docker://{}/", registry.address);
    let mut skopeo = Command::new(support::program("SKOPEO", "skopeo"));
    for word in fetch["args"].as_array().unwrap() {
        let word = word.as_str().unwrap().replace("docker://ghcr.io/", &here);
        skopeo.arg(word.replace("dir:/module", &format!("dir:{}", volume.display())));
    }
    let output = skopeo.arg("--src-tls-verify=false").env("TMPDIR", registry.dir.path()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    // The release, and the digest as docs/install.md takes it from there.
    let bytes = fs::read(&module).unwrap();
    let digest = orgwatch_artifact::digest(&bytes).replace("sha256:", "");
    let name = module.file_name().unwrap().to_str().unwrap();
    let keys = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let sums = format!("{digest}  {name}\n");
    let signed = minisign::sign(None, &keys.sk, sums.as_bytes(), None, None).unwrap();

    let verify = kubernetes::container("fluent-bit.yaml", "verify-module");
    let pod = registry.path("pod");
    for mount in verify["volumeMounts"].as_array().unwrap() {
        let path = pod.join(mount["mountPath"].as_str().unwrap().trim_start_matches('/'));
        let source = mount["subPath"].as_str().unwrap_or_default();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match source {
            "MODULE_SHA256" => drop(fs::copy(volume.join(&digest), path).unwrap()),
            "SHA256SUMS" => fs::write(path, &sums).unwrap(),
            "SHA256SUMS.minisig" => fs::write(path, signed.clone().into_string()).unwrap(),
            "" => {
                fs::create_dir_all(&path).unwrap();
                fs::write(path.join("orgwatch.pub"), keys.pk.to_box().unwrap().into_string())
                    .unwrap();
            }
            other => panic!("{other} is in no volume"),
        }
    }
    let args = verify["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
    let args: Vec<_> = args
        .map(|word| match word.strip_prefix('/') {
            Some(path) => pod.join(path).display().to_string(),
            None => word.to_owned(),
        })
        .collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let (code, said) = registry.orgwatch(&args);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("signed      with the key"), "{said}");

    let verified = Path::new(args.last().unwrap());
    fs::write(verified, [&bytes[..], b"\0\x02\x01x"].concat()).unwrap();
    let (code, said) = registry.orgwatch(&args);
    assert_eq!(code, 2, "{said}");
}

#[test]
#[ignore = "needs wkg and docker-registry: WKG and DOCKER_REGISTRY, or both on the path"]
fn the_contract_is_published_and_held_to_its_version() {
    let registry = Registry::start();
    let contract = support::root().join("wit");
    registry.ok(&["build", "--wit-dir", contract.to_str().unwrap(), "--output", "contract.wasm"]);
    registry.ok(&["publish", "contract.wasm"]);
    registry.ok(&["get", "orgwatch:detector@1.0.0", "--format", "wit", "--output", "./got.wit"]);
    let parse = |text: &str| {
        let mut resolve = wit_parser::Resolve::default();
        let package = resolve.push_str("detector.wit", text).unwrap();
        (resolve.packages[package].name.to_string(), resolve.types.len(), resolve.interfaces.len())
    };
    let text = fs::read_to_string(contract.join("detector.wit")).unwrap();
    assert_eq!(parse(&fs::read_to_string(registry.path("got.wit")).unwrap()), parse(&text));

    // wkg holds the next version to this one, as our own tests do.
    let changed = text
        .replace("detector@1.0.0;", "detector@1.1.0;")
        .replace("    repeat: bool,\n", "    repeat: bool,\n    more: string,\n");
    assert_ne!(changed, text);
    fs::create_dir_all(registry.path("changed")).unwrap();
    fs::write(registry.path("changed/detector.wit"), changed).unwrap();
    registry.ok(&["build", "--wit-dir", "changed", "--output", "changed.wasm"]);
    let (published, said) = registry.wkg(&["publish", "changed.wasm"]);
    assert!(!published, "{said}");
}
