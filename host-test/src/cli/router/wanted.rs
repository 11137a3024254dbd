//! The events that the rules of a pack want, for the conditions of routers.

use orgwatch::rules::{Pack, Rule, Witness};

/// The characters of JSON that may read as a letter of a text: an escape, and those beyond ASCII whose lower
/// case is in it. Both routers' expressions mean the same by it.
pub(super) const DISGUISED: &str =
    r"[\u212A\u0130]|(?i:\\u(?:00(?:2[^267bf]|3[^cde]|[4-7])|212a|0130))";

/// The witnesses of all rules.
pub(super) struct Wanted<'a> {
    /// The names, in lower case, in order.
    pub(super) names: Vec<&'a str>,
    /// Those of the names that rules want only with one of some texts beside, and these texts.
    pub(super) rare: Vec<(&'a str, Vec<&'a str>)>,
    /// The texts, in lower case, in order.
    pub(super) texts: Vec<&'a str>,
    /// The rules that want every event.
    every: Vec<&'a str>,
    /// The rules that want many.
    wide: Vec<&'a str>,
}

impl<'a> Wanted<'a> {
    pub(super) fn of(pack: &'a Pack) -> Wanted<'a> {
        let mut wanted = Wanted {
            names: Vec::new(),
            rare: pack.rare_names(),
            texts: Vec::new(),
            every: Vec::new(),
            wide: Vec::new(),
        };
        for rule in &pack.rules {
            wanted.add(rule);
        }
        for list in [&mut wanted.names, &mut wanted.texts] {
            list.sort_unstable();
            list.dedup();
        }
        wanted
    }

    fn add(&mut self, rule: &'a Rule) {
        let slug = rule.about.slug.as_str();
        let plain = |text: &String| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        match rule.witness() {
            Witness::Names(names) if names.iter().all(plain) => {
                self.names.extend(names.iter().map(String::as_str));
            }
            Witness::Texts(texts) if texts.iter().all(plain) => {
                self.texts.extend(texts.iter().map(String::as_str));
            }
            Witness::Wide(texts) if texts.iter().all(plain) => {
                self.texts.extend(texts.iter().map(String::as_str));
                self.wide.push(slug);
            }
            _ => self.every.push(slug),
        }
    }

    /// Whether a rule wants every event.
    pub(super) fn is_every(&self) -> bool {
        !self.every.is_empty()
    }

    /// Comments on the rules that make the condition wide, by name.
    pub(super) fn comments(&self, indent: &str) -> String {
        let comment = |rules: &[&str], passes: &str| match rules {
            [] => String::new(),
            rules => format!("{indent}# {passes} because of {}.\n", rules.join(", ")),
        };
        match self.is_every() {
            true => comment(&self.every, "Every event passes"),
            false => comment(&self.wide, "Many events pass"),
        }
    }
}

/// A character in a regular expression, without any meaning; a slash as it is or escaped in JSON.
pub(super) fn escaped(c: char) -> String {
    match c {
        '/' => r"(?:\\*/|\\+u002[fF])".into(),
        c if c.is_ascii_alphanumeric() || !c.is_ascii() => c.into(),
        c => format!(r"\x{:02x}", u32::from(c)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use orgwatch::detector::Detector;
    use regex::Regex;

    use super::super::tests::{item, pack};
    use super::{DISGUISED, escaped};

    /// The pieces of which a slash is made here, be it right or wrong.
    const PIECES: [&str; 7] = ["/", "\\", "u002f", "u002F", "u002e", "u005c", " "];

    #[test]
    fn a_slash_may_be_written_for_routers_as_for_screening() {
        let text = "kiosks/maker";
        let regex: String = text.chars().map(escaped).collect();
        let regex = Regex::new(&format!("(?i:{regex})|{DISGUISED}")).unwrap();
        let pack = Arc::new(pack(&[("own-agent", item("userAgent", text, true))]));
        let detector = Detector::with_pack(pack, "{}").unwrap();

        let mut slashes = vec![String::new()];
        for longest in [0, 1, 8, 57] {
            let longer = |slash: &String| PIECES.map(|piece| format!("{slash}{piece}"));
            slashes.extend(slashes[longest..].iter().flat_map(longer).collect::<Vec<_>>());
        }
        let (start, end) =
            (r#"{"eventVersion":"1.09","userAgent":"kiosks"#, r#"maker","eventName":"X"}"#);
        let lines: Vec<String> =
            slashes.iter().map(|slash| format!("{start}{slash}{end}")).collect();
        let screened = detector.screen(lines.join("\n").as_bytes());
        for (number, line) in (1..).zip(&lines) {
            let passes = screened.spans.iter().any(|span| span.line == number);
            assert_eq!(regex.is_match(line), passes, "{line}");
        }
        assert!((2..lines.len()).contains(&screened.spans.len()));
    }
}
