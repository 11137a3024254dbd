//! A folder, a detector and the command.
#![allow(dead_code, missing_docs)]

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

/// A folder to scan.
pub struct Sandbox(tempfile::TempDir);

impl Sandbox {
    /// Needs a detector: a test that had none and passed would say nothing.
    pub fn new() -> Self {
        let embedded = orgwatch_host::plugin::Artifact::embedded();
        assert!(embedded.is_some(), "built without a component: run `cargo xtask test`");
        Sandbox(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orgwatch"));
        command
            .current_dir(self.0.path())
            .env("ORGWATCH_CACHE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command().args(args).output().unwrap())
    }

    pub fn scan(&self, args: &[&str]) -> Ran {
        Ran::from(self.command().arg("scan").args(args).output().unwrap())
    }

    /// A scan that is written to, and read from, while it runs.
    pub fn scan_live(&self, args: &[&str]) -> Child {
        let mut command = self.command();
        command.arg("scan").args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    pub fn scan_stdin(&self, args: &[&str], input: &[u8]) -> Ran {
        let mut child = self
            .command()
            .arg("scan")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Ran::from(child.wait_with_output().unwrap())
    }
}

#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            code: output.status.code().expect("ends by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    pub fn findings(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[track_caller]
    pub fn expect(&self, findings: usize, code: i32) -> &Self {
        assert_eq!((self.out.lines().count(), self.code), (findings, code), "{self:#?}");
        self
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.err.contains(text), "{text:?} is not in {self:#?}");
        self
    }
}

/// An account leaving its organization, with an id of its own.
pub fn leaving(id: u32) -> Value {
    json!({
        "eventVersion": "1.09",
        "eventID": format!("00000000-0000-4000-8000-{id:012}"),
        "eventTime": "2026-05-04T03:02:01Z",
        "eventSource": "organizations.amazonaws.com",
        "eventName": "LeaveOrganization",
        "eventType": "AwsApiCall",
        "awsRegion": "us-east-1",
        "recipientAccountId": "111122223333",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.0",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": "arn:aws:sts::111122223333:assumed-role/admin/mallory",
            "accountId": "111122223333",
        },
        "requestParameters": null,
        "responseElements": null,
    })
}

pub fn quiet(id: u32) -> Value {
    let mut event = leaving(id);
    event["eventName"] = "DescribeInstances".into();
    event["eventSource"] = "ec2.amazonaws.com".into();
    event
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
