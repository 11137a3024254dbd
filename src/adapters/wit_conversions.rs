//! The finding as `bindgen` makes it from the WIT records, and back.
//!
//! Bindings are generated in each crate that uses them, so the conversions are a macro: one list of
//! fields serves the guest, which gives findings, and the host, which takes them.

/// Implements `From` between the types of [`crate::finding`] and those that `bindgen` made of the
/// WIT interface `findings`, in both directions. The argument is the path of the generated module.
#[macro_export]
macro_rules! wit_conversions {
    ($wit:path) => {
        const _: () = {
            use $wit as wit;
            use $crate::finding as ours;

            $crate::wit_conversions!(@enum Severity { Informational, Low, Medium, High, Critical });
            $crate::wit_conversions!(@enum Status { New, Approved, Learning, DryRun, FollowUp, Other });
            $crate::wit_conversions!(@enum Outcome { Success, Failure, Unknown });
            $crate::wit_conversions!(@record Accounts { acting, recipient } {} {} {});
            $crate::wit_conversions!(@record Principal {
                kind, arn, name, access_key_id, mfa, issuer, console
            } {} {} {});
            $crate::wit_conversions!(@record Target { kind, id } {} {} {});
            $crate::wit_conversions!(@record Handshake { id, action, state } {} {} {});
            $crate::wit_conversions!(@record Artifact { name, version, digest } {} {} {});
            $crate::wit_conversions!(@record Finding {
                id, rule, rule_id, title, status_reason, incident, incident_before, account, organization,
                destination_organization, outcome_reason, event_name, event_source, source_ip,
                user_agent, region, details, parts, events, first_seen, last_seen, summary, why,
                benign, triage, attack_version, repeat
            } {
                severity, status, accounts, outcome, principal, artifact
            } {
                target, handshake
            } {
                attack, attack_aliases, threat_catalogue, covers
            });
        };
    };
    (@enum $name:ident { $($case:ident),* }) => {
        impl From<ours::$name> for wit::$name {
            fn from(ours: ours::$name) -> Self {
                match ours { $(ours::$name::$case => wit::$name::$case),* }
            }
        }
        impl From<wit::$name> for ours::$name {
            fn from(wit: wit::$name) -> Self {
                match wit { $(wit::$name::$case => ours::$name::$case),* }
            }
        }
    };
    // Fields that are as good as the same on both sides, those that are converted, those that are converted
    // if present, and lists that findings share with the pack.
    (@record $name:ident { $($same:ident),* } { $($into:ident),* } { $($maybe:ident),* } { $($shared:ident),* }) => {
        impl From<ours::$name> for wit::$name {
            fn from(ours: ours::$name) -> Self {
                wit::$name {
                    $($same: ours.$same.into(),)*
                    $($into: ours.$into.into(),)*
                    $($maybe: ours.$maybe.map(Into::into),)*
                    $($shared: ours.$shared.to_vec(),)*
                }
            }
        }
        impl From<wit::$name> for ours::$name {
            fn from(wit: wit::$name) -> Self {
                ours::$name {
                    $($same: wit.$same.into(),)*
                    $($into: wit.$into.into(),)*
                    $($maybe: wit.$maybe.map(Into::into),)*
                    $($shared: wit.$shared.into(),)*
                }
            }
        }
    };
}
