//! The events that an approval covers, and the approvals that the checker of the settings lets through.

use super::*;

/// A pattern that fits everybody of one partition passed for one that names somebody.
#[test]
fn an_approval_for_everybody_is_refused() {
    let opened = |principal: &str| {
        let settings = json!({"approvals": [{"reason": "x", "until": "2027-01-01T00:00:00Z",
            "principals": [principal]}]});
        Detector::open(&settings.to_string())
    };
    for everybody in [
        "arn:aws:*",
        "arn:?ws:*",
        "arn:aws:iam::*",
        "arn:aws:sts::*:assumed-role/*",
        "arn:aws:iam::????????????:role/*",
        "arn:aws:iam::*:root",
        "*:role/*",
        "*e*",
    ] {
        let problems = opened(everybody).expect_err(everybody);
        assert!(problems[0].problem.contains("arn:aws:iam::*:role/migration"), "{problems:?}");
    }
    for somebody in ["arn:aws:iam::*:role/migration", "arn:aws:iam::111122223333:*"] {
        assert!(opened(somebody).is_ok(), "{somebody}");
    }
}

/// An approval for one organization covered an invitation that may lead anywhere.
#[test]
fn an_approval_for_organizations_does_not_cover_an_unknown_one() {
    let settings = json!({"approvals": [{"reason": "MIGR-2", "until": "2027-01-01T00:00:00Z",
        "principals": ["arn:aws:sts::444455556666:assumed-role/ops/*"],
        "organizations": ["o-newhome2026"]}]})
    .to_string();
    let to = |organization: &str| {
        let arn =
            format!("arn:aws:organizations::999999999999:handshake/{organization}/invite/h-1");
        json!({"responseElements": {"handshake": {"id": "h-1", "action": "INVITE", "arn": arn}}})
    };
    for (name, more, status) in [
        ("AcceptHandshake", to("o-newhome2026"), Status::Approved),
        ("AcceptHandshake", to("o-zzzzzzzzzz"), Status::New),
        ("AcceptHandshake", to("somewhere"), Status::New),
        ("AcceptHandshake", json!({"responseElements": null}), Status::New),
        ("AcceptHandshake", json!({"responseElements": {"handshake": {"id": "h-1"}}}), Status::New),
        // An exit names none.
        ("LeaveOrganization", json!({}), Status::Approved),
    ] {
        let event = event(1, name, "organizations", "2026-06-01T12:00:00Z", more.clone());
        assert_eq!(detect(&settings, &[event])[0].status, status, "{name} {more}");
    }
}

/// `+5m` was a duration, and a time without a zone was one, which the schema refuses.
#[test]
fn the_checker_takes_no_sign_and_no_time_without_a_zone() {
    for late in ["+5m", "-5m", " 5m", "5 m", "m", "٥m", "5M", "5.0m"] {
        let settings = json!({ "late": late }).to_string();
        assert!(Detector::open(&settings).is_err(), "{late}");
    }
    for (time, fine) in [
        ("2026-12-31T00:00:00Z", true),
        ("2026-12-31T00:00:00.25+02:00", true),
        ("2026-12-31T00:00:00", false),
        ("2026-12-31T00:00:00z", false),
        (" 2026-12-31T00:00:00Z", false),
        ("2026-13-31T00:00:00Z", false),
    ] {
        let settings = json!({ "learning_until": time }).to_string();
        assert_eq!(Detector::open(&settings).is_ok(), fine, "{time}");
    }
}
