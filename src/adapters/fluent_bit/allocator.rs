//! `malloc` and `free` for Fluent Bit's copies of tag and record.

// The C library's interface, which hands out pointers.
#![allow(unsafe_code, missing_docs)]

use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::ptr::null_mut;

/// Bytes before each piece of memory, which hold its size: `free` is not told. Pieces are aligned to
/// as many, which is enough for text.
const HEADER: usize = 8;

/// Sizes of which one piece each is kept when it is given back. There is one tag and one record at a
/// time, and in an interpreter the allocator costs half as much as looking at a record.
const KEPT: [usize; 3] = [256, 4096, 65536];

thread_local! {
    // There are no threads here: this is a static that needs no unsafe code.
    static FREE: [Cell<*mut u8>; 3] = const { [const { Cell::new(null_mut()) }; 3] };
}

// On any other target these two names are the C library's own.

/// Memory of at least this size; null if there is none.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub extern "C" fn malloc(size: usize) -> *mut u8 {
    let class = class(size);
    if let Some((class, _)) = class {
        let kept = piece(class, |piece| piece.replace(null_mut()));
        if !kept.is_null() {
            return kept;
        }
    }
    let size = class.map_or(size, |(_, size)| size);
    let Some(layout) = layout(size) else {
        return null_mut();
    };
    // SAFETY: the layout is not empty: it has the header.
    let start = unsafe { alloc(layout) };
    if start.is_null() {
        return start;
    }
    // SAFETY: `start` is aligned for a usize, and the layout has room for one and `size` after it.
    unsafe {
        start.cast::<usize>().write(size);
        start.add(HEADER)
    }
}

/// Gives back what `malloc` gave.
///
/// # Safety
///
/// `memory` is null, or was returned by [`malloc`] and not given back since.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
pub unsafe extern "C" fn free(memory: *mut u8) {
    if memory.is_null() {
        return;
    }
    // SAFETY: `malloc` wrote the size in front of what it gave.
    let (start, size) = unsafe {
        let start = memory.sub(HEADER);
        (start, start.cast::<usize>().read())
    };
    if let Some((class, _)) = class(size)
        && piece(class, |piece| piece.get().is_null())
    {
        piece(class, |piece| piece.set(memory));
    } else if let Some(layout) = layout(size) {
        // SAFETY: `malloc` allocated it with the layout of this size.
        unsafe { dealloc(start, layout) }
    }
}

/// A size of which a piece is kept: its number, and the size.
fn class(size: usize) -> Option<(usize, usize)> {
    // Not a loop: it runs four times a record.
    match size {
        _ if size <= KEPT[0] => Some((0, KEPT[0])),
        _ if size <= KEPT[1] => Some((1, KEPT[1])),
        _ if size <= KEPT[2] => Some((2, KEPT[2])),
        _ => None,
    }
}

/// Looks at the place for a piece of a class.
#[expect(
    clippy::indexing_slicing,
    reason = "there is a place for each class, of which there are three"
)]
fn piece<T>(class: usize, look: impl FnOnce(&Cell<*mut u8>) -> T) -> T {
    FREE.with(|free| look(&free[class]))
}

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(HEADER)?, HEADER).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_overlap_and_come_back() {
        let sizes = [0, 1, 256, 257, 300, 4096, 65537, 200];
        let pieces: Vec<_> = sizes.iter().map(|size| malloc(*size)).collect();
        for (piece, size) in pieces.iter().zip(sizes) {
            assert_eq!(piece.align_offset(8), 0);
            // SAFETY: the piece has this size.
            unsafe { piece.write_bytes(size as u8, size) };
        }
        for (piece, size) in pieces.iter().zip(sizes) {
            // SAFETY: as above, and each is given back once.
            unsafe {
                assert!((0..size).all(|at| piece.add(at).read() == size as u8));
                free(*piece);
            }
        }
        assert_eq!(malloc(100), pieces[0], "one of each size is kept");
        assert!(malloc(usize::MAX).is_null());
    }
}
