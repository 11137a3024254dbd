//! One JSON object a line.

use std::io;

use orgwatch::finding::Finding;

use super::Format;

/// Findings as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

impl Format for Json {
    fn write(&self, finding: &Finding, to: &mut dyn io::Write) -> io::Result<()> {
        let mut line = serde_json::to_vec(finding)?;
        line.push(b'\n');
        to.write_all(&line)
    }
}
