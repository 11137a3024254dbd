//! Settings of the service, in a file and by flags.

use crate::serve::downstream::Downstream;
use crate::serve::service::Service;
use crate::util::Sandbox;

#[test]
fn what_cannot_be_used_is_named_with_its_line() {
    let sandbox = Sandbox::new();
    for (config, said) in [
        ("listen: 0.0.0.0:6003", "serve.yaml:1: listen: \"0.0.0.0:6003\": only a loopback address"),
        (
            "# ours\nforward: https://10.0.0.1/",
            "serve.yaml:2: forward: \"https://10.0.0.1/\": only http://",
        ),
        ("max_body: 1K", "serve.yaml:1: max_body: \"1K\": from 64K to 512M"),
        ("max_in_flight: 0", "serve.yaml:1: max_in_flight: 0: a number from 1"),
        ("timeout: soon", "serve.yaml:1: timeout: \"soon\": \"soon\" is no time"),
        ("findings_only: maybe", "serve.yaml:1: findings_only: \"maybe\": true or false"),
        ("findings_only: false", "serve.yaml:1: findings_only: false: false needs forward"),
        ("log: xml", "serve.yaml:1: log: \"xml\": text or json"),
        ("forwrad: x", "serve.yaml:1: forwrad: \"x\": there is no such setting; forward is one"),
        ("listen: [a]", "serve.yaml:1: listen: [\"a\"]: one value"),
        ("out: a\nforward: http://127.0.0.1:1/", "serve.yaml:1: out: \"a\": goes without forward"),
        (
            "listen: 127.0.0.1:7\nforward: http://localhost:7/",
            "serve.yaml:2: forward: \"http://localhost:7/\": where this listens itself",
        ),
        ("listen: a\nlisten: b", "serve.yaml:2: listen is there already, on line 1"),
        ("- a", "serve.yaml: settings by name: listen, "),
    ] {
        sandbox.file("serve.yaml", config);
        sandbox.run(&["serve", "--config", "serve.yaml"]).expect(0, 2).says(said);
    }
    for (args, said) in [
        (&["--listen", "0.0.0.0:1"][..], "run orgwatch beside each Vector"),
        (&["--forward", "http://example.com/"], "only a loopback address"),
        (&["--out", "a", "--forward", "http://127.0.0.1:1/"], "--out: goes without forward"),
        (&["--findings-only=false"], "--findings-only: false needs forward"),
        (&["--config", "none.yaml"], "cannot read the settings none.yaml"),
        (&["--settings", "none.yaml"], "cannot read the settings none.yaml"),
        (&["--token-file", "none"], "cannot read the token none"),
        (&["--out", "no/such/file"], "cannot write findings to no/such/file"),
    ] {
        sandbox.run(&[&["serve"], args].concat()).expect(0, 2).says(said);
    }
}

#[test]
fn a_file_says_what_flags_do_not() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let config = format!(
        "listen: 127.0.0.1:1\nforward: {}\nfindings_only: true\nmax_in_flight: 3\ntimeout: 7s\n",
        downstream.url()
    );
    sandbox.file("serve.yaml", config);
    // The harness gives --listen, which wins.
    let mut service = Service::start(&sandbox, &["--config", "serve.yaml"]);
    assert!(service.logged("listening")["to"].as_str().unwrap().starts_with("findings go to http"));
    drop(service);
    let mut service =
        Service::start(&sandbox, &["--config", "serve.yaml", "--findings-only=false"]);
    assert!(service.logged("listening")["to"].as_str().unwrap().starts_with("events with"));
    drop(service);
    let mut service = Service::start(&sandbox, &["--config", "serve.yaml", "--out", "findings"]);
    assert_eq!(service.logged("listening")["to"], "findings go to findings");
}

#[test]
fn a_check_gets_in_nobodys_way() {
    let sandbox = Sandbox::new();
    sandbox.file("settings.yaml", "late: 3h\n");
    let args = ["--settings", "settings.yaml", "--state", "state"];
    let running = Service::start(&sandbox, &args);
    let address = running.address.clone();
    let check = [&["serve", "--check", "--listen", &address][..], &args].concat();
    let ran = sandbox.run(&check);
    assert_eq!(
        (ran.code, &*ran.out),
        (0, &*format!("nothing is wrong: the service would listen on {address}\n"))
    );
    sandbox.file("settings.yaml", "late: never\n");
    sandbox.run(&check).expect(0, 2).says("settings.yaml:1: late: \"never\"");
    sandbox.run(&["serve", "--listen", &address]).expect(0, 2).says("cannot listen on");
}

#[test]
fn a_check_reads_the_files_of_a_stream() {
    let sandbox = Sandbox::new();
    sandbox.file("serve.yaml", "from: tls://nats.example:4222/CANDIDATES\nnats_ca: ca.pem\n");
    let check = || sandbox.run(&["serve", "--check", "--config", "serve.yaml"]);
    check().expect(0, 2).says("ca.pem");
    sandbox.file("ca.pem", "no certificate\n");
    check().expect(0, 2).says("there is no CERTIFICATE in it");
    sandbox.file("ca.pem", "-----BEGIN CERTIFICATE-----\n");
    assert_eq!(check().code, 0);
}
