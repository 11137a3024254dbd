//! The page as a file.

use std::fs;

use crate::util::{Sandbox, leaving};

fn files(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(sandbox.path("")).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_same_events_give_the_same_bytes() {
    let sandbox = Sandbox::new();
    let events: String = (0..50).map(|id| format!("{}\n", leaving(id))).collect();
    sandbox.file("file", events);
    sandbox.scan(&["file", "--report", "one.html"]).expect(50, 0).says("one.html");
    sandbox.scan(&["file", "--report", "two.html", "--quiet", "--format", "ocsf"]).expect(50, 0);
    let read = |name| fs::read(sandbox.path(name)).unwrap();
    assert!(read("one.html") == read("two.html"));
    assert_eq!(files(&sandbox), ["file", "one.html", "two.html"]);
}

#[test]
fn a_report_that_cannot_be_is_refused_before_anything_is_read() {
    let sandbox = Sandbox::new();
    sandbox.file("logs/file", leaving(1).to_string());
    sandbox.file("settings.yaml", "{}");
    for (path, says) in [
        ("none/page.html", "cannot write the report none/page.html"),
        ("logs", "it is a folder"),
        ("-", "--report needs a file"),
        ("/dev/null", "it is no file"),
        ("logs/file", "would replace logs/file, which this run reads"),
        ("settings.yaml", "would replace settings.yaml, which this run reads"),
    ] {
        let scan = ["logs/file", "--settings", "settings.yaml", "--report", path];
        sandbox.scan(&scan).expect(0, 2).says(says);
    }
    assert_eq!(files(&sandbox), ["logs", "settings.yaml"]);
}

#[test]
fn the_page_of_an_earlier_run_is_not_scanned() {
    let sandbox = Sandbox::new();
    sandbox.file("file", leaving(1).to_string());
    for _ in 0..2 {
        sandbox.scan(&[".", "--report", "page.html"]).expect(1, 0).says("in 1 file");
    }
}

#[test]
fn what_is_hidden_is_counted_and_what_came_again_is_not_repeated() {
    let sandbox = Sandbox::new();
    sandbox.file("file", leaving(1).to_string());
    let page = || fs::read_to_string(sandbox.path("page.html")).unwrap();
    let critical = ["file", "--report", "page.html", "--state", "state"];
    sandbox.scan(&critical).expect(1, 0);
    assert!(page().contains("<h1>1 finding in account 111122223333</h1>"), "{}", page());
    sandbox.scan(&critical).expect(0, 0);
    assert!(page().contains("<h1>No new findings</h1>"), "{}", page());
    assert!(page().contains("1 finding, not shown twice"), "{}", page());

    let mut denied = leaving(2);
    denied["errorCode"] = "AccessDenied".into();
    sandbox.file("file", denied.to_string());
    sandbox.scan(&["file", "--report", "page.html", "--min-severity", "critical"]).expect(0, 0);
    assert!(page().contains("<h1>No findings of severity critical or above</h1>"), "{}", page());
    assert!(page().contains("1 finding below critical"), "{}", page());
    assert!(!page().contains("found anything"), "{}", page());
    assert!(page().contains("1 high"), "{}", page());
}

#[test]
fn a_page_is_a_file_like_any_other_and_keeps_its_permissions() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let sandbox = Sandbox::new();
    sandbox.file("file", leaving(1).to_string());
    let plain = sandbox.file("plain", "").metadata().unwrap().permissions().mode();
    let mode = |name| sandbox.path(name).metadata().unwrap().permissions().mode();
    sandbox.scan(&["file", "--report", "page.html"]).expect(1, 0);
    assert_eq!(mode("page.html"), plain);
    fs::set_permissions(sandbox.path("page.html"), fs::Permissions::from_mode(0o600)).unwrap();
    symlink("page.html", sandbox.path("link.html")).unwrap();
    sandbox.scan(&["file", "--report", "link.html"]).expect(1, 0);
    assert_eq!(mode("page.html") & 0o777, 0o600);
    assert!(sandbox.path("link.html").symlink_metadata().unwrap().is_symlink());
}

#[test]
fn a_reader_that_goes_away_does_not_take_the_page_with_it() {
    let sandbox = Sandbox::new();
    let events: String = (0..2000).map(|id| format!("{}\n", leaving(id))).collect();
    sandbox.file("file", events);
    let mut child = sandbox
        .command()
        .args(["scan", "file", "--quiet", "--report", "page.html"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let page = fs::read_to_string(sandbox.path("page.html")).unwrap();
    assert!(page.contains("<h1>2,000 findings in account 111122223333</h1>"));
    assert!(page.contains("the other 1,500 in a line each"));
}
