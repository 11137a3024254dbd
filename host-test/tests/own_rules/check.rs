//! `orgwatch rules check`, `rules test` and `rules new`.

use serde_json::Value;

use super::{SLUG, starter};

#[test]
fn the_starter_is_right() {
    let sandbox = starter();
    sandbox.run(&["rules", "new", "mine"]).expect(0, 2).says("not an empty folder");
    let checked = sandbox.run(&["rules", "check", "--strict", "mine"]);
    checked.expect(3, 0);
    assert!(
        checked.out.starts_with("mine/rules/database_snapshot_shared.yml\n"),
        "{}",
        checked.out
    );
    assert!(
        checked.out.contains("  names  events named modifydbsnapshotattribute"),
        "{}",
        checked.out
    );
    let tested = sandbox.run(&["rules", "test", "mine", "--junit", "results.xml", "--strict"]);
    assert_eq!(tested.code, 0, "{tested:?}");
    assert_eq!(
        tested.out,
        "ok      cases/database-snapshot-shared/with-a-stranger\n\
         ok      cases/database-snapshot-shared/with-our-backups\n\
         2 cases of 1 rule: 2 hold, 0 failed\n"
    );
    let xml = std::fs::read_to_string(sandbox.path("results.xml")).unwrap();
    assert!(xml.contains("tests=\"2\"") && xml.contains("failures=\"0\""), "{xml}");
}

/// A chain of chains said `findings of `, and nothing behind it.
#[test]
fn a_chain_names_what_feeds_it() {
    let sandbox = starter();
    let chain = |name: &str, feeds: &str| {
        let text = format!(
            "title: {name}\nname: {name}\ncorrelation:\n  type: event_count\n  rules: [{feeds}]\n  \
             group-by: [recipientAccountId]\n  timespan: 1h\n  condition: {{gte: 2}}\n"
        );
        sandbox.file(&format!("mine/rules/{name}.yml"), text);
    };
    chain("often", SLUG);
    chain("very-often", "often");
    let checked = sandbox.run(&["rules", "check", "mine"]);
    let told = |feeds: &str| checked.out.contains(&format!("chain  findings of {feeds}\n"));
    assert!(told(SLUG) && told("often"), "{}", checked.out);
}

#[test]
fn a_case_that_does_not_hold_says_why() {
    let sandbox = starter();
    let expected = "mine/cases/database-snapshot-shared/with-a-stranger/findings.ndjson";
    sandbox.file(expected, format!("{{\"rule\":\"{SLUG}\",\"severity\":\"low\"}}\n"));
    sandbox
        .file("mine/cases/broken/events.ndjson", "{\"eventName\": \"ModifyDBSnapshotAttribute\"\n");
    sandbox.file("mine/cases/broken/findings.ndjson", "");
    sandbox.file(
        "mine/rules/silent.yml",
        std::fs::read_to_string(sandbox.path("mine/rules/database_snapshot_shared.yml"))
            .unwrap()
            .replace("Database snapshot shared", "Cluster snapshot shared")
            .replace("ModifyDBSnapshotAttribute", "ModifyDBClusterSnapshotAttribute")
            .replace("3d1c6f0a", "4d1c6f0a"),
    );
    let tested = sandbox.run(&["rules", "test", "mine", "--junit", "results.xml"]);
    assert_eq!(tested.code, 1, "{tested:?}");
    for line in [
        "FAILED  cases/database-snapshot-shared/with-a-stranger",
        "        - {\"rule\":\"database-snapshot-shared\",\"severity\":\"low\"}",
        "        + {\"rule\":\"database-snapshot-shared\",\"severity\":\"high\"}",
        "FAILED  cases/broken",
        "        events.ndjson, line 1: ",
        "mine/rules/silent.yml: warning: cluster-snapshot-shared fires in no case",
        "3 cases of 2 rules: 1 hold, 2 failed",
    ] {
        assert!(tested.out.contains(line), "{line:?} is not in {}", tested.out);
    }
    let xml = std::fs::read_to_string(sandbox.path("results.xml")).unwrap();
    assert!(xml.contains("failures=\"1\"") && xml.contains("errors=\"1\""), "{xml}");
    let json = sandbox.run(&["rules", "test", "mine", "--json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["cases"][1]["missing"][0]["severity"], "low", "{json}");
}

#[test]
fn what_cannot_be_used_has_its_own_exit_code() {
    let sandbox = starter();
    sandbox.file("mine/rules/worse.yml", "title: Worse\nlevel: hgih\n");
    let checked = sandbox.run(&["rules", "check", "mine"]);
    assert_eq!(checked.code, 2, "{checked:?}");
    assert!(checked.out.contains("mine/rules/worse.yml:"), "{checked:?}");
    assert!(checked.out.ends_with("1 rule loaded, 1 refused\n"), "{checked:?}");
    let json = sandbox.run(&["rules", "check", "mine", "--json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (&json["loaded"], &json["rules"][0]["cost"]),
        (&1.into(), &"names".into()),
        "{json}"
    );
    assert_eq!(json["refusals"][0]["file"], "mine/rules/worse.yml", "{json}");
    let tested = sandbox.run(&["rules", "test", "mine"]);
    assert_eq!(tested.code, 2, "{tested:?}");
    sandbox.file(
        "other.yml",
        "title: W\nlogsource: {product: windows}\ndetection: {s: {a: b}, condition: s}\n",
    );
    let other = sandbox.run(&["rules", "check", "other.yml"]);
    assert!(other.code == 2 && other.out.contains("no rule of other.yml can be used"), "{other:?}");
    sandbox.run(&["rules", "test", "mine", "--strict"]).expect(0, 2).says("--strict");
    std::fs::remove_dir_all(sandbox.path("mine/cases")).unwrap();
    sandbox.run(&["rules", "test", "mine"]).expect(0, 2).says("there is no case below mine");
}
