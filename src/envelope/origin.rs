//! Where a record was read from.

use std::fmt;

use super::Form;

/// The place and the form of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The keys that lead to it from the top of its line; those of lists of records are left out, since a
    /// host may have taken such a list apart. Text that holds JSON is passed like an object.
    pub keys: Vec<String>,
    /// The form, if it is not CloudTrail's own.
    pub form: Option<Form>,
}

impl Origin {
    /// Whether the record stood at the top of its line, as CloudTrail writes it.
    pub fn is_plain(&self) -> bool {
        self.keys.is_empty() && self.form.is_none()
    }

    /// The path, in the form that the setting `record_at` takes; none at the top.
    pub fn path(&self) -> Option<String> {
        (!self.keys.is_empty()).then(|| self.keys.join("."))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.keys.join("."))
    }
}
