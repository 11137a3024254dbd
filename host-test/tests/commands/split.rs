//! `orgwatch split`.

use serde_json::{Value, json};

use crate::util::{Sandbox, gzip, leaving, quiet};

#[test]
fn what_is_split_is_found_as_in_the_objects() {
    let sandbox = Sandbox::new();
    let object = json!({ "Records": [quiet(1), leaving(2)] }).to_string();
    sandbox.file("s3/a/x.json.gz", gzip(object.as_bytes()));
    sandbox.file("s3/b/x.json.gz", gzip(json!({ "Records": [quiet(3)] }).to_string().as_bytes()));
    let ran = sandbox.run(&["split", "s3", "-o", "events"]);
    ran.expect(0, 0).says("3 events in 2 new files in events");
    assert_eq!(sandbox.scan(&["events", "-q"]).out, sandbox.scan(&["s3", "-q"]).out);

    let again = sandbox.run(&["split", "s3", "-o", "events", "--json"]);
    let done: Value = serde_json::from_str(&again.expect(1, 0).out).unwrap();
    assert_eq!((&done["unchanged"], &done["written"]), (&json!(2), &json!(0)));
}

#[test]
fn what_cannot_be_read_is_named_and_exits_with_2() {
    let sandbox = Sandbox::new();
    sandbox.file("logs/x", format!("{}\nnot JSON\n", leaving(1)));
    sandbox.run(&["split", "logs", "-o", "events"]).expect(0, 2).says("logs/x:2: not JSON");
    // Reported once, as the rest was written.
    sandbox.run(&["split", "logs", "-o", "events"]).expect(0, 0).says("unchanged       1");
    sandbox.run(&["split", "none", "-o", "events"]).expect(0, 2).says("none: ");
    sandbox.run(&["split", "events", "-o", "events"]).expect(0, 2).says("is inside events");
    sandbox
        .run(&["split", "logs", "-o", "logs/x"])
        .expect(0, 2)
        .says("cannot use the folder logs/x");
}
