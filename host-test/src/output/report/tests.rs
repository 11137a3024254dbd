//! Pages of findings.
