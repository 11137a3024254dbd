//! The compiler of Sigma rules and the reader of settings in YAML, for the page: loaded when either is edited.

use orgwatch_sigma::compile::{self, Attack, Options, Problem, RuleFile};
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

// The host's: where in a file of settings each of them stands.
#[path = "../../../host-test/src/cli/settings/places.rs"]
mod places;
use places::Places;

/// A compiled pack, and everything that is wrong with the rules.
#[wasm_bindgen]
#[derive(Debug)]
pub struct CompiledRules {
    pack: Vec<u8>,
    told: String,
}

#[wasm_bindgen]
impl CompiledRules {
    /// The pack, for a detector; empty, if no rule was compiled.
    #[wasm_bindgen(getter)]
    pub fn pack(&self) -> Vec<u8> {
        self.pack.clone()
    }

    /// JSON: the number of `rules`, their `slugs`, and `problems` and `warnings` with `line`, `column` and `text`.
    #[wasm_bindgen(getter)]
    pub fn told(&self) -> String {
        self.told.clone()
    }
}

/// Compiles the rules of one text.
#[wasm_bindgen(js_name = compileRules)]
pub fn compile_rules(yaml: &str) -> CompiledRules {
    let file = RuleFile { path: "rule.yml".into(), yaml: yaml.into() };
    let compiled = compile::compile(&[file], &Attack::known(), &Options::default());
    let pack = &compiled.pack;
    let rules = pack.rules.len().saturating_add(pack.correlations.len());
    let mut problems: Vec<Value> = compiled.refusals.iter().map(told).collect();
    for other in &compiled.other_sources {
        let text = format!("the log source is not CloudTrail: {}", other.name);
        problems.push(json!({"line": 1, "column": 1, "text": text}));
    }
    let slugs: Vec<&str> = pack.public().iter().map(|about| &*about.slug).collect();
    let warnings: Vec<Value> = compiled.warnings.iter().map(told).collect();
    let told = json!({"rules": rules, "slugs": slugs, "problems": problems, "warnings": warnings});
    CompiledRules {
        pack: if rules == 0 { Vec::new() } else { pack.to_bytes() },
        told: told.to_string(),
    }
}

fn told(problem: &Problem) -> Value {
    json!({"line": problem.line, "column": problem.column, "text": problem.text})
}

/// Settings in YAML as JSON: `{"json": …}`, or `{"line": …, "problem": …}`.
#[wasm_bindgen(js_name = readSettings)]
pub fn read_settings(yaml: &str) -> String {
    let text = yaml.strip_prefix('\u{feff}').unwrap_or(yaml);
    let value: Result<yaml_serde::Value, _> = yaml_serde::from_str(text);
    let value = match value {
        Ok(value) => serde_json::to_value(&value),
        Err(error) => {
            // A key that is there twice, which the reader does not place.
            if let Some((path, first, again)) = Places::of(text).twice {
                let problem = format!("{path} is there already, on line {first}");
                return json!({"line": again, "problem": problem}).to_string();
            }
            let line = error.location().map(|place| place.line());
            return json!({"line": line, "problem": error.to_string()}).to_string();
        }
    };
    match value {
        Ok(Value::Null) => json!({"json": "{}"}).to_string(),
        Ok(value) => json!({"json": value.to_string()}).to_string(),
        Err(error) => json!({"line": null, "problem": error.to_string()}).to_string(),
    }
}

/// The line of a setting's path, as in `approvals[0].until`; or of the nearest above it that is there.
#[wasm_bindgen(js_name = lineOf)]
pub fn line_of(yaml: &str, path: &str) -> Option<usize> {
    Places::of(yaml).line(path)
}
