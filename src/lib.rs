//! Detects AWS accounts being taken out of their organization, inline in a log router.
//!
//! An event goes through the modules in this order:
//!
//! | module | what it does |
//! | --- | --- |
//! | [`prefilter`] | rejects, by its bytes, an event that no rule names |
//! | [`envelope`] | finds the CloudTrail records inside what a router ships |
//! | [`json`] | reads them, borrowed and without recursion |
//! | [`record`] | the record as rules and findings see it |
//! | [`rules`] | the pack: which rules match, and what they say |
//! | [`settings`] | who may do what, and what is changed about rules |
//! | [`memory`] | duplicates, new terms, steps of chains: bounded, saved and merged |
//! | [`state`] | the memory as bytes, in a frame that hosts add to |
//! | [`chains`] | findings that together say more |
//! | [`finding`] | what comes out |
//! | [`batch`] | and what is said of a batch |
//!
//! [`baked`] is where an artifact carries settings and memory of its own.
//!
//! [`detector`] runs them. `adapters` give it the shapes it is shipped in, and hold no logic.
//!
//! ```
//! let mut detector = orgwatch::detector::Detector::open("{}").unwrap();
//! let findings = detector.detect(br#"{"eventSource": "organizations.amazonaws.com",
//!     "eventName": "LeaveOrganization", "eventTime": "2026-06-01T12:00:00Z", "eventID": "1",
//!     "recipientAccountId": "444455556666"}"#).unwrap();
//! assert_eq!(findings[0].rule, "member-left-organization");
//! ```

pub mod adapters;
pub mod batch;
pub mod chains;
pub mod detector;
pub mod digest;
pub mod embedded_config;
pub mod envelope;
pub mod finding;
pub mod json;
pub mod memory;
pub mod prefilter;
pub mod record;
pub mod render;
pub mod rules;
pub mod settings;
pub mod state;
pub mod status;
pub mod text;
pub mod time;
