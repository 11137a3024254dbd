//! The parts of a Fluent Bit configuration that come from the pack.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use orgwatch::rules::Pack;

/// The filter of the tap: keeps every line in which an `eventName` stands that any rule names, as a
/// record's own or in an event that it is wrapped in, be it JSON or JSON inside text; and every line in which
/// another form of a record names such an event.
///
/// One regular expression over the text of the line, because that is the cheapest that Fluent Bit has
/// for a list of names: it neither parses the line nor copies it. Names are put together by their
/// beginnings; as a plain list they cost half as much again. Case counts, as ignoring it would double
/// the cost of the expression; CloudTrail writes each name in one way only, which is also the rules'. A name
/// that rules want only with some text beside it passes with that text behind it: CloudTrail writes the
/// name before the request's parameters.
pub(super) fn filter(pack: &Pack) -> String {
    let rare = pack.rare_names();
    let all: Vec<&str> = pack.event_names.iter().map(String::as_str).collect();
    let is_rare = |name: &&str| rare.iter().any(|(rare, _)| rare.eq_ignore_ascii_case(name));
    let (with_text, names): (Vec<&str>, Vec<&str>) = all.iter().copied().partition(is_rare);
    // Names are letters and digits; anything else would mean something in an expression.
    let plain = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let beside = with_text.iter().map(|name| {
        let texts = rare.iter().filter(|(rare, _)| rare.eq_ignore_ascii_case(name));
        let texts: Vec<&str> = texts.flat_map(|(_, texts)| texts).copied().collect();
        format!(r#"|{name}\\*".*{}"#, any_of(&texts))
    });
    let beside: String = beside.collect();
    let own = match all.iter().all(plain) && !names.is_empty() {
        true => format!(r#"\\*"\s*:\s*(?:\[\s*)?\\*"(?:{}\\*"{beside})"#, any_of(&names)),
        false => String::new(),
    };
    // An object or a text that begins with a record is decided by the first. The second is for the forms of a
    // lake or an index, and costs nothing where it does not look.
    let other = r#"\A(?!\{"(?:eventVersion|Records":\[\{"eventVersion|(?:message|log)":"\{\\"eventVersion))"#;
    format!(
        "    # `orgwatch router fluent-bit` prints this filter from the pack.\n    \
         - name: grep\n      match: orgwatch.findings\n      logical_op: or\n      regex:\n        \
         - 'message eventName{own}'\n        \
         - 'message {other}.*?(?:action|operation|eventname){own}'\n"
    )
}

/// An expression for any of these texts and no other.
fn any_of(texts: &[&str]) -> String {
    let mut branches: BTreeMap<char, Vec<&str>> = BTreeMap::new();
    let mut ends = false;
    for text in texts {
        let mut rest = text.chars();
        match rest.next() {
            Some(first) => branches.entry(first).or_default().push(rest.as_str()),
            None => ends = true,
        }
    }
    let several = branches.len() > 1 || ends && !branches.is_empty();
    let mut expression = String::new();
    for (index, (first, rests)) in branches.iter().enumerate() {
        let bar = if index == 0 { "" } else { "|" };
        let _ = write!(expression, "{bar}{first}{}", any_of(rests));
    }
    let optional = if ends && several { "?" } else { "" };
    if several { format!("(?:{expression}){optional}") } else { expression }
}

#[cfg(test)]
mod tests {
    use orgwatch::rules;

    use super::*;

    #[test]
    fn beginnings_are_put_together() {
        assert_eq!(any_of(&["ab"]), "ab");
        assert_eq!(any_of(&["abc", "abd", "x"]), "(?:ab(?:c|d)|x)");
        assert_eq!(any_of(&["ab", "abc"]), "ab(?:c)?");
        assert_eq!(any_of(&[]), "");
    }

    #[test]
    fn every_name_that_a_rule_wants_is_known_as_the_rule_writes_it() {
        let pack = rules::builtin_pack();
        let mut wanted: Vec<&str> =
            pack.rules.iter().flat_map(|rule| &rule.event_names).map(String::as_str).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut written: Vec<String> =
            pack.event_names.iter().map(|name| name.to_lowercase()).collect();
        written.sort_unstable();
        assert_eq!(written, wanted);
        assert!(written.len() > 50);
        assert!(pack.event_names.iter().all(|name| name.starts_with(char::is_uppercase)));
    }
}
