//! `orgwatch screen`.

use serde_json::json;

use crate::support;
use crate::util::{Sandbox, gzip, leaving, quiet};

const RULE: &str = "\
title: Instances were described
logsource: {product: aws, service: cloudtrail}
detection: {reads: {eventName: DescribeInstances}, condition: reads}
";

#[test]
fn only_candidates_are_printed_and_as_they_are() {
    let sandbox = Sandbox::new();
    let odd = leaving(2).to_string().replace("\":\"", "\" : \"");
    let object = json!({ "Records": [quiet(1)] }).to_string();
    let object = object.replace("]}", &format!(",{odd}]}}"));
    sandbox.file("s3/x.json.gz", gzip(object.as_bytes()));
    sandbox.file("s3/y.json", format!("{}\n{}\n", quiet(3), quiet(4)));
    let ran = sandbox.run(&["screen", "s3"]);
    ran.expect(1, 0).says("1 event may match a rule").says("events          4");
    assert_eq!(ran.out, format!("{odd}\n"));
    assert_eq!(sandbox.run(&["screen", "s3", "-q"]).expect(1, 0).err, "");
    // Rules of somebody's own, in place of ours.
    sandbox.file("mine/rule.yml", RULE);
    let own = sandbox.run(&["screen", "s3", "-q", "--rules", "mine", "--no-pack"]);
    assert_eq!(own.expect(3, 0).out, [1, 3, 4].map(|n| format!("{}\n", quiet(n))).concat());
}

#[test]
fn what_passes_has_the_findings_of_all() {
    let sandbox = Sandbox::new();
    let records = support::case_records();
    let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
    sandbox.file("all.ndjson", lines);
    let passed = sandbox.run(&["screen", "all.ndjson", "-q"]);
    sandbox.file("passed.ndjson", &passed.out);
    let found = sandbox.scan(&["passed.ndjson", "-q"]).findings();
    assert!(found.len() > 500);
    assert_eq!(found, sandbox.scan(&["all.ndjson", "-q"]).findings());
    // In shapes that are no record at the top, too.
    let shapes = support::root().join("tests/shapes");
    let passed = sandbox.run(&["screen", shapes.to_str().unwrap(), "-q"]);
    assert!(passed.out.lines().count() > 20, "{}", passed.err);
}

#[test]
fn what_cannot_be_read_is_named_with_its_line_and_exits_with_2() {
    let sandbox = Sandbox::new();
    let broken = leaving(1).to_string().replace('}', "");
    sandbox.file("x.ndjson", format!("{}\n\nnot JSON\n{broken}\n{}\n", quiet(1), leaving(2)));
    let ran = sandbox.run(&["screen", "x.ndjson"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.out.contains(&leaving(2).to_string()), "{}", ran.out);
    ran.says("x.ndjson:3: ");
    sandbox.run(&["screen", "none"]).expect(0, 2).says("none: ");
    sandbox.run(&["screen", "x.ndjson", "--rules", "none"]).expect(0, 2);
}
