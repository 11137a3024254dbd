//! The splitter: the same events whatever the pieces, those of a simple reference where the input is
//! well-formed, and no byte of a body lost.

#![no_main]

use libfuzzer_sys::fuzz_target;
use orgwatch_fuzz::input::fuzzing::{Use, event_lines, split};
use orgwatch_fuzz::reference;

fuzz_target!(|text: &[u8]| {
    // The mark of UTF-16 is told in one piece, in which a file has it.
    if text.windows(2).any(|two| matches!(two, [0xff, 0xfe] | [0xfe, 0xff])) {
        return;
    }
    for used in [Use::Reported, Use::MayHoldRecords, Use::PassedOn, Use::Inner] {
        let whole = split(text, used, text.len(), usize::MAX);
        for (piece, target) in [(1 + text.len() % 5, usize::MAX), (7, 64), (text.len(), 1)] {
            let again = split(text, used, piece, target);
            assert_eq!(again, whole, "{used:?} in pieces of {piece}, batches of {target}");
        }
        let length: usize = whole.events.iter().map(|(_, event)| event.len()).sum();
        assert!(length <= text.len(), "{used:?}: more came out than was put in");
        let lists: &[&str] = match used {
            Use::PassedOn => &[],
            Use::Inner => &["Records", "Events", "logEvents"],
            _ => &["Records", "Events"],
        };
        if let Some(events) = reference::events(text, lists) {
            assert_eq!(whole.unreadable, [], "{used:?}");
            let got: Vec<&[u8]> = whole.events.iter().map(|(_, event)| &event[..]).collect();
            let want: Vec<&[u8]> = events.iter().map(|event| &event[..]).collect();
            assert_eq!(got, want, "{used:?}");
        }
    }
    if let Some(lines) = event_lines(text) {
        assert_eq!(meaning(&lines), meaning(text), "something is lost");
    }
});

/// The bytes that mean something wherever they stand. Of the others some are between events.
fn meaning(text: &[u8]) -> Vec<u8> {
    let means_nothing =
        |byte: &u8| byte.is_ascii_whitespace() || b",[]}\0\x1e\xef\xbb\xbf".contains(byte);
    text.iter().copied().filter(|byte| !means_nothing(byte)).collect()
}
