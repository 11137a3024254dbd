//! Wildcards over the ARNs of principals, and whether they name anybody in particular.

use orgwatch_sigma::Glob;

use super::check::Allowed;

/// Whom an approval may name.
pub(super) const PRINCIPAL: Allowed = Allowed {
    valid: |text| {
        !text.trim().is_empty()
            && !text.contains("**")
            && !text.contains(|c: char| c.is_control())
            && names_somebody(text)
    },
    allowed: "a wildcard over principals names an account (arn:aws:iam::111122223333:*) or some of the \
              name (arn:aws:iam::*:role/migration): * stands for any text and ? for one character; ** \
              and what fits nearly everybody are not allowed",
};

/// The partitions of AWS.
const PARTITIONS: &[&str] =
    &["aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"];

/// The ARNs that principals have, behind the partition, with `A` for the account and `N` for the name.
const FORMS: &[&str] = &[
    "iam::A:user/N",
    "iam::A:role/N",
    "iam::A:root",
    "sts::A:assumed-role/N",
    "sts::A:federated-user/N",
];

/// Whether a pattern fits only ARNs of one account, or only names of which it says something. The
/// type of a resource (`role/`) is no name, and neither is `root`, which every account has.
fn names_somebody(pattern: &str) -> bool {
    if pattern.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() == 12) {
        return true;
    }
    let loose = loosened(pattern);
    let name = loose.rsplit_once(':').map(|(_, resource)| {
        let (_, name) = resource.split_once('/').unwrap_or(("", resource));
        name
    });
    if name.is_some_and(|name| name.trim_matches(['*', '/']).is_empty()) {
        return false;
    }
    // An account and a name of characters that no pattern can hold: only wildcards fit them.
    let anybody = ["\u{1}/".repeat(64), "\u{1}".into()].concat();
    let glob = Glob::wildcard(&loose);
    !PARTITIONS.iter().any(|partition| {
        FORMS.iter().any(|form| {
            let form = form.replace('A', "\u{1}").replace('N', &anybody);
            glob.matches(&format!("arn:{partition}:{form}"))
        })
    })
}

/// A pattern that fits more: without what narrows it too little. A `?` is as good as a `*`, fewer
/// digits than an account has are in many accounts, and a single character between two wildcards is
/// in nearly every name.
fn loosened(pattern: &str) -> String {
    let name = pattern.rfind(':').unwrap_or(pattern.len());
    let wild = |(at, c): (usize, char)| match c {
        '?' => '*',
        c if c.is_ascii_digit() && at < name => '*',
        c => c,
    };
    let loose: String = pattern.char_indices().map(wild).collect();
    let mut runs: Vec<&str> = loose.split('*').collect();
    if let [_, between @ .., _] = runs.as_mut_slice() {
        for run in between {
            if run.chars().count() == 1 && !matches!(*run, ":" | "/") {
                *run = "";
            }
        }
    }
    runs.join("*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_named() {
        for pattern in [
            "arn:aws:iam::*:role/migration",
            "arn:aws:iam::*:role/migration-*",
            "arn:aws:iam::*:role/*-migration",
            "arn:aws:iam::*:role/*migration*",
            "arn:aws:iam::*:role/m",
            "arn:aws:iam::*:role/m*",
            "arn:aws:iam::*:role/7",
            "arn:aws:iam::*:role/path/*",
            "arn:aws:iam::*:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Migration_*",
            "arn:aws:iam::*:user/alice",
            "arn:aws:iam::????????????:user/alice",
            "arn:aws:iam::111122223333:*",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:iam::111122223333:root",
            "arn:*:iam::111122223333:root",
            "arn:aws:sts::111122223333:assumed-role/*/*",
            "arn:aws:sts::111122223333:*",
            "arn:aws:sts::*:assumed-role/migration/*",
            "arn:aws:sts::*:assumed-role/*/alice@example.com",
            "arn:aws-us-gov:sts::*:assumed-role/migration/*",
            "arn:?ws:iam::*:role/migration",
            "*:111122223333:*",
            "*111122223333*",
            "*:role/migration",
            "*/migration",
            "*/migration/*",
            "*migration*",
            "*/admin",
            "?b",
        ] {
            assert!((PRINCIPAL.valid)(pattern), "{pattern}");
        }
    }

    #[test]
    fn nobody_is_named() {
        for pattern in [
            "",
            " ",
            "*",
            "?",
            "?*",
            "*?*",
            "a**b",
            "a*",
            "*a*",
            "*1*",
            "*z*",
            "*:*",
            "*/*",
            "*/*/*",
            "*:*/*",
            "arn*",
            "arn:*",
            "?rn:*",
            "arn:aws*",
            "arn:aws:*",
            "arn:?ws:*",
            "arn:a*:*",
            "arn:aws-cn:*",
            "arn:aws-us-gov:*",
            "arn:aws:iam:*",
            "arn:aws:iam::*",
            "arn:aws:sts::*",
            "arn:aws:*:*:*:*",
            "arn:aws:iam::*:*",
            "arn:aws:iam::*:*/*",
            "arn:aws:iam::*:r*",
            "arn:aws:iam::*:user*",
            "arn:aws:iam::*:user/*",
            "arn:aws:iam::*:user/?*",
            "arn:aws:iam::*:user/????????",
            "arn:aws:iam::*:role/*",
            "arn:aws:iam::*:role/*/*",
            "arn:aws:iam::*:role/*a*",
            "arn:aws:iam::*:group/*",
            "arn:aws:iam::*:root",
            "arn:*:iam::*:root",
            "arn:aws:iam::????????????:user/*",
            "arn:aws:iam::11112222????:role/*",
            "arn:aws:iam::1*:*",
            "arn:aws:iam::1111222233334:*",
            "arn:aws:sts::*:assumed-role/*",
            "arn:aws:sts::*:assumed-role/*/*",
            "arn:aws:sts::*:federated-user/*",
            "arn:aws:s3:::*",
            "*:role/*",
            "*:assumed-role/*",
            "*:group/*",
            "*role*",
            "*-role/*",
            "*root*",
            "*:root",
            "*iam*",
            "*gov*",
            "*::*:*",
        ] {
            assert!(!(PRINCIPAL.valid)(pattern), "{pattern}");
        }
    }
}
