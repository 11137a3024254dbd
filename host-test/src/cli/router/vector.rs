//! The parts of a Vector configuration that come from the pack.

use std::fmt::Write as _;

use orgwatch::rules::Pack;

use super::wanted::{DISGUISED, Wanted, escaped};

/// The VRL condition of the tap: true for every event that any rule could match, and for everything
/// that does not have an event's name where a record has it, which the detector looks into.
///
/// `(?i)` folds more than lower case does, so it lets too much pass and never too little.
pub(super) fn condition(pack: &Pack) -> String {
    let wanted = Wanted::of(pack);
    let comments = wanted.comments("");
    if wanted.is_every() {
        return comments + "true\n";
    }
    let is_rare = |name: &&str| wanted.rare.iter().any(|(rare, _)| rare == name);
    let plain = wanted.names.iter().copied().filter(|name| !is_rare(name));
    let mut condition =
        format!("{comments}wanted, err = match(.eventName, r'(?i)^(?:{})$')\n", any_of(plain));
    for (name, texts) in &wanted.rare {
        let texts = texts.iter().map(|text| format!("contains(request, \"{text}\")"));
        // Where the parameters have another place, the whole event is looked into.
        let _ = write!(
            condition,
            "if err == null && !wanted && downcase(to_string(.eventName) ?? \"\") == {name:?} {{\n  \
             request = encode_json(.requestParameters)\n  \
             if .requestParameters == null {{ request = encode_json(.) }}\n  \
             wanted = {}\n}}\n",
            texts.collect::<Vec<_>>().join(" || ")
        );
    }
    if !wanted.texts.is_empty() {
        let texts = any_of(wanted.texts.iter().copied());
        let _ = write!(
            condition,
            "if err == null && !wanted {{\n  \
             wanted = match(encode_json(.), r'(?i:{texts})|{DISGUISED}')\n}}\n"
        );
    }
    condition + "err != null || wanted\n"
}

/// An expression for any of these texts.
fn any_of<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let escaped = texts.map(|text| text.chars().map(escaped).collect::<String>());
    escaped.collect::<Vec<_>>().join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wanted_name_is_in_it() {
        let pack = orgwatch::rules::builtin_pack();
        let condition = condition(&pack);
        let names = pack.rules.iter().flat_map(|rule| &rule.event_names);
        let mut count = 0;
        for name in names {
            assert!(condition.contains(name.as_str()), "{name}");
            count += 1;
        }
        assert!(count > 50);
    }
}
