//! The slug and id of every document: its own, or made.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher as _;

use twox_hash::XxHash64;

use super::document::Document;
use super::read::Read;

/// The bound on a slug that is made from a title, in characters.
const MAX_SLUG: usize = 80;

/// Gives every document a name and an id. The names and ids of all, those that give no finding too, are
/// unique: correlations refer to any of them by either, and the memory keeps what it knows of a rule
/// under its id, so that two with one id would mute one another. Of two that say the same the second is
/// refused; a slug made from a title that several have gets a part of the id.
pub(super) fn assign(documents: &mut [Read<'_>]) {
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    for read in documents.iter() {
        let Some(document) = &read.document else { continue };
        for (key, value) in document.names() {
            let Some(value) = said(value).map(str::to_lowercase) else { continue };
            match taken.entry(value) {
                Entry::Vacant(free) => drop(free.insert(&read.file.path)),
                Entry::Occupied(taken) => {
                    let (value, by) = (taken.key(), taken.get());
                    read.problems
                        .root()
                        .at(key)
                        .refuse(format_args!("{key}: {value} is taken by {by}"));
                }
            }
        }
    }
    let mut of_titles: BTreeMap<String, usize> = BTreeMap::new();
    for document in documents.iter().filter_map(|read| read.document.as_ref()) {
        if let [(_, None), _] = document.names().map(|(key, value)| (key, said(value))) {
            let count = of_titles.entry(slug(document.title())).or_default();
            *count = count.saturating_add(1);
        }
    }
    let mut taken: BTreeSet<String> = taken.into_keys().collect();
    let mut digests: Option<(usize, Digest)> = None;
    for read in documents.iter_mut() {
        let (file, of_file, number) = (read.file, read.of_file, read.number);
        let Some(document) = &mut read.document else { continue };
        let title = document.title().to_owned();
        let [name, id] = document.names_mut();
        if let Some(said) = said(id).map(str::to_owned) {
            *id = Some(said);
        } else {
            // A file may have many documents: its text is read once.
            let known = digests.take().filter(|(known, _)| *known == of_file);
            let (_, digest) =
                digests.insert(known.unwrap_or_else(|| (of_file, Digest::of(file.text()))));
            *id = Some(digest.id(number));
        }
        if let Some(said) = said(name).map(str::to_owned) {
            *name = Some(said);
            continue;
        }
        let id = id.as_deref().unwrap_or_default();
        let slug = slug(&title);
        let first: String = id.chars().take(8).collect();
        let candidates = [slug.clone(), format!("{slug}-{first}"), format!("{slug}-{id}")];
        let alone = of_titles.get(&slug) == Some(&1);
        let made = candidates.into_iter().skip(usize::from(!alone));
        let free = made.into_iter().find(|made| taken.insert(made.to_lowercase()));
        *name = free;
        if name.is_none() {
            let problem = format!("name: {slug} is taken, and the id {id} with it");
            read.problems.root().at("title").refuse(problem);
        }
    }
}

fn said(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|value| !value.is_empty())
}

/// A slug of a title: its letters and digits in lower case, with a hyphen for whatever is between them.
pub(super) fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    let short: String = slug.chars().take(MAX_SLUG).collect();
    match short.trim_end_matches('-') {
        "" => "rule".into(),
        slug => slug.into(),
    }
}

/// A digest of a file's text, from which ids are made for the documents that have none.
struct Digest([XxHash64; 2]);

impl Digest {
    fn of(text: &str) -> Self {
        Digest([0, 1].map(|seed| {
            let mut hash = XxHash64::with_seed(seed);
            hash.write(text.as_bytes());
            hash
        }))
    }

    /// The id of a document by its number, in the form of a UUID of version 8.
    fn id(&self, number: usize) -> String {
        let [high, low] = self.0.clone().map(|mut hash| {
            hash.write(&number.to_le_bytes());
            hash.finish()
        });
        let high = high & !0xf000 | 0x8000;
        let low = low & !(0b11 << 62) | 1 << 63;
        let hex = format!("{high:016x}{low:016x}");
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
        let parts = parts.into_iter().filter_map(|range| hex.get(range));
        parts.collect::<Vec<_>>().join("-")
    }
}

/// The names by which correlations know a document that was refused.
pub(super) fn of_refused(document: &Document) -> impl Iterator<Item = String> + '_ {
    document.names().into_iter().filter_map(|(_, value)| value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_gives_a_slug_and_a_text_an_id() {
        assert_eq!(slug("AWS S3: Bucket (v2) — Deleted!"), "aws-s3-bucket-v2-deleted");
        assert_eq!(slug("根"), "rule");
        assert!(slug(&"word ".repeat(100)).len() <= MAX_SLUG);
        let digest = |text: &str, number| Digest::of(text).id(number);
        let id = digest("title: a", 0);
        assert_eq!((id.len(), &id[14..15]), (36, "8"));
        assert_eq!(id, digest("title: a", 0));
        assert_ne!(id, digest("title: b", 0));
        assert_ne!(id, digest("title: a", 1));
    }
}
