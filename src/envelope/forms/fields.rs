//! Fields of an object, nested or with dots in their keys, as an index or a lake keeps them.

use std::borrow::Cow;

use crate::json::{Kind, ObjectIndex, Value};

/// The fields of one object.
pub(super) struct Fields<'a>(ObjectIndex<'a>);

impl<'a> Fields<'a> {
    pub(super) fn of(object: Value<'a>) -> Fields<'a> {
        Fields(ObjectIndex::of(object))
    }

    /// The value at a path of keys with dots between them. Of a list of one, as Elastic's `fields` have it,
    /// that one; what is null is not there.
    pub(super) fn get(&self, path: &str) -> Option<Value<'a>> {
        at(path, &|key| self.0.get(key))
    }

    /// The text, number or boolean there, if it says something.
    pub(super) fn text(&self, path: &str) -> Option<Cow<'a, str>> {
        self.get(path)?.scalar().filter(|text| !matches!(&**text, "" | "null" | "-"))
    }
}

fn at<'a>(path: &str, get: &dyn Fn(&str) -> Option<Value<'a>>) -> Option<Value<'a>> {
    let split = |dot: usize| {
        let (key, rest) = (path.get(..dot)?, path.get(dot.checked_add(1)?..)?);
        let inner = get(key)?;
        at(rest, &|key| inner.get(key))
    };
    let dots = || path.match_indices('.').find_map(|(dot, _)| split(dot));
    plain(get(path)).or_else(dots)
}

fn plain(value: Option<Value<'_>>) -> Option<Value<'_>> {
    let value = value?;
    if value.kind() == Kind::Array {
        let mut items = value.items();
        let (first, second) = (items.next(), items.next());
        if let (Some(only), None) = (first, second)
            && !matches!(only.kind(), Kind::Object | Kind::Array)
        {
            return plain(Some(only));
        }
    }
    (value.kind() != Kind::Null).then_some(value)
}
