//! Whom a trust policy admits.

use super::*;

const SETTINGS: &str = r#"{"accounts": ["444455556666"], "management_account": "999988887777",
    "organization": "o-a1b2c3d4e5", "trusted_organizations": ["o-newhome2026"]}"#;

/// Whom the finding says that a role admits whose trust policy has this statement.
fn admitted(settings: &str, principal: &Value, condition: &Value) -> Option<String> {
    let document = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": principal, "Condition": condition}});
    let more = json!({"requestParameters": {"roleName": "r",
        "assumeRolePolicyDocument": document.to_string()}});
    let found = detect(settings, &[event(1, "CreateRole", "iam", "2026-06-01T12:00:00Z", more)]);
    let one = found.first().filter(|one| one.rule == "role-trust-widened")?;
    one.summary.rsplit_once("reaches ").map(|(_, whom)| whom.trim_end_matches('.').to_owned())
}

/// Every key that begins like one about the caller kept strangers out, whatever it asked for.
#[test]
fn a_condition_that_anybody_can_meet_keeps_nobody_out() {
    let own = "o-a1b2c3d4e5";
    for condition in [
        // The caller's to choose, in an account of their own.
        json!({"StringEquals": {"aws:PrincipalTag/team": "blue"}}),
        json!({"StringEquals": {"aws:RequestTag/team": "blue"}}),
        json!({"StringEquals": {"aws:username": "admin"}}),
        json!({"StringLike": {"aws:userid": "*:admin"}}),
        json!({"StringEquals": {"aws:SourceIdentity": "admin"}}),
        json!({"StringEquals": {"sts:RoleSessionName": "admin"}}),
        json!({"StringEquals": {"sts:ExternalId": "abc"}}),
        json!({"StringEquals": {"aws:UserAgent": "x"}}),
        json!({"StringEquals": {"aws:Referer": "x"}}),
        json!({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}),
        json!({"Bool": {"aws:SecureTransport": "true"}}),
        json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        json!({"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}}),
        // Values that leave it open.
        json!({"StringLike": {"aws:PrincipalOrgID": "o-*"}}),
        json!({"StringLike": {"aws:PrincipalOrgID": "o-a1b2c3d4e5*"}}),
        json!({"StringEquals": {"aws:PrincipalOrgID": []}}),
        json!({"StringEquals": {"aws:PrincipalOrgID": [own, true, null]}}),
        json!({"StringLike": {"aws:PrincipalOrgID": [own, "*"]}}),
        json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*/r-ab/*"}}),
        json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5*"}}),
        json!({"StringLike": {"aws:PrincipalAccount": "4444*"}}),
        json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/ops"}}),
        json!({"StringLike": {"aws:PrincipalArn": "*:444455556666:*"}}),
        json!({"StringLike": {"aws:PrincipalArn": "arn:*:444455556666:*:444455556666:*"}}),
        json!({"StringLike": {"aws:PrincipalArn": "arn:aws*:iam::444455556666:role/ops"}}),
        json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket"}}),
        json!({"StringLike": {"aws:SourceVpc": "vpc-*"}}),
        json!({"StringLike": {"aws:SourceVpce": "vpce-????????"}}),
        json!({"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}),
        json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}}),
        json!({"IpAddress": {"aws:SourceIp": "203.0.113.7/0"}}),
        json!({"StringLike": {"aws:SourceIp": "2*"}}),
        // Operators that do not ask for what they name.
        json!({"StringNotEquals": {"aws:PrincipalOrgID": own}}),
        json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::444455556666:role/ops"}}),
        json!({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
        json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": own}}),
        json!({"ForAllValues:StringEquals": {"aws:PrincipalOrgID": own}}),
        json!({"Null": {"aws:PrincipalOrgID": "false"}}),
        json!({}),
        json!(null),
    ] {
        for principal in [json!("*"), json!({"AWS": ["*"]}), json!({"AWS": " * "})] {
            let found = admitted(SETTINGS, &principal, &condition);
            assert_eq!(found.as_deref(), Some("everyone"), "{condition}");
        }
    }
}

/// The opposite: what is named keeps everybody else out, whatever stands beside it.
#[test]
fn a_condition_that_names_ones_own_is_believed() {
    for condition in [
        json!({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}),
        json!({"StringEquals": {"AWS:principalorgid": ["o-a1b2c3d4e5", "o-newhome2026"]}}),
        json!({"StringEquals": {"aws:PrincipalAccount": [444455556666u64, "999988887777"]}}),
        json!({"ArnLike": {"aws:PrincipalArn": "arn:aws*:iam::444455556666:*"}}),
        json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::444455556666:role/*"}}),
        json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}}),
        json!({"StringEquals": {"aws:SourceAccount": "444455556666"}}),
        json!({"StringEquals": {"aws:SourceVpc": "vpc-1a2b3c4d"}}),
        json!({"StringEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}),
        json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}}),
        json!({"StringEquals": {"aws:PrincipalTag/team": "blue", "aws:PrincipalAccount": "444455556666"}}),
    ] {
        assert_eq!(admitted(SETTINGS, &json!("*"), &condition), None, "{condition}");
    }
    for condition in [
        json!({"StringEquals": {"aws:PrincipalAccount": ["444455556666", "111111111111"]}}),
        json!({"StringEquals": {"aws:PrincipalOrgID": ["o-a1b2c3d4e5", "o-stranger2026"]}}),
        // An address beside it does not make the account one's own.
        json!({"StringEquals": {"aws:PrincipalAccount": "111111111111"},
            "IpAddress": {"aws:SourceIp": "203.0.113.7"}}),
    ] {
        let found = admitted(SETTINGS, &json!("*"), &condition);
        assert_eq!(found.as_deref(), Some("outside"), "{condition}");
    }
}

/// The management account was a stranger unless it was listed again.
#[test]
fn the_management_account_is_ones_own() {
    for (account, whom) in [
        ("999988887777", None),
        ("444455556666", None),
        ("111111111111", Some("outside")),
        (" 111111111111 ", Some("outside")),
    ] {
        for principal in [account.into(), format!("arn:aws:iam::{}:root", account.trim())] {
            let found = admitted(SETTINGS, &json!({"AWS": principal}), &json!({}));
            assert_eq!(found.as_deref(), whom, "{principal}");
        }
    }
}
