//! Witnesses: the cheap sign of a record that a rule may match, by which most records are told before any is
//! parsed. A witness is necessary and never sufficient.

use std::fmt;

use crate::Rule;

/// The witness of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Witness<'a> {
    /// The record has one of these `eventName`s.
    Names(&'a [String]),
    /// One of these texts stands somewhere in the record, in any case.
    Texts(&'a [String]),
    /// The same, but records of most kinds have one.
    Wide(&'a [String]),
    /// There is none: every record has to be evaluated.
    None,
}

impl Witness<'_> {
    /// The class, as commands print it.
    pub fn class(&self) -> &'static str {
        match self {
            Witness::Names(_) => "names",
            Witness::Texts(_) => "texts",
            Witness::Wide(_) => "wide",
            Witness::None => "none",
        }
    }
}

impl fmt::Display for Witness<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Witness::Names(names) => write!(f, "events named {}", names.join(", ")),
            Witness::Texts(texts) | Witness::Wide(texts) => {
                let quoted: Vec<_> = texts.iter().map(|text| format!("{text:?}")).collect();
                write!(f, "records with {}", quoted.join(" or "))
            }
            Witness::None => f.write_str("every record"),
        }
    }
}

impl Rule {
    /// The sign of the records that it may match.
    pub fn witness(&self) -> Witness<'_> {
        if !self.event_names.is_empty() {
            return Witness::Names(&self.event_names);
        }
        match self.texts.iter().map(|text| rarity(text)).min() {
            None => Witness::None,
            Some(least) if least < RARE => Witness::Wide(&self.texts),
            Some(_) => Witness::Texts(&self.texts),
        }
    }

    /// The same rule without one, evaluated on every record: the rule that its witness is measured against.
    #[must_use]
    pub fn without_witness(&self) -> Rule {
        Rule { event_names: Vec::new(), verbatim: Vec::new(), texts: Vec::new(), ..self.clone() }
    }
}

/// The rarity from which on a text is not wide.
const RARE: usize = 6;

/// Words of many records, be it as keys or as values. Their parts are as frequent.
const FREQUENT: &[&str] = &[
    "accountid",
    "additionaleventdata",
    "amazonaws.com",
    "arn:aws:iam::",
    "arn:aws:sts::",
    "assumed-role",
    "assumedrole",
    "awsapicall",
    "awsserviceevent",
    "awsserviceroleforautoscaling",
    "boto3",
    "console.amazonaws.com",
    "credentials",
    "eventcategory",
    "false",
    "iamuser",
    "management",
    "mozilla",
    "principalid",
    "recipientaccountid",
    "requestparameters",
    "responseelements",
    "root",
    "sessioncontext",
    "sessionissuer",
    "sourceipaddress",
    "true",
    "us-east-1",
    "useragent",
    "useridentity",
    "username",
];

/// The services that are called all the time.
const BUSY: &[&str] = &[
    "autoscaling",
    "config",
    "dynamodb",
    "ec2",
    "ecr",
    "elasticloadbalancing",
    "iam",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "rds",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "sts",
];

/// How rare a text in lower case is among records, by its length and the words above.
pub(crate) fn rarity(text: &str) -> usize {
    if FREQUENT.iter().any(|frequent| frequent.contains(text)) {
        return 0;
    }
    match text.strip_suffix(".amazonaws.com") {
        Some(service) if BUSY.contains(&service) => 2,
        Some(_) => 12,
        // What all ARNs begin with says little.
        None if text.starts_with("arn:") => text.len().saturating_sub(14),
        None => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_words_are_wide() {
        for wide in ["root", "assumedrole", "awsapicall", "arn:aws:s3:::", "ec2.amazonaws.com"] {
            assert!(rarity(wide) < RARE, "{wide}");
        }
        for rare in ["trufflehog", "guardduty.amazonaws.com", "updatefunctionconfiguration"] {
            assert!(rarity(rare) >= RARE, "{rare}");
        }
    }
}
