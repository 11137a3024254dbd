//! The paths of keys that the settings add.

use std::borrow::Cow;

use super::place::Steps;
use super::{Node, Search};
use crate::json::{Kind, Value};

impl Search<'_, '_> {
    /// Adds what stands at the paths of the settings, and at the rest of one that led to a text.
    pub(super) fn at_paths<'a>(
        &self,
        node: Node<'a>,
        steps: &mut Steps<'a>,
        found: &mut Vec<Node<'a>>,
    ) {
        let paths = (0..self.reach.paths().len()).map(|number| (number, 0));
        for (number, from) in paths.chain(node.rest) {
            let path = self.reach.paths().get(number).and_then(|path| path.get(from..));
            let Some(path) = path else { continue };
            at(node.value, path, |value, rest| {
                let read = path.len().saturating_sub(rest.len());
                let keys = path.get(..read).unwrap_or(path).trim_end_matches('.');
                let step = steps.push(node.step, Cow::Owned(keys.to_owned()));
                let rest = (!rest.is_empty()).then_some((number, from.saturating_add(read)));
                found.push(Node { value, step, known: true, inside: true, rest });
            });
        }
    }
}

/// Visits the values at a path of keys, which may be flattened, and of which arrays are passed through; and the
/// texts on the way, with the rest of the path.
fn at<'a, 'p>(value: Value<'a>, path: &'p str, mut visit: impl FnMut(Value<'a>, &'p str)) {
    let mut pending = vec![(value, path)];
    while let Some((value, path)) = pending.pop() {
        if value.kind() == Kind::Array {
            let items: Vec<_> = value.items().map(|item| (item, path)).collect();
            pending.extend(items.into_iter().rev());
        } else if value.kind() == Kind::Text {
            visit(value, path);
        } else if let Some(whole) = value.get(path) {
            visit(whole, "");
        } else if let Some((key, rest)) = path.split_once('.')
            && let Some(inner) = value.get(key)
        {
            pending.push((inner, rest));
        }
    }
}
