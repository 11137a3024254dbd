//! Sigma rules in the form that orgwatch evaluates.
//!
//! The pack is written in Sigma YAML and compiled once, when orgwatch is built: selectors and named
//! detections are inlined into one expression, templates are parsed, and everything that a rule may
//! get wrong is found then. The guest carries the compiled form ([`Pack`], as JSON) and no YAML.
//!
//! The compiler is behind the feature `compile`; without it this crate is only the types.

mod evaluate;
mod expression;
mod glob;
mod pack;
mod template;

#[cfg(feature = "compile")]
pub mod compile;

pub use evaluate::{Event, EventValue, Lookup, ValueKind, holds};
pub use expression::{Derived, Expr, Field, Item, Matcher, Path};
pub use glob::{Glob, Token};
pub use pack::{
    Correlation, CorrelationKind, Member, MemberRule, NewTerms, Pack, Rule, RuleMetadata, Severity,
    SeverityWhen, TargetTemplate,
};
pub use template::{Part, Source, Template, Value};
