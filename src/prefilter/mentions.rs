//! Wanted names in text that says `eventName` and is no record in a form that is read: the output of other programs,
//! in their own syntax.

use std::cell::LazyCell;

use memchr::memmem;

use super::names::Name;
use super::{KEY, Prefilter};

/// How many bytes an escape takes at most: `\u0027`.
const LONGEST_ESCAPE: usize = 6;

impl Prefilter {
    /// A wanted name in a line that says `eventName`, and not as the key of another event.
    pub(crate) fn mentions<'a>(&self, line: &'a [u8]) -> Option<&'a str> {
        let behind = |at: usize| line.get(at.saturating_add(KEY.len())..).unwrap_or_default();
        let mut names = memmem::find_iter(line, KEY).map(|at| self.name_behind(behind(at)));
        let is_other = |name: Name| matches!(name, Name::Other | Name::Notification);
        if names.next().is_none_or(is_other) || names.any(is_other) {
            return None;
        }
        let has_rare = LazyCell::new(|| self.has_rare(line));
        let is_wanted =
            |name: &&[u8]| self.names.contain(name) && (!self.is_rare(name) || *has_rare);
        let mut escaped = false;
        let mut words = line.split_inclusive(|byte| !is_of_word(byte));
        let name = words.find_map(|word| {
            let (end, name) = match word.split_last() {
                Some((end, name)) if !is_of_word(end) => (*end, name),
                _ => (b' ', word),
            };
            // An escape may stand right before a name.
            let most = if escaped { LONGEST_ESCAPE } else { 1 };
            escaped = matches!(end, b'%' | b'\\');
            (0..most).filter_map(|start| name.get(start..)).find(is_wanted)
        })?;
        std::str::from_utf8(name).ok()
    }
}

fn is_of_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::super::{Prefilter, Verdict};

    /// `eventName` in the syntax of other programs, with the name in place of `@`.
    const SYNTAXES: [&str; 14] = [
        "{'eventName': '@'}",
        "[{'eventSource': 'x', 'eventName': '@'}]",
        "time=1 eventName=@ eventSource=x",
        "time=1 eventName=\"@\" x={}",
        "%7B%22eventName%22%3A%22@%22%7D",
        "{&quot;eventName&quot;:&quot;@&quot;}",
        r#"{"log":"{\u0027eventName\u0027: \u0027@\u0027}"}"#,
        r#"{"log":"eventName:\n@\n"}"#,
        r#"{"results":[[{"field":"eventName","value":"@"}]]}"#,
        r#"[{"Key":"eventName","Value":"@"},{"Key":"eventSource","Value":"x"}]"#,
        r#"{"Item":{"eventName":{"S":"@"},"eventSource":{"S":"x"}}}"#,
        "eventName: @",
        "<eventName>@</eventName>",
        "eventName,eventSource",
    ];

    #[test]
    fn a_wanted_name_in_another_syntax_is_no_record_and_not_passed_over() {
        let filter = Prefilter::of_names(vec!["leaveorganization", "assumerole"])
            .with_rare([("assumerole", vec!["OrganizationAccountAccessRole"])]);
        let verdicts = |line: &str| {
            let mut verdict = None;
            filter.lines(line.as_bytes(), |_, of_line| verdict = Some(of_line));
            assert_eq!(verdict, Some(filter.document(line.as_bytes())), "{line}");
            (verdict.unwrap(), filter.may_match(line.as_bytes()))
        };
        for syntax in SYNTAXES {
            for name in ["LeaveOrganization", "LEAVEORGANIZATION"] {
                let line = syntax.replace('@', name);
                if line != syntax {
                    assert_eq!(verdicts(&line), (Verdict::Candidate, true), "{line}");
                    assert_eq!(filter.mentions(line.as_bytes()), Some(name), "{line}");
                }
            }
            if syntax.contains("eventName\\") {
                // It may be a key.
                continue;
            }
            for name in ["DescribeLeaveOrganization", "LeaveOrganizations", "AssumeRole", "x"] {
                let line = syntax.replace('@', name);
                let (verdict, may_match) = verdicts(&line);
                let is_none = matches!(verdict, Verdict::Foreign(1, None) | Verdict::Unreadable(_));
                assert!(is_none && !may_match, "{line}: {verdict:?}");
            }
        }
    }

    #[test]
    fn a_name_beside_a_key_is_no_mention() {
        let filter = Prefilter::of_names(vec!["leaveorganization"]);
        for line in [
            r#"{"eventName":"Other","log":"eventName=LeaveOrganization"}"#,
            r#"{"log":"LeaveOrganization"}"#,
            r#"{"eventName":"ObjectCreated:Put","key":"LeaveOrganization"}"#,
        ] {
            assert_eq!(filter.mentions(line.as_bytes()), None, "{line}");
            assert_ne!(filter.document(line.as_bytes()), Verdict::Candidate, "{line}");
        }
    }
}
