//! What the package and the page share: a detector that is opened, and findings and problems as JSON.

use orgwatch::detector::Detector;
use orgwatch::settings::Problem;
use serde::Serialize;
use serde_json::{Value, json};

/// A result as JSON. The types that come here have no maps with keys that are no text, so it does not fail.
pub(crate) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A problem of the settings or of a pack.
pub(crate) fn problem(one: &Problem) -> Value {
    json!({"path": one.path, "value": one.value, "problem": one.problem})
}

/// Opens a detector with settings as JSON and with packs, which are joined by their lengths.
pub(crate) fn open(
    settings: &str,
    packs: &[u8],
    lengths: &[u32],
) -> Result<Detector, Vec<Problem>> {
    let mut rest = packs;
    let mut all = Vec::new();
    for length in lengths {
        let (pack, after) = rest.split_at(rest.len().min(*length as usize));
        all.push(pack);
        rest = after;
    }
    Detector::open_with(settings, &all)
}
