//! The modifiers of a field, as one comparison.

use rsigma_parser::Modifier;

use super::encode::{Base64, Utf16};
use crate::RegexFlags;

/// The comparison that modifiers ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Contains,
    StartsWith,
    EndsWith,
    Regex,
    Cidr,
    Exists,
    Gt,
    Gte,
    Lt,
    Lte,
}

/// The modifiers of one field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Modifiers {
    pub operator: Operator,
    /// The value names another field.
    pub field_ref: bool,
    pub all: bool,
    pub negated: bool,
    pub cased: bool,
    pub windash: bool,
    pub utf16: Option<Utf16>,
    pub base64: Option<Base64>,
    pub flags: RegexFlags,
}

impl Modifiers {
    /// Reads them. What would have no effect, or contradicts another, is refused by name.
    pub(super) fn of(list: &[Modifier]) -> Result<Modifiers, String> {
        let mut read = Modifiers {
            operator: Operator::Equal,
            field_ref: false,
            all: false,
            negated: false,
            cased: false,
            windash: false,
            utf16: None,
            base64: None,
            flags: RegexFlags::default(),
        };
        for modifier in list {
            match modifier {
                Modifier::Contains => read.operator(Operator::Contains)?,
                Modifier::StartsWith => read.operator(Operator::StartsWith)?,
                Modifier::EndsWith => read.operator(Operator::EndsWith)?,
                Modifier::Re => read.operator(Operator::Regex)?,
                Modifier::Cidr => read.operator(Operator::Cidr)?,
                Modifier::Exists => read.operator(Operator::Exists)?,
                Modifier::Gt => read.operator(Operator::Gt)?,
                Modifier::Gte => read.operator(Operator::Gte)?,
                Modifier::Lt => read.operator(Operator::Lt)?,
                Modifier::Lte => read.operator(Operator::Lte)?,
                Modifier::FieldRef => read.field_ref = true,
                Modifier::All => read.all = true,
                Modifier::Neq => read.negated = true,
                Modifier::Cased => read.cased = true,
                Modifier::WindAsh => read.windash = true,
                Modifier::Wide => read.utf16(Utf16::Little)?,
                Modifier::Utf16be => read.utf16(Utf16::Big)?,
                Modifier::Utf16 => read.utf16(Utf16::Marked)?,
                Modifier::Base64 => read.base64(Base64::Whole)?,
                Modifier::Base64Offset => read.base64(Base64::Offset)?,
                Modifier::IgnoreCase => read.flags.ignore_case = true,
                Modifier::Multiline => read.flags.multiline = true,
                Modifier::DotAll => read.flags.dotall = true,
                Modifier::Expand => {
                    return Err(
                        "expand is not supported: nothing here gives placeholders values".into()
                    );
                }
                Modifier::Minute
                | Modifier::Hour
                | Modifier::Day
                | Modifier::Week
                | Modifier::Month
                | Modifier::Year => {
                    let name = format!("{modifier:?}").to_lowercase();
                    return Err(format!("the modifier {name} is not supported"));
                }
            }
        }
        read.check()?;
        Ok(read)
    }

    fn operator(&mut self, operator: Operator) -> Result<(), String> {
        if self.operator != Operator::Equal {
            let (one, other) = (self.operator.name(), operator.name());
            return Err(format!("{one} and {other} cannot stand together"));
        }
        self.operator = operator;
        Ok(())
    }

    fn utf16(&mut self, utf16: Utf16) -> Result<(), String> {
        match self.utf16.replace(utf16) {
            None => Ok(()),
            Some(_) => Err("two encodings of UTF-16 cannot stand together".into()),
        }
    }

    fn base64(&mut self, base64: Base64) -> Result<(), String> {
        match self.base64.replace(base64) {
            None => Ok(()),
            Some(_) => Err("base64 and base64offset cannot stand together".into()),
        }
    }

    /// Whether the comparison is one of texts.
    fn compares_text(&self) -> bool {
        use Operator::{Contains, EndsWith, Equal, StartsWith};
        matches!(self.operator, Equal | Contains | StartsWith | EndsWith)
    }

    fn check(&self) -> Result<(), String> {
        let operator = self.operator.name();
        let flags = self.flags != RegexFlags::default();
        let encoded = self.utf16.is_some() || self.base64.is_some() || self.windash;
        if flags && self.operator != Operator::Regex {
            return Err("i, m and s are flags of re".into());
        }
        if self.flags.ignore_case && self.cased {
            return Err("cased and i cannot stand together".into());
        }
        if encoded && (!self.compares_text() || self.field_ref) {
            let operator = if self.field_ref { "fieldref" } else { operator };
            return Err(format!("an encoding and {operator} cannot stand together"));
        }
        if self.field_ref && !self.compares_text() {
            return Err(format!("fieldref and {operator} cannot stand together"));
        }
        if self.utf16.is_some() && self.base64.is_none() {
            return Err(
                "UTF-16 has a meaning with base64 or base64offset alone: events are text".into()
            );
        }
        if self.windash && self.base64.is_some() {
            return Err("windash and base64 cannot stand together".into());
        }
        let offset = self.base64 == Some(Base64::Offset);
        if offset && !matches!(self.operator, Operator::Equal | Operator::Contains) {
            return Err(format!("base64offset and {operator} cannot stand together"));
        }
        Ok(())
    }
}

impl Operator {
    fn name(self) -> &'static str {
        match self {
            Operator::Equal => "equality",
            Operator::Contains => "contains",
            Operator::StartsWith => "startswith",
            Operator::EndsWith => "endswith",
            Operator::Regex => "re",
            Operator::Cidr => "cidr",
            Operator::Exists => "exists",
            Operator::Gt => "gt",
            Operator::Gte => "gte",
            Operator::Lt => "lt",
            Operator::Lte => "lte",
        }
    }
}
