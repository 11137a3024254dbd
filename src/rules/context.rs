//! A record with what is worked out from it once, when a rule asks.

use std::borrow::Cow;
use std::cell::OnceCell;

use orgwatch_sigma::{Derived, Field};

use crate::envelope::Origin;
use crate::record::{self, EventSummary, Found, Ownership, Record, Trusted, org_policy};

/// The values of one record that rules look at.
#[derive(Debug)]
pub struct Context<'a> {
    /// The record.
    pub record: Record<'a>,
    /// The user's own accounts and organizations.
    pub ownership: &'a Ownership,
    /// The type of the policy that the request names, if an earlier response told it.
    remembered_policy_type: Option<String>,
    summary: OnceCell<EventSummary>,
    /// Where the record was read from, if that is not the top of its line.
    origin: Option<&'a Origin>,
}

/// The value of a field.
pub(super) enum FieldValue<'a> {
    /// Values of the record.
    Record(Found<'a>),
    /// A value worked out, if there is one.
    Derived(Option<Cow<'a, str>>),
}

impl<'a> Context<'a> {
    /// A context for one record.
    pub fn new(record: Record<'a>, ownership: &'a Ownership) -> Self {
        let summary = OnceCell::new();
        Context { record, ownership, remembered_policy_type: None, summary, origin: None }
    }

    /// The context, with the type of the policy that the request names as an earlier response told it.
    pub fn with_policy_type(self, remembered_policy_type: Option<String>) -> Self {
        Context { remembered_policy_type, ..self }
    }

    /// The context of a record that was read from here.
    pub fn from(self, origin: &'a Origin) -> Self {
        Context { origin: Some(origin), ..self }
    }

    /// Where the record was read from, if that is not the top of its line.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.filter(|origin| !origin.is_plain())
    }

    /// The record in the finding's terms.
    pub fn summary(&self) -> &EventSummary {
        self.summary.get_or_init(|| EventSummary::of(&self.record))
    }

    /// When it happened; cheaper than all summary, which only a finding needs.
    pub fn time(&self) -> Option<i64> {
        match self.summary.get() {
            Some(summary) => summary.time,
            None => self.record.time(),
        }
    }

    /// A value that orgwatch works out.
    pub fn derived(&self, field: Derived) -> Option<Cow<'_, str>> {
        let summary = self.summary();
        let yes = |holds: bool| holds.then_some("true".into());
        match field {
            Derived::UserName => summary.user_name().map(Cow::Borrowed),
            Derived::Destination => summary
                .handshake_organization
                .as_deref()
                .map(|organization| self.ownership.destination(organization).as_str().into()),
            Derived::PolicyType => self.policy_type(),
            Derived::GuardPolicy => {
                let kind = self.policy_type();
                yes(org_policy::concerns_guard(&self.record, kind.as_deref(), self.ownership))
            }
            Derived::GrantsLeave => yes(record::grants_leave(&self.record)),
            Derived::Trusts => match record::trusts(&self.record, self.ownership)? {
                Trusted::Everyone => Some("everyone".into()),
                Trusted::Outside => Some("outside".into()),
            },
            // Only a finding has it; see `chains`.
            Derived::Account => None,
        }
    }

    /// The type of the organization policy that the event is about.
    fn policy_type(&self) -> Option<Cow<'_, str>> {
        let remembered = self.remembered_policy_type.as_deref().map(Cow::Borrowed);
        org_policy::policy_type(&self.record).or(remembered)
    }

    /// A field's text, for new terms.
    pub fn text(&self, field: &Field) -> Option<Cow<'_, str>> {
        match field {
            Field::Record(path) => self.record.text(path),
            Field::Derived(derived) => self.derived(*derived),
        }
    }

    pub(super) fn held(&self, field: &Field) -> FieldValue<'_> {
        match field {
            Field::Record(path) => FieldValue::Record(self.record.find(path)),
            Field::Derived(derived) => FieldValue::Derived(self.derived(*derived)),
        }
    }
}
