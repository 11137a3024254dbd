//! Sigma rules in the form that orgwatch evaluates.
//!
//! The pack is written in Sigma YAML and compiled once, when orgwatch is built: selectors and named
//! detections are inlined into one expression, templates are parsed, and everything that a rule may
//! get wrong is found then. The guest carries the compiled form ([`Pack::to_bytes`]) and no YAML.
//!
//! The compiler is behind the feature `compile`. Without it this crate is the form of a pack and its
//! evaluation ([`holds`]), which is all that the guest needs.

// Input is hostile: nothing that reads it may panic, and an exception gives its reason.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

mod correlation;
mod evaluate;
mod expression;
mod glob;
mod pack;
mod packed;
mod postfix;
mod regex;
mod template;
mod witness;

#[cfg(feature = "compile")]
pub mod compile;

pub use correlation::{
    Correlation, CorrelationKind, MAX_NESTING, MAX_PLACES, Member, MemberChain, MemberRule,
    Threshold,
};
pub use evaluate::{Event, EventValue, Lookup, ValueKind, holds};
pub use expression::{Derived, Expr, Field, FieldRef, Item, Matcher, Path, Relation};
pub use glob::{Glob, Token};
pub use pack::{
    NewTerms, Pack, Rule, RuleMetadata, Severity, SeverityWhen, TargetTemplate, rare_names,
};
pub use packed::{FORMAT, PackError};
pub use postfix::MAX_DEPTH;
pub use regex::{MAX_SIZE as MAX_REGEX_SIZE, MAX_TOTAL as MAX_REGEX_TOTAL, Regex, RegexFlags};
pub use template::{Part, Source, Template, Value};
pub use witness::Witness;
