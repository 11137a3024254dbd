//! Ids that have a page of their own elsewhere.

/// An id, and where it is described.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Link<'a> {
    pub(super) id: &'a str,
    /// Only for ids of the known form: what else stands there leads nowhere.
    pub(super) url: Option<String>,
}

impl<'a> Link<'a> {
    /// A tactic or a technique of MITRE ATT&CK.
    pub(super) fn attack(id: &'a str) -> Self {
        let (technique, sub) = match id.split_once('.') {
            Some((technique, sub)) => (technique, Some(sub)),
            None => (id, None),
        };
        let site = "https://attack.mitre.org";
        let url = match (technique.strip_prefix("TA"), technique.strip_prefix('T'), sub) {
            (Some(digits), _, None) if is_number(digits, 4) => {
                Some(format!("{site}/tactics/{technique}/"))
            }
            (_, Some(digits), None) if is_number(digits, 4) => {
                Some(format!("{site}/techniques/{technique}/"))
            }
            (_, Some(digits), Some(sub)) if is_number(digits, 4) && is_number(sub, 3) => {
                Some(format!("{site}/techniques/{technique}/{sub}/"))
            }
            _ => None,
        };
        Link { id, url }
    }

    /// A technique of the AWS Threat Technique Catalog.
    pub(super) fn catalogue(id: &'a str) -> Self {
        let site = "https://aws-samples.github.io/threat-technique-catalog-for-aws/Techniques";
        // Of AWS's own techniques; the others in it are ATT&CK's.
        let parts = id.strip_prefix('T').and_then(|id| id.split_once(".A"));
        let known = parts.is_some_and(|(one, sub)| is_number(one, 4) && is_number(sub, 3));
        Link { id, url: known.then(|| format!("{site}/{id}.html")) }
    }
}

fn is_number(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_known_form_lead_somewhere() {
        for (id, end) in [
            ("TA0007", "/tactics/TA0007/"),
            ("T1666", "/techniques/T1666/"),
            ("T1087.004", "/techniques/T1087/004/"),
        ] {
            let url = Link::attack(id).url.unwrap();
            assert_eq!(url, format!("https://attack.mitre.org{end}"));
        }
        let url = Link::catalogue("T1666.A002").url.unwrap();
        assert!(url.ends_with("/Techniques/T1666.A002.html"), "{url}");
    }

    #[test]
    fn others_lead_nowhere() {
        for id in
            ["", "T", "T12345", "T1666.A002", "TA0007.001", "T1087.4", "javascript:x", "T1/.."]
        {
            assert_eq!(Link::attack(id).url, None, "{id}");
        }
        for id in ["T1666/../..", "T1666.B002", "T1098", "x"] {
            assert_eq!(Link::catalogue(id).url, None, "{id}");
        }
    }
}
