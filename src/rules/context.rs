//! A record with what is worked out from it once, when a rule asks.

use std::borrow::Cow;
use std::cell::OnceCell;

use orgwatch_sigma::{Derived, Field};

use crate::memory::Memory;
use crate::record::{self, EventSummary, Found, Record, Trusted};
use crate::settings::Settings;
use crate::text::shortened;

/// The events that are looked at even if no rule is about them, in lower case: what creates or changes an
/// organization policy says of which type it is.
pub const OBSERVED: [&str; 2] = ["createpolicy", "updatepolicy"];

/// What a rule may look at.
#[derive(Debug)]
pub struct Context<'a> {
    /// The record.
    pub record: Record<'a>,
    /// The settings.
    pub settings: &'a Settings,
    /// The type of the policy that the request names, if an earlier response told it.
    remembered_policy_type: Option<String>,
    summary: OnceCell<EventSummary>,
}

/// What a field holds.
pub(super) enum FieldValue<'a> {
    /// Values of the record.
    Record(Found<'a>),
    /// A value worked out, if there is one.
    Derived(Option<Cow<'a, str>>),
}

impl<'a> Context<'a> {
    /// A context for one record.
    pub fn new(record: Record<'a>, settings: &'a Settings) -> Self {
        Context { record, settings, remembered_policy_type: None, summary: OnceCell::new() }
    }

    /// Learns from the record what later ones do not say themselves, and recalls what earlier ones
    /// said. No rule has a part in this: one that is off takes nothing from another.
    pub fn observe(&mut self, memory: &mut Memory) {
        if !self.is_of_organizations() {
            return;
        }
        let name = self.record.at(&["eventName"]).unwrap_or_default();
        if OBSERVED.iter().any(|observed| name.eq_ignore_ascii_case(observed)) {
            let id = ["responseElements", "policy", "policySummary", "id"];
            if let (Some(id), Some(kind)) = (self.record.at(&id), self.policy_type()) {
                memory.record_policy_type(&id, &shortened(&kind, 64), self.summary().time);
            }
        }
        let known = self.organization_policy().and_then(|id| memory.policy_type(&id));
        self.remembered_policy_type = known.map(str::to_owned);
    }

    /// What the record says in the finding's terms.
    pub fn summary(&self) -> &EventSummary {
        self.summary.get_or_init(|| EventSummary::of(&self.record))
    }

    /// When it happened; cheaper than all summary, which only a finding needs.
    pub fn time(&self) -> Option<i64> {
        match self.summary.get() {
            Some(summary) => summary.time,
            None => crate::time::parse(&self.record.at(&["eventTime"])?),
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
                .map(|organization| self.settings.destination(organization).as_str().into()),
            Derived::PolicyType => self.policy_type(),
            Derived::GuardPolicy => yes(self.concerns_guard()),
            Derived::GrantsLeave => yes(record::grants_leave(&self.record)),
            Derived::Trusts => match record::trusts(&self.record, self.settings)? {
                Trusted::Everyone => Some("everyone".into()),
                Trusted::Outside => Some("outside".into()),
            },
            // Only a finding has it; see `chains`.
            Derived::Account => None,
        }
    }

    /// The id of the organization policy that the request names.
    fn organization_policy(&self) -> Option<Cow<'_, str>> {
        self.is_of_organizations().then(|| self.record.at(&["requestParameters", "policyId"]))?
    }

    /// Whether the request concerns a policy that the settings guard; disabling its type does.
    fn concerns_guard(&self) -> bool {
        let guards = &self.settings.guard_policies;
        let disabled = self.is_of_organizations()
            && self.record.at(&["eventName"]).is_some_and(|name| name == "DisablePolicyType");
        match self.organization_policy() {
            Some(id) => guards.iter().any(|guard| guard == id.trim()),
            None => {
                let kind = self.policy_type().unwrap_or_default();
                let guarding = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"];
                disabled && !guards.is_empty() && guarding.contains(&kind.as_ref())
            }
        }
    }

    /// The type of the organization policy that the event is about.
    fn policy_type(&self) -> Option<Cow<'_, str>> {
        if !self.is_of_organizations() {
            return None;
        }
        let request = |key| self.record.at(&["requestParameters", key]);
        let summary = |key| self.record.at(&["responseElements", "policy", "policySummary", key]);
        // `arn:aws:organizations::<management>:policy/<o-id>/service_control_policy/<p-id>`
        let from_arn = || {
            let arn = summary("arn")?;
            let kind = arn.split('/').nth(2)?;
            kind.ends_with("_policy").then(|| kind.to_ascii_uppercase().into())
        };
        // CreatePolicy calls it `type`, the others `policyType`.
        request("policyType")
            .or_else(|| request("type"))
            .or_else(|| summary("type"))
            .or_else(from_arn)
            .or(self.remembered_policy_type.as_deref().map(Cow::Borrowed))
    }

    fn is_of_organizations(&self) -> bool {
        self.record
            .at(&["eventSource"])
            .is_some_and(|source| source == "organizations.amazonaws.com")
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
