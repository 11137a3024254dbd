//! The sections that `wkg` and registries pick up.

use anyhow::Result;
use orgwatch_artifact::Shape;
use wasm_metadata::{
    AddMetadata, AddMetadataField, Authors, Description, Homepage, Licenses, Source, Version,
};

use super::Revision;

/// The artifact with its name, version, revision, licence, description, authors and addresses.
pub fn write(shape: Shape, revision: &Revision, bytes: &[u8]) -> Result<Vec<u8>> {
    let (name, what) = match shape {
        Shape::Component => ("orgwatch", "a component for any host"),
        Shape::FluentBit => ("orgwatch-fluent-bit", "a module for Fluent Bit's wasm filter"),
    };
    let description = format!(
        "Detects AWS accounts being taken out of their organization, in the CloudTrail events that \
         a log router ships: {what}. Imports nothing."
    );
    let set = |text: &str| text.to_owned();
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(set(name));
    metadata.version = AddMetadataField::Set(Version::new(set(env!("CARGO_PKG_VERSION"))));
    metadata.licenses = AddMetadataField::Set(Licenses::new(env!("CARGO_PKG_LICENSE"))?);
    metadata.description = AddMetadataField::Set(Description::new(description));
    metadata.authors = AddMetadataField::Set(Authors::new(set(env!("CARGO_PKG_AUTHORS"))));
    metadata.homepage = AddMetadataField::Set(Homepage::new(env!("CARGO_PKG_REPOSITORY"))?);
    metadata.source = AddMetadataField::Set(Source::new(env!("CARGO_PKG_REPOSITORY"))?);
    if let Some(revision) = revision.text() {
        metadata.revision = AddMetadataField::Set(wasm_metadata::Revision::new(revision));
    }
    metadata.to_wasm(bytes)
}
