//! A record with what is worked out from it once, when a rule asks.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

use orgwatch_sigma::{Derived, Field, Severity};

use crate::envelope::Origin;
use crate::record::{self, EventSummary, Found, Ownership, Record, Trusted, log_path, org_policy};

/// The values of one record that rules look at.
#[derive(Debug)]
pub struct Context<'a> {
    /// The record.
    pub record: Record<'a>,
    /// The user's own accounts and organizations.
    pub ownership: &'a Ownership,
    /// The type of the policy that the request names, if an earlier response told it.
    remembered_policy_type: Option<String>,
    /// The severity that the rule last rendered gave the record.
    severity: Cell<Option<Severity>>,
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
        let severity = Cell::new(None);
        Context { record, ownership, remembered_policy_type: None, severity, summary, origin: None }
    }

    /// The context, with the type of the policy that the request names as an earlier response told it.
    pub fn with_policy_type(self, remembered_policy_type: Option<String>) -> Self {
        Context { remembered_policy_type, ..self }
    }

    /// Notes the severity that a rule gives the record, for the chains that it feeds.
    pub fn set_severity(&self, severity: Severity) {
        self.severity.set(Some(severity));
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

    /// A value that orgwatch works out. A function for each kind: an interpreter sets up the frame of a whole
    /// function, and has little stack for policies.
    pub fn derived(&self, field: Derived) -> Option<Cow<'_, str>> {
        match field {
            Derived::GuardPolicy
            | Derived::GrantsLeave
            | Derived::Allows
            | Derived::DeniesLeave
            | Derived::DeniesEverything
            | Derived::PolicyUnreadable => self.derived_of_policy(field),
            Derived::Trusts
            | Derived::TargetIs
            | Derived::LogPath
            | Derived::TrailTo
            | Derived::OmitsWrites => self.derived_of_request(field),
            _ => self.derived_of_summary(field),
        }
    }

    #[inline(never)]
    fn derived_of_policy(&self, field: Derived) -> Option<Cow<'_, str>> {
        match field {
            Derived::GuardPolicy => {
                let kind = self.policy_type();
                yes(org_policy::concerns_guard(&self.record, kind.as_deref(), self.ownership))
            }
            Derived::GrantsLeave => yes(record::grants_leave(&self.record)),
            Derived::Allows => {
                let in_management = self.acts_in() == Some("management");
                let allowed = record::allows(&self.record, in_management);
                Some(allowed.join(", ").into()).filter(|text: &Cow<'_, str>| !text.is_empty())
            }
            Derived::DeniesLeave => org_policy::denies_leave(&self.record).map(said),
            Derived::DeniesEverything => {
                let remembered = self.remembered_policy_type.as_deref().map(org_policy::remembered);
                yes(org_policy::denies_everything(&self.record)
                    || remembered.is_some_and(|(_, everything)| everything))
            }
            Derived::PolicyUnreadable => yes(record::is_policy_unreadable(&self.record)),
            _ => None,
        }
    }

    #[inline(never)]
    fn derived_of_request(&self, field: Derived) -> Option<Cow<'_, str>> {
        match field {
            Derived::Trusts => match record::trusts(&self.record, self.ownership)? {
                Trusted::Everyone => Some("everyone".into()),
                Trusted::Outside => Some("outside".into()),
            },
            Derived::TargetIs => {
                org_policy::target_is(&self.record, self.ownership).map(Cow::Borrowed)
            }
            Derived::LogPath => log_path::concerns(&self.record, self.ownership).map(Cow::Borrowed),
            Derived::TrailTo => log_path::trail_to(&self.record, self.ownership).map(Cow::Borrowed),
            Derived::OmitsWrites => record::omits_writes(&self.record).map(said),
            _ => None,
        }
    }

    #[inline(never)]
    fn derived_of_summary(&self, field: Derived) -> Option<Cow<'_, str>> {
        let summary = self.summary();
        match field {
            Derived::UserName => summary.user_name().map(Cow::Borrowed),
            Derived::Destination => summary
                .handshake_organization
                .as_deref()
                .map(|organization| self.ownership.destination(organization).as_str().into()),
            Derived::PolicyType => self.policy_type(),
            Derived::Severity => self.severity.get().map(|severity| severity.as_str().into()),
            Derived::Transfer => {
                let to = summary.handshake_organization.as_deref();
                yes(self.ownership.organization.is_some()
                    && to.is_some_and(|to| {
                        self.ownership.destination(to) == record::Destination::Other
                    }))
            }
            Derived::ByAws => yes(record::is_aws(&self.record)),
            Derived::ActsIn => self.acts_in().map(Cow::Borrowed),
            Derived::GuardedOu => {
                let to = self.record.at(&["requestParameters", "destinationParentId"])?;
                let guarded = &self.ownership.guarded_ous;
                (!guarded.is_empty()).then(|| said(guarded.contains(to.trim())))
            }
            // Only a finding has the others; see `chains`.
            _ => None,
        }
    }

    /// The type of the organization policy that the event is about.
    fn policy_type(&self) -> Option<Cow<'_, str>> {
        let remembered = self.remembered_policy_type.as_deref();
        let remembered = remembered.map(|kind| org_policy::remembered(kind).0.into());
        org_policy::policy_type(&self.record).or(remembered)
    }

    /// The place of the account in which the event happened among the user's own.
    fn acts_in(&self) -> Option<&'static str> {
        let account = self.record.at(&["recipientAccountId"]);
        let account = account.or_else(|| self.record.at(&["userIdentity", "accountId"]))?;
        self.ownership.place(&account)
    }

    /// A field's text, for new terms.
    pub fn text(&self, field: &Field) -> Option<Cow<'_, str>> {
        match field {
            Field::Record(path) => self.record.text(path),
            Field::Derived(derived) => self.derived(*derived),
            Field::Keyword => None,
        }
    }

    pub(super) fn held(&self, field: &Field) -> FieldValue<'_> {
        match field {
            Field::Record(path) => FieldValue::Record(self.record.find(path)),
            Field::Derived(derived) => FieldValue::Derived(self.derived(*derived)),
            Field::Keyword => FieldValue::Derived(None),
        }
    }
}

/// The word for what holds; nothing for what does not.
fn yes(holds: bool) -> Option<Cow<'static, str>> {
    holds.then_some("true".into())
}

/// The word for what holds or does not.
fn said(holds: bool) -> Cow<'static, str> {
    if holds { "true".into() } else { "false".into() }
}
