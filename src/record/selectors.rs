//! The selectors of a trail or an event data store: whether they still record management events that write.

use super::Record;
use super::policy::{text, texts};
use crate::json::{Kind, Value};

/// Whether the selectors in the request leave out management events that write, all of them or those of
/// some service; none without selectors.
pub fn omits_writes(record: &Record<'_>) -> Option<bool> {
    let of = |key| {
        let found = record.look(&["requestParameters", key]).values();
        let items: Vec<_> = found.into_iter().flat_map(list).collect();
        (!items.is_empty()).then_some(items)
    };
    let (basic, advanced) = (of("eventSelectors"), of("advancedEventSelectors"));
    if basic.is_none() && advanced.is_none() {
        return None;
    }
    let whole = basic.into_iter().flatten().any(basic_is_whole)
        || advanced.into_iter().flatten().any(advanced_is_whole);
    Some(!whole)
}

/// A list, or what stands in place of a list of one.
fn list(value: Value<'_>) -> Vec<Value<'_>> {
    match value.kind() {
        Kind::Array => value.items().collect(),
        Kind::Object => vec![value],
        _ => Vec::new(),
    }
}

fn says_no(selector: Value<'_>, key: &str) -> bool {
    let value = selector.get(key).and_then(|value| value.scalar().map(|text| text.into_owned()));
    value.is_some_and(|text| text.eq_ignore_ascii_case("false"))
}

fn basic_is_whole(selector: Value<'_>) -> bool {
    let kind = text(selector, "readWriteType");
    let excluded = selector.get("excludeManagementEventSources");
    !says_no(selector, "includeManagementEvents")
        && !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("ReadOnly"))
        && excluded.is_none_or(|sources| texts(sources).is_empty())
}

/// Every condition of a selector must hold. One that is not about the category or about reading narrows it.
fn advanced_is_whole(selector: Value<'_>) -> bool {
    let fields = selector.get("fieldSelectors").map(list).unwrap_or_default();
    let one_of = |field: Value<'_>, allowed: &str| {
        let equals = field.get("equals").map(texts_of).unwrap_or_default();
        equals.iter().any(|text| text.eq_ignore_ascii_case(allowed))
    };
    let is = |field: Value<'_>, name: &str| {
        text(field, "field").is_some_and(|text| text.eq_ignore_ascii_case(name))
    };
    fields.iter().any(|field| is(*field, "eventCategory") && one_of(*field, "Management"))
        && fields.iter().all(|field| {
            is(*field, "eventCategory") || is(*field, "readOnly") && one_of(*field, "false")
        })
}

/// Texts, and booleans as text.
fn texts_of(value: Value<'_>) -> Vec<String> {
    let own = value.scalar().map(|text| text.into_owned());
    let items = value.items().filter_map(|item| item.scalar().map(|text| text.into_owned()));
    own.into_iter().chain(items).collect()
}
