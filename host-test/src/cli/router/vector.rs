//! What a Vector configuration takes from the pack.

use orgwatch::rules;

/// The VRL condition of the tap: true for every event that any rule could match, and for everything
/// that does not have an event's name where a record has it, which the detector looks into.
///
/// `(?i)` folds more than lower case does, so it lets too much pass and never too little.
pub(super) fn condition() -> String {
    let pack = rules::builtin_pack();
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
    format!(
        "wanted, err = match(.eventName, r'(?i)^(?:{})$')\nerr != null || wanted\n",
        plain.join("|")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wanted_name_is_in_it() {
        let condition = condition();
        let pack = rules::builtin_pack();
        let names = pack.rules.iter().flat_map(|rule| &rule.event_names);
        let mut count = 0;
        for name in names {
            assert!(condition.contains(name.as_str()), "{name}");
            count += 1;
        }
        assert!(count > 50);
    }
}
