//! Modules of JavaScript as one script: the page is one file, and a script that is inlined imports nothing.

use anyhow::{Result, ensure};

/// The modules one after another, as one function. Each may import what stands before it.
pub(super) fn joined(modules: &[(&str, String)]) -> Result<String> {
    let mut script = String::from("(() => {\n'use strict';\n");
    for (n, (name, text)) in modules.iter().enumerate() {
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("import ") {
                let from = rest.split('\'').nth(1).unwrap_or_default().trim_start_matches("./");
                let known = modules[..n].iter().any(|(before, _)| *before == from);
                ensure!(known, "{name} imports {from}, which does not stand before it");
                continue;
            }
            script.push_str(line.strip_prefix("export ").unwrap_or(line));
            script.push('\n');
        }
    }
    script.push_str("})();\n");
    Ok(without_comments(&script))
}

/// A script without its lines that are comments, and without what its lines begin and end with. No text of the
/// scripts goes over several lines.
pub(super) fn without_comments(script: &str) -> String {
    let mut inside = false;
    let is_code = |line: &&str| {
        let was_inside = inside;
        inside = (inside || line.starts_with("/*")) && !line.contains("*/");
        !(was_inside || line.is_empty() || line.starts_with("//") || line.starts_with("/*"))
    };
    script.lines().map(str::trim).filter(is_code).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_become_one_script() {
        let one = ("one.js", "export const a = 1;\n".to_owned());
        let other = ("other.js", "import { a } from './one.js';\n\nf(a);\n".to_owned());
        let script = joined(&[one.clone(), other.clone()]).unwrap();
        assert_eq!(script, "(() => {\n'use strict';\nconst a = 1;\nf(a);\n})();\n");
        assert!(joined(&[other, one]).is_err());
    }

    #[test]
    fn comments_stay_with_the_sources() {
        let script = "// One.\nf(1); // Two.\n\n/**\n * Three.\n */\n  g(a\n    * b);\n";
        assert_eq!(without_comments(script), "f(1); // Two.\ng(a\n* b);\n");
    }
}
