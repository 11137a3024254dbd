//! The incident, had its principal been approved.

use serde_json::Value;

use crate::support;
use crate::util::Sandbox;

const APPROVED: &str = r#"
management_account: "111122223333"
organization: o-h7k2m9x4qd
approvals:
  - reason: "MIGR-1234: the account moves to its new owner"
    principals:
      - "arn:aws:sts::444455556666:assumed-role/ops-automation/*"
      - "arn:aws:iam::444455556666:role/ops-automation"
      - "arn:aws:iam::222233334444:role/OrganizationDeployer"
    accounts: ["444455556666", "222233334444", "111122223333"]
    until: 2026-12-01T00:00:00Z
"#;

fn incident() -> String {
    support::root().join("samples/incident.ndjson").display().to_string()
}

#[test]
fn approving_the_principal_turns_its_findings_approved() {
    let sandbox = Sandbox::new();
    sandbox.file("approved.yaml", APPROVED);
    sandbox.file("expired.yaml", APPROVED.replace("2026-12-01", "2026-11-01"));
    let incident = incident();
    // An approval that is over approves nothing.
    let plain = sandbox.scan(&[&incident, "--settings", "expired.yaml", "--fail-on", "low"]);
    assert_eq!(plain.code, 1, "{plain:#?}");
    let ran = sandbox.scan(&[&incident, "--settings", "approved.yaml", "--fail-on", "low"]);
    // All findings are of what it did, and none of them is hidden.
    assert_eq!(ran.code, 0, "{ran:#?}");
    let (approved, plain) = (ran.findings(), plain.findings());
    assert_eq!(ids(&approved), ids(&plain));
    for finding in &approved {
        assert_eq!(finding["status"], "approved", "{finding:#}");
        assert_eq!(finding["status_reason"], "MIGR-1234: the account moves to its new owner");
    }
    assert!(plain.iter().all(|finding| finding["status"] != "approved"));
    assert!(plain.iter().any(|finding| finding["status"] == "new"));
    assert!(plain.iter().any(|finding| finding["rule"] == "power-then-exit"));
    assert!(plain.iter().any(|finding| finding["rule"] == "exit-to-another-organization"));
}

#[test]
fn approving_somebody_else_approves_nothing() {
    let sandbox = Sandbox::new();
    let other = APPROVED.replace("role/ops-automation", "role/other");
    sandbox.file("other.yaml", other.replace("OrganizationDeployer", "other"));
    let ran = sandbox.scan(&[&incident(), "--settings", "other.yaml", "--fail-on", "critical"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    // An event of AWS itself names nobody, and is approved by its account alone, as is a chain that
    // it completes.
    let mut new = 0;
    for finding in ran.findings().iter().filter(|finding| finding["parts"].is_null()) {
        let of_aws = finding["event_name"] == "AccountDepartedOrganization";
        assert!(of_aws || finding["status"] != "approved", "{finding:#}");
        new += usize::from(!of_aws);
    }
    assert!(new > 3);
}

fn ids(findings: &[Value]) -> Vec<&Value> {
    findings.iter().map(|finding| &finding["id"]).collect()
}
