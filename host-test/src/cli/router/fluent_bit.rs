//! The parts of a Fluent Bit configuration that come from the pack.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use orgwatch::rules::{self, Pack};

use super::wanted::{DISGUISED, Wanted, escaped};

/// The filter of the tap: keeps every line in which an `eventName` stands that any rule names, as a
/// record's own or in an event that it is wrapped in, be it JSON or JSON inside text; every line in which
/// another form of a record names such an event; and every line with a text that rules want which name none.
///
/// One regular expression over the text of the line, because that is the cheapest that Fluent Bit has
/// for a list of names: it neither parses the line nor copies it. Names are put together by their
/// beginnings; as a plain list they cost half as much again. Case counts in the names that the pack of orgwatch
/// has, too, as ignoring it would double the cost of the expression; they are written as CloudTrail
/// writes them, which for others nobody has looked at. A name that rules want only with some text beside it
/// passes with that text behind it: CloudTrail writes the name before the request's parameters, which other
/// forms do not.
pub(super) fn filter(pack: &Pack) -> String {
    let wanted = Wanted::of(pack);
    let mut expressions = Vec::new();
    if wanted.is_every() {
        expressions.push(".".to_owned());
    } else {
        // An object or a text that begins with a record is decided by the first. The second is for the forms of
        // a lake or an index, and costs nothing where it does not look.
        let other = r#"\A(?!\{"(?:eventVersion|Records":\[\{"eventVersion|(?:message|log)":"\{\\"eventVersion))"#;
        if !wanted.names.is_empty() {
            let (own, of_others) = (value(&wanted, true), value(&wanted, false));
            expressions.push(format!("eventName{own}"));
            let keys = "(?:action|operation|(?i:eventname))";
            expressions.push(format!("{other}.*?{keys}{of_others}"));
        }
        if !wanted.texts.is_empty() {
            expressions.push(format!("(?i:{})|{DISGUISED}", any_of(&wanted.texts)));
        }
    }
    let expressions: String =
        expressions.iter().map(|regex| format!("        - 'message {regex}'\n")).collect();
    let comments = wanted.comments("    ");
    format!(
        "    # `orgwatch router fluent-bit` prints this filter from the pack.\n{comments}    \
         - name: grep\n      match: orgwatch.findings\n      logical_op: or\n      regex:\n{expressions}"
    )
}

/// An expression for what stands behind a key that names an event which rules want, from its quote on.
fn value(wanted: &Wanted<'_>, parameters_follow: bool) -> String {
    let builtin = rules::builtin_pack();
    let (mut known, mut others, mut beside) = (Vec::new(), Vec::new(), String::new());
    for name in &wanted.names {
        let same = |written: &&String| written.eq_ignore_ascii_case(name);
        // As CloudTrail writes it, however a rule of somebody's own does.
        let written = builtin.event_names.iter().find(same);
        let rare = wanted.rare.iter().find(|(rare, _)| rare == name);
        match (rare.filter(|_| parameters_follow), written) {
            (Some((_, texts)), Some(name)) => {
                let _ = write!(beside, r#"|{name}\\*".*{}"#, any_of(texts));
            }
            (Some((_, texts)), None) => {
                let _ = write!(beside, r#"|(?i:{})\\*".*{}"#, any_of(&[name]), any_of(texts));
            }
            (None, Some(name)) => known.push(name.as_str()),
            (None, None) => others.push(*name),
        }
    }
    let mut names = Vec::new();
    if !known.is_empty() {
        names.push(format!(r#"{}\\*""#, any_of(&known)));
    }
    if !others.is_empty() {
        names.push(format!(r#"(?i:{})\\*""#, any_of(&others)));
    }
    let names = names.join("|") + &beside;
    format!(r#"\\*"\s*:\s*(?:\[\s*)?\\*"(?:{})"#, names.trim_start_matches('|'))
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
        let _ = write!(expression, "{bar}{}{}", escaped(*first), any_of(rests));
    }
    let optional = if ends && several { "?" } else { "" };
    if several { format!("(?:{expression}){optional}") } else { expression }
}

#[cfg(test)]
mod tests {
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
