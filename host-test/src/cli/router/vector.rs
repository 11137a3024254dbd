//! The parts of a Vector configuration that come from the pack.

use std::fmt::Write as _;

use orgwatch::rules::Pack;

/// The VRL condition of the tap: true for every event that any rule could match, and for everything
/// that does not have an event's name where a record has it, which the detector looks into.
///
/// `(?i)` folds more than lower case does, so it lets too much pass and never too little.
pub(super) fn condition(pack: &Pack) -> String {
    if pack.rules.iter().any(|rule| rule.event_names.is_empty()) {
        return "true\n".into();
    }
    let mut names: Vec<&str> =
        pack.rules.iter().flat_map(|rule| &rule.event_names).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    // Names are letters and digits; anything else would mean something in an expression.
    let plain = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let (plain, others): (Vec<&str>, Vec<&str>) = names.into_iter().partition(plain);
    if !others.is_empty() {
        return "true\n".into();
    }
    let rare = pack.rare_names();
    let is_rare = |name: &&str| rare.iter().any(|(rare, _)| rare == name);
    let (with_text, plain): (Vec<&str>, Vec<&str>) = plain.into_iter().partition(is_rare);
    let mut condition =
        format!("wanted, err = match(.eventName, r'(?i)^(?:{})$')\n", plain.join("|"));
    for (name, texts) in rare.iter().filter(|(name, _)| with_text.contains(name)) {
        let texts = texts.iter().map(|text| format!("contains(request, \"{text}\")"));
        // Where the parameters have another place, the whole event is looked into.
        let _ = write!(
            condition,
            "if err == null && !wanted && downcase(to_string(.eventName) ?? \"\") == \"{name}\" {{\n  \
             request = encode_json(.requestParameters)\n  \
             if .requestParameters == null {{ request = encode_json(.) }}\n  \
             wanted = {}\n}}\n",
            texts.collect::<Vec<_>>().join(" || ")
        );
    }
    condition + "err != null || wanted\n"
}

#[cfg(test)]
mod tests {
    use orgwatch::rules;

    use super::*;

    #[test]
    fn every_wanted_name_is_in_it() {
        let pack = rules::builtin_pack();
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
