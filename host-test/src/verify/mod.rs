//! Whether an artifact is what it says it is: who signed it, and what it does.
//!
//! [`signature`] needs no network and runs nothing of the artifact; [`Subject`] runs it, on events
//! whose findings are known.

pub mod cases;
mod fluent_bit;
pub mod signature;

use std::collections::BTreeSet;

use orgwatch_artifact::{Artifact, Case, Shape};

use orgwatch_sigma::{Pack, PackError};

use crate::bake;
use crate::plugin::{self, Plugin};
use cases::{Fit, Outcome};
use fluent_bit::FluentBit;

/// An artifact, ready to be run on cases.
#[derive(Debug)]
pub struct Subject(Loaded);

#[derive(Debug)]
enum Loaded {
    Component(Box<Plugin>),
    FluentBit(FluentBit),
}

/// An artifact that cannot be run, or is not what it says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// The component cannot be loaded.
    #[error("it cannot be run")]
    Component(#[from] plugin::Error),

    /// The module for Fluent Bit cannot.
    #[error("it cannot be run: {0}")]
    FluentBit(String),

    /// Its baked settings or memory cannot be set aside.
    #[error("it cannot be run without what is baked into it")]
    Baked(#[from] bake::Error),

    /// Its baked rules cannot be used.
    #[error("the rules that are baked in cannot be used: {0}")]
    Rules(#[from] PackError),

    /// Its sections do not agree with its answers.
    #[error("its sections and its code disagree: {0}")]
    Disagrees(String),
}

impl Subject {
    /// Loads an artifact, a component as it is told to, without what is baked into it: cases come with settings
    /// of their own.
    pub fn load(
        bytes: &[u8],
        artifact: &Artifact,
        component: impl FnOnce(&[u8]) -> Result<Plugin, plugin::Error>,
    ) -> Result<Self, SubjectError> {
        if let Some(pack) = bake::contents(bytes)?.pack {
            Pack::from_bytes(&pack)?;
        }
        Ok(Subject(match artifact.build.shape {
            Shape::Component => {
                let emptied = match artifact.baked {
                    Some(_) => Some(bake::emptied(bytes)?),
                    None => None,
                };
                let plugin = component(emptied.as_deref().unwrap_or(bytes))?;
                agrees(&plugin, artifact)?;
                Loaded::Component(Box::new(plugin))
            }
            Shape::FluentBit => {
                Loaded::FluentBit(FluentBit::load(bytes).map_err(SubjectError::FluentBit)?)
            }
        }))
    }

    /// Runs cases with the rules of this compiled pack, if there is one, and says of each what became
    /// of it.
    pub fn run(&self, cases: &[Case], fit: Fit, pack: Option<&[u8]>) -> Vec<Outcome> {
        match &self.0 {
            Loaded::Component(plugin) => {
                let packs = pack.map(<[u8]>::to_vec).into_iter().collect();
                cases::in_component(&plugin.as_ref().clone().with_packs(packs), cases, fit)
            }
            Loaded::FluentBit(module) => fluent_bit::run(module, cases, fit, pack),
        }
    }
}

/// Whether a component has the rules that its sections list.
fn agrees(plugin: &Plugin, artifact: &Artifact) -> Result<(), SubjectError> {
    let described = plugin.describe()?;
    let disagrees = |what: String| Err(SubjectError::Disagrees(what));
    if described.version != artifact.pack.version {
        let (says, is) = (&artifact.pack.version, &described.version);
        return disagrees(format!("they say version {says}, and it says {is}"));
    }
    let listed = artifact.pack.rules.iter().filter(|rule| !rule.internal);
    let listed: BTreeSet<&str> = listed.map(|rule| rule.slug.as_str()).collect();
    let has: BTreeSet<&str> = described.rules.iter().map(|rule| rule.slug.as_str()).collect();
    match listed.symmetric_difference(&has).next() {
        Some(slug) => disagrees(format!("the rule {slug} is in one and not in the other")),
        None => Ok(()),
    }
}
