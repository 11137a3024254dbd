//! Input, settings and options that cannot be read or used.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orgwatch_host::plugin::{Artifact, Options, Plugin};
use serde_json::json;

use crate::support;
use crate::util::{Ran, Sandbox, gzip, leaving, quiet};

#[test]
fn bad_lines_are_reported_and_all_others_examined() {
    let sandbox = Sandbox::new();
    let deep = format!(
        "{{\"eventName\":\"LeaveOrganization\",\"a\":{}{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let long =
        format!("{{\"eventName\":\"LeaveOrganization\",\"a\":\"{}\"}}", "x".repeat(16 << 20));
    let mut input = Vec::new();
    for (number, bad) in [
        &b"{\"eventName\":\"LeaveOrganization\",\"eventID\":"[..],
        b"{\"eventName\":\"LeaveOrganization\",\"a\":\"\xff\xfe\"}",
        b"not json at all",
        deep.as_bytes(),
        long.as_bytes(),
    ]
    .into_iter()
    .enumerate()
    {
        let number = u32::try_from(number).unwrap();
        input.extend(format!("{}\n", leaving(number)).bytes());
        input.extend(bad);
        input.push(b'\n');
    }
    input.extend(leaving(99).to_string().bytes());
    sandbox.file("bad", &input);
    let ran = sandbox.scan(&["bad"]);
    ran.expect(6, 2).says("unreadable      5");
    for line in [2, 4, 6, 8, 10] {
        ran.says(&format!("orgwatch: bad:{line}: "));
    }
    ran.says("bad:10: longer than 16 MiB");
    // Only their number is reported, if there are many.
    sandbox.file("many", format!("{}\n{}", leaving(1), "nonsense\n".repeat(1000)));
    let ran = sandbox.scan(&["many"]);
    ran.expect(1, 2).says("many: 980 more could not be read");
    assert_eq!(ran.err.matches("many:").count(), 21);
    let ran = sandbox.scan(&["--quiet", "many"]);
    ran.expect(1, 2);
    assert_eq!(ran.err, "");
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_others_are_scanned() {
    let sandbox = Sandbox::new();
    sandbox.file("good", leaving(1).to_string());
    let ran = sandbox.scan(&["missing", "good", "--fail-on", "low"]);
    ran.expect(1, 2).says("orgwatch: missing: cannot be opened: No such file");
}

#[test]
fn a_broken_gzip_is_named_and_what_it_holds_is_scanned() {
    let sandbox = Sandbox::new();
    let lines: String = (0..5000).map(|id| format!("{}\n", quiet(id))).collect();
    let whole = gzip(format!("{}\n{lines}", leaving(1)).as_bytes());
    sandbox.file("cut.gz", &whole[..whole.len() / 2]);
    sandbox.scan(&["cut.gz"]).expect(1, 2).says("cut.gz: gzip is corrupt or cut off after ");
    let mut damaged = whole.clone();
    let crc = damaged.len() - 8;
    damaged[crc] ^= 1;
    sandbox.file("damaged.gz", &damaged);
    sandbox.scan(&["damaged.gz"]).expect(1, 2).says("damaged.gz: gzip is corrupt");
}

#[test]
fn what_is_no_log_is_named() {
    let sandbox = Sandbox::new();
    let zip = [b"PK\x03\x04\x14\0\0\0\x08\0", leaving(1).to_string().as_bytes()].concat();
    sandbox.file("x.zip", &zip);
    sandbox.file("x.zip.gz", gzip(&zip));
    for name in ["x.zip", "x.zip.gz"] {
        let said = format!("{name}: a ZIP archive, not a log: unpack it and scan what is inside");
        sandbox.scan(&[name]).expect(0, 2).says(&said);
    }
    let noise: Vec<u8> =
        (0..99_999_u32).map(|n| (n.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    sandbox.file("noise", &noise);
    sandbox.scan(&["noise"]).expect(0, 2).says("noise: bytes of no known kind");
    // An event in it is found all the same.
    sandbox.file("noise", [&noise[..], b"\n", leaving(1).to_string().as_bytes(), b"\n"].concat());
    sandbox.scan(&["-q", "noise"]).expect(1, 2).says("noise: bytes of no known kind");
    sandbox.file("cut.parquet", b"PAR1\x15\x04\x15\x10");
    sandbox
        .scan(&["cut.parquet"])
        .expect(0, 2)
        .says("cut.parquet: the Parquet file cannot be read");
}

#[test]
fn what_only_looks_like_a_record_is_none_in_files_and_on_standard_input() {
    let sandbox = Sandbox::new();
    for (number, event) in
        [r#"{"a":"b","eventName":["AcceptHandshake"]}"#, r#"{"eventName":"LeaveOrganization"}"#]
            .into_iter()
            .enumerate()
    {
        let name = number.to_string();
        sandbox.file(&name, format!("{event}\n\n"));
        sandbox.scan(&[&name]).expect(0, 2);
        sandbox.scan_stdin(&[], event.as_bytes()).expect(0, 2);
        // Records in one file say nothing of another.
        sandbox.file("records", quiet(1).to_string());
        sandbox.scan(&["records", &name]).expect(0, 2).says(&format!("orgwatch: {name}"));
        sandbox.scan(&["records"]).expect(0, 0);
    }
}

#[test]
fn a_bomb_is_bounded() {
    let sandbox = Sandbox::new();
    let mut bomb = leaving(1).to_string().into_bytes();
    bomb.push(b'\n');
    bomb.resize(50 << 20, b' ');
    sandbox.file("bomb.gz", gzip(&bomb));
    sandbox
        .scan(&["bomb.gz", "--max-decompressed", "1M"])
        .expect(1, 2)
        .says("bomb.gz: decompresses to more than 1048576 bytes");
    // Half a document of 100 MB, in one of 100 kB.
    let mut bomb = b"[".to_vec();
    bomb.extend(b"{\"a\":".repeat(20 << 20));
    sandbox.file("deep.gz", gzip(&bomb));
    sandbox.scan(&["deep.gz"]).expect(0, 2).says("deep.gz:1: ");
}

/// All of a plain stream once had it together, and what came after was refused.
#[test]
fn the_limit_of_decompression_is_for_each_line_and_each_member_of_a_stream() {
    let sandbox = Sandbox::new();
    let subscription = |message: String| {
        let document = json!({ "logEvents": [{ "id": "1", "message": message }] }).to_string();
        let data = STANDARD.encode(gzip(document.as_bytes()));
        format!("{}\n", json!({ "awslogs": { "data": data } }))
    };
    let long = |id| {
        let mut event = quiet(id);
        event["requestParameters"] = json!({ "text": "x".repeat(200_000) });
        event.to_string()
    };
    let mut lines: String = (0..60).map(|id| subscription(long(id))).collect();
    lines += &subscription(leaving(1).to_string());
    sandbox.file("subscriptions", &lines);
    let limit = ["--max-decompressed", "1M"];
    sandbox.scan(&["subscriptions", limit[0], limit[1]]).expect(1, 0);
    sandbox.scan_stdin(&limit, lines.as_bytes()).expect(1, 0);
    let mut members: Vec<u8> =
        (0..60).flat_map(|id| gzip(format!("{}\n", long(id)).as_bytes())).collect();
    members.extend(gzip(leaving(1).to_string().as_bytes()));
    sandbox.scan_stdin(&limit, &members).expect(1, 0);
}

#[test]
fn zeros_behind_a_gzip_are_padding() {
    let sandbox = Sandbox::new();
    let mut padded = gzip(leaving(1).to_string().as_bytes());
    padded.resize(10_240, 0);
    sandbox.file("padded.gz", padded);
    sandbox.scan(&["padded.gz"]).expect(1, 0);
}

/// A lock was left beside it.
#[test]
fn a_state_that_is_no_file_is_refused_and_nothing_is_left_beside_it() {
    let sandbox = Sandbox::new();
    sandbox.file("file", leaving(1).to_string());
    fs::create_dir(sandbox.path("folder")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(sandbox.path("socket")).unwrap();
    for state in ["folder", "socket"] {
        sandbox.scan(&["file", "--state", state]).expect(0, 2).says("not a file");
    }
    let entries = fs::read_dir(sandbox.path("")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["file", "folder", "socket"]);
}

#[test]
fn file_names_may_be_anything() {
    let sandbox = Sandbox::new();
    sandbox.file("logs/\u{1b}[2Jbad", "nonsense");
    let ran = sandbox.scan(&["logs"]);
    // Nothing in the folder is a log.
    ran.expect(0, 2).says("logs/\\u{1b}[2Jbad: passed over: ").says("no CloudTrail record");
    {
        use std::os::unix::ffi::OsStrExt as _;
        let name = Path::new(std::ffi::OsStr::from_bytes(b"no\xffutf8"));
        fs::write(sandbox.path("logs").join(name), leaving(1).to_string()).unwrap();
        sandbox.scan(&["logs"]).expect(1, 0).says("passed over");
    }
}

#[test]
fn settings_are_yaml_and_their_problems_are_named() {
    let sandbox = Sandbox::new();
    sandbox.file("file", leaving(1).to_string());
    sandbox.file("good.yaml", "# ours\nmanagement_account: \"999988887777\"\n");
    sandbox.scan(&["file", "--settings", "good.yaml"]).expect(1, 0);
    sandbox.file("bad.yaml", "no_such_setting: 1\n");
    sandbox
        .scan(&["file", "--settings", "bad.yaml"])
        .expect(0, 2)
        .says("orgwatch: bad.yaml:1: no_such_setting: ");
    sandbox.file("broken.yaml", "a: [\n");
    sandbox
        .scan(&["file", "--settings", "broken.yaml"])
        .expect(0, 2)
        .says("orgwatch: broken.yaml:2: the settings are not YAML");
    sandbox.scan(&["file", "--settings", "none.yaml"]).expect(0, 2).says("none.yaml");
}

#[test]
fn a_component_can_be_named_and_is_checked() {
    let sandbox = Sandbox::new();
    sandbox.file("file", leaving(1).to_string());
    sandbox.file("fake.wasm", "not wasm");
    sandbox
        .scan(&["file", "--component", "fake.wasm"])
        .expect(0, 2)
        .says("cannot use fake.wasm: not a WebAssembly component");
    sandbox.scan(&["file", "--component", "none.wasm"]).expect(0, 2).says("none.wasm");
    let bytes = Artifact::embedded().unwrap();
    sandbox.file("good.wasm", bytes.bytes());
    sandbox.scan(&["file", "--component", "good.wasm"]).expect(1, 0);
}

#[test]
fn a_cache_that_others_can_write_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::new();
    sandbox.file("file", leaving(1).to_string());
    let component = Artifact::embedded().unwrap();
    sandbox.file("embedded.wasm", component.bytes());
    sandbox.file("settings.yaml", "rules: {account-created: off}");
    let bake = ["bake", "--settings", "settings.yaml", "-o", "baked.wasm", "embedded.wasm"];
    assert_eq!(sandbox.run(&bake).code, 0);
    let cache = sandbox.path("cache");
    fs::create_dir(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
    let said = |args: &[&str]| {
        let ran = sandbox.command().args(args).env("ORGWATCH_CACHE_DIR", &cache).output().unwrap();
        let ran = Ran::from(ran);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(cache.read_dir().unwrap().count(), 0);
        ran.err.contains("can be written by others")
    };
    assert!(said(&["scan", "file", "--component", "baked.wasm"]));
    assert!(said(&["verify", "baked.wasm"]));
    // Nothing is to be kept where nothing is compiled: the code of the embedded component is embedded as well,
    // and a module for Fluent Bit is compiled each time.
    let plugin = Plugin::load(component.bytes(), &Options::default()).unwrap();
    let ahead = plugin.is_compiled_ahead();
    assert_eq!(said(&["scan", "file", "--component", "embedded.wasm"]), !ahead);
    assert_eq!(said(&["verify", "embedded.wasm"]), !ahead);
    assert_eq!(said(&["scan", "file"]), !ahead);
    let module = support::dist("-fluent-bit.wasm").display().to_string();
    assert!(!said(&["verify", &module]));
}
