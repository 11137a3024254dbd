//! Settings: YAML in files, JSON for the guest.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// The settings in a file as one JSON document. A file with nothing in it means the defaults.
pub(super) fn read(file: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("cannot read the settings {}", file.display()))?;
    to_json(&text).with_context(|| format!("the settings {} are not YAML", file.display()))
}

fn to_json(text: &str) -> anyhow::Result<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // By way of YAML's own values: only they notice a key that is there twice.
    let value: yaml_serde::Value = yaml_serde::from_str(text)?;
    if value.is_null() {
        return Ok("{}".into());
    }
    Ok(serde_json::to_string(&value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_becomes_json() {
        let yaml =
            "# ours\nmanagement_account: \"000000000001\"\ntrusted_organizations:\n  - o-a\n";
        let json = r#"{"management_account":"000000000001","trusted_organizations":["o-a"]}"#;
        assert_eq!(to_json(yaml).unwrap(), json);
        assert_eq!(to_json(json).unwrap(), json);
    }

    #[test]
    fn nothing_means_the_defaults() {
        assert_eq!(to_json("").unwrap(), "{}");
        assert_eq!(to_json("# nothing\n").unwrap(), "{}");
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_place() {
        for (yaml, part) in [
            ("a: [", "line 2"),
            ("a: 1\na: 2", "duplicate"),
            ("a: 1\n---\nb: 2", "more than one document"),
        ] {
            let err = format!("{:#}", to_json(yaml).unwrap_err());
            assert!(err.contains(part), "{yaml:?}: {err}");
        }
    }
}
