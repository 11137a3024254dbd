//! A record with what is worked out from it once, when a rule asks.

use std::borrow::Cow;
use std::cell::OnceCell;

use orgwatch_sigma::{Derived, Field};

use crate::record::{Facts, Found, Record};
use crate::settings::Settings;

/// What a rule may look at.
#[derive(Debug)]
pub struct Context<'a> {
    /// The record.
    pub record: Record<'a>,
    /// The settings.
    pub settings: &'a Settings,
    facts: OnceCell<Facts>,
}

/// What a field holds.
pub(super) enum Held<'a> {
    /// Values of the record.
    Record(Found<'a>),
    /// A value worked out, if there is one.
    Derived(Option<Cow<'a, str>>),
}

impl<'a> Context<'a> {
    /// A context for one record.
    pub fn new(record: Record<'a>, settings: &'a Settings) -> Self {
        Context {
            record,
            settings,
            facts: OnceCell::new(),
        }
    }

    /// What the record says in the finding's terms.
    pub fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| Facts::of(&self.record))
    }

    /// A value that orgwatch works out.
    pub fn derived(&self, field: Derived) -> Option<Cow<'_, str>> {
        let facts = self.facts();
        match field {
            Derived::UserName => facts.user_name().map(Cow::Borrowed),
            Derived::Destination => facts
                .handshake_organization
                .as_deref()
                .map(|organization| self.settings.destination(organization).as_str().into()),
        }
    }

    /// A field's text, for new terms.
    pub fn text(&self, field: &Field) -> Option<Cow<'_, str>> {
        match field {
            Field::Record(path) => self.record.text(path),
            Field::Derived(derived) => self.derived(*derived),
        }
    }

    pub(super) fn held(&self, field: &Field) -> Held<'_> {
        match field {
            Field::Record(path) => Held::Record(self.record.find(path)),
            Field::Derived(derived) => Held::Derived(self.derived(*derived)),
        }
    }
}
