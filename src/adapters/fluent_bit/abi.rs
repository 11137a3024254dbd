//! The functions that Fluent Bit calls.

// A C interface: pointers come in as numbers, and their lengths beside them.
#![allow(unsafe_code, missing_docs)]

use std::cell::{Cell, RefCell};
use std::ffi::c_char;
use std::{mem, slice};

use super::filter::Filter;
use crate::packs;

/// The answer for a record that Fluent Bit found no memory for. The record is lost, but not unseen.
const NO_MEMORY: &[u8] = b"{\"orgwatch_error\":\"no memory for this record\"}\0";

/// What every record begins with where nothing can be examined: whoever relies on findings must see that
/// there are none.
const REFUSED: &[u8] =
    b"{\"orgwatch_error\":\"what is baked into this module cannot be used: nothing is examined\"";

enum State {
    /// Not called yet.
    New,
    Open(Box<Filter>),
    /// In a call. To find it so means that the last call never returned: it trapped.
    Busy,
    /// It cannot be opened here; records go on, and say so.
    Broken,
}

thread_local! {
    // There are no threads here: this is a static that needs no unsafe code.
    static STATE: Cell<State> = const { Cell::new(State::New) };
    static MARKED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Changes the state. What it was is not dropped: there is nothing to drop, and the code for it would
/// be run through by every record.
fn enter(state: State) {
    mem::forget(STATE.replace(state));
}

/// Runs `work` with the filter. `None` if there is none.
fn with<T>(work: impl FnOnce(&mut Filter) -> T) -> Option<T> {
    let mut filter = match STATE.replace(State::Busy) {
        State::Open(filter) => filter,
        // Should opening trap, for want of stack, then it is not tried again, and the records after
        // this one go on marked: Fluent Bit would drop each. A filter that trapped may be in
        // any state and is not touched again, not even to free what it holds; its memory is lost.
        // It is opened anew, since nobody must turn detection off by a record that traps.
        State::New | State::Busy => {
            enter(State::Broken);
            open()?
        }
        State::Broken => {
            enter(State::Broken);
            return None;
        }
    };
    enter(State::Busy);
    let result = work(&mut filter);
    enter(State::Open(filter));
    Some(result)
}

fn open() -> Option<Box<Filter>> {
    // Before the frame of what needs the pack is on the stack.
    packs::own().ok()?;
    build()
}

#[inline(never)]
fn build() -> Option<Box<Filter>> {
    Some(Box::new(Filter::open()?))
}

/// The filter's function: the record, with its findings if there are any.
///
/// # Safety
///
/// `record` is null or points to `record_len` bytes and a zero byte after them.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub unsafe extern "C" fn orgwatch(
    _tag: *const c_char,
    _tag_len: usize,
    _sec: u32,
    _nsec: u32,
    record: *const c_char,
    record_len: usize,
) -> *const c_char {
    if record.is_null() {
        return NO_MEMORY.as_ptr().cast();
    }
    // SAFETY: Fluent Bit has just written so many bytes there, in memory that `malloc` gave and that
    // it frees after this call; and `malloc` gives no more than a slice may have. Nobody else writes
    // there meanwhile: what is returned is in another piece.
    let bytes = unsafe { slice::from_raw_parts(record.cast::<u8>(), record_len) };
    let annotated = with(|filter| filter.annotate(bytes).map(|out| out.as_ptr().cast()));
    match annotated {
        Some(annotated) => annotated.unwrap_or(record),
        None => marked(bytes).unwrap_or(record),
    }
}

/// The record of a filter that examines nothing, ending in a zero byte; `None` if it is no object.
#[inline(never)]
fn marked(record: &[u8]) -> Option<*const c_char> {
    let rest = record.trim_ascii_start().strip_prefix(b"{")?;
    let comma: &[u8] = if rest.trim_ascii_start().starts_with(b"}") { b"" } else { b"," };
    MARKED.with(|marked| {
        let mut marked = marked.try_borrow_mut().ok()?;
        marked.clear();
        for part in [REFUSED, comma, rest, b"\0"] {
            marked.extend_from_slice(part);
        }
        Some(marked.as_ptr().cast())
    })
}

/// Counters of the filter and its memory, as a JSON object. Fluent Bit does not ask; tests do.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn orgwatch_counters() -> *const c_char {
    with(|filter| filter.counters().as_ptr().cast()).unwrap_or(c"{}".as_ptr())
}
