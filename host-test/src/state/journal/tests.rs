use std::fs;

use super::entries::{HEAD, checksum};
use super::*;

/// A folder with a journal.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("state.journal")
    }

    fn open(&self, position: Option<Position>) -> (Journal, Contents) {
        Journal::open(self.path(), position).unwrap()
    }

    /// Three entries with candidates, and acknowledgements after the first.
    fn filled(&self) -> Journal {
        let (mut journal, contents) = self.open(None);
        assert!(contents.entries.is_empty() && !self.path().exists());
        journal.push(b"one\n").unwrap();
        journal.delivered(&[key(1), key(2)]).unwrap();
        journal.push(b"two\n").unwrap();
        journal.push(b"three\n").unwrap();
        journal
    }
}

fn key(byte: u8) -> Digest128 {
    Digest128::new([byte; 16])
}

fn candidates(text: &str) -> Entry {
    Entry::Candidates(text.as_bytes().to_vec())
}

fn all() -> Vec<Entry> {
    let delivered = Entry::Delivered(vec![key(1), key(2)]);
    vec![candidates("one\n"), delivered, candidates("two\n"), candidates("three\n")]
}

fn next(journal: &Journal) -> u64 {
    let Position::Journal { next, .. } = journal.mark().position;
    next
}

#[test]
fn what_was_written_is_read() {
    let folder = Folder::new();
    drop(folder.filled());
    let (mut journal, contents) = folder.open(None);
    assert_eq!((contents.entries, contents.gap, contents.torn), (all(), false, 0));
    journal.push(b"four\n").unwrap();
    assert_eq!(folder.open(None).1.entries.len(), 5);
    assert_eq!(next(&journal), 4);
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_events_in_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    drop(folder.filled());
    assert_eq!(folder.path().metadata().unwrap().permissions().mode() & 0o077, 0);
}

/// Whatever of the end is missing or wrong, the entries before it stay, and it goes on after them.
#[test]
fn an_end_that_was_being_written_is_dropped() {
    let folder = Folder::new();
    let whole = {
        drop(folder.filled());
        fs::read(folder.path()).unwrap()
    };
    let last = whole.len() - HEAD - "three\n".len() - 8;
    for end in last..whole.len() {
        for rest in [0, 1, 5000] {
            // As a disk leaves it that has the new length and not the new bytes.
            let torn = [&whole[..end], &vec![0; rest][..]].concat();
            fs::write(folder.path(), &torn).unwrap();
            let (mut journal, contents) = folder.open(None);
            assert_eq!(contents.entries, all()[..3], "cut at {end}");
            assert_eq!(contents.torn, (torn.len() - last) as u64);
            journal.push(b"again\n").unwrap();
            let again = folder.open(None).1;
            assert_eq!((again.entries.last(), again.torn), (Some(&candidates("again\n")), 0));
        }
    }
    // A journal that was being made.
    for end in 0..HEADER {
        fs::write(folder.path(), &whole[..end]).unwrap();
        let (mut journal, contents) = folder.open(None);
        assert!(contents.entries.is_empty());
        journal.push(b"one\n").unwrap();
        assert_eq!(folder.open(None).1.entries, [candidates("one\n")]);
    }
}

#[test]
fn damage_anywhere_else_is_refused_and_the_file_left_as_it_is() {
    let folder = Folder::new();
    drop(folder.filled());
    let whole = fs::read(folder.path()).unwrap();
    let last = whole.len() - HEAD - "three\n".len() - 8;
    let acknowledgements = HEADER + HEAD + "one\n".len() + 8..HEADER + 2 * (HEAD + 8) + 4 + 32;
    for at in 0..last {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x40;
        fs::write(folder.path(), &damaged).unwrap();
        let opened = Journal::open(folder.path(), None);
        if acknowledgements.contains(&at) {
            // Without those findings come twice; no event is missing.
            let (_, contents) = opened.unwrap();
            assert_eq!(contents.entries.len(), 3, "{at}");
            continue;
        }
        let err = opened.unwrap_err().to_string();
        assert!(err.contains("state.journal") && err.contains("left as it is"), "{at}: {err}");
        assert_eq!(fs::read(folder.path()).unwrap(), damaged);
    }
    for (bytes, reason) in [
        (b"{\"eventName\":\"LeaveOrganization\"}".repeat(9), "no journal"),
        (b"{}".to_vec(), "no journal"),
    ] {
        fs::write(folder.path(), bytes).unwrap();
        let err = Journal::open(folder.path(), None).unwrap_err().to_string();
        assert!(err.contains(reason), "{err}");
    }
    let mut newer = whole;
    newer[16] = 9;
    let sum = checksum(0, &newer[..HEADER - 8]);
    newer[HEADER - 8..HEADER].copy_from_slice(&sum);
    fs::write(folder.path(), newer).unwrap();
    let err = Journal::open(folder.path(), None).unwrap_err().to_string();
    assert!(err.contains("format 9 is newer"), "{err}");
}

/// Events are an attacker's: none of them passes for an entry.
#[test]
fn an_event_that_looks_like_an_entry_is_none() {
    let folder = Folder::new();
    let mut journal = folder.filled();
    // As another journal would write it.
    let other = Folder::new();
    drop(other.filled());
    let forged = fs::read(other.path()).unwrap().split_off(HEADER);
    journal.push(&forged).unwrap();
    let whole = fs::read(folder.path()).unwrap();
    fs::write(folder.path(), &whole[..whole.len() - 9]).unwrap();
    assert_eq!(folder.open(None).1.entries, all());
}

#[test]
fn what_the_state_holds_is_passed_over() {
    let folder = Folder::new();
    let journal = folder.filled();
    let position = |next| {
        let Position::Journal { id, .. } = journal.mark().position;
        Some(Position::Journal { id, next })
    };
    assert_eq!(folder.open(position(0)).1.entries, all());
    assert_eq!(folder.open(position(1)).1.entries, all()[1..]);
    assert_eq!(folder.open(position(2)).1.entries, all()[3..]);
    let (newer, contents) = folder.open(position(7));
    assert_eq!((contents.entries.len(), next(&newer)), (0, 7));
    // A state that is not of this journal holds nothing of it.
    let (_, contents) = folder.open(Some(Position::Journal { id: 1, next: 3 }));
    assert_eq!(contents.entries, all());
}

#[test]
fn what_was_saved_is_forgotten_and_numbers_go_on() {
    let folder = Folder::new();
    let mut journal = folder.filled();
    let saved = journal.mark();
    journal.forget(&saved).unwrap();
    assert_eq!(folder.path().metadata().unwrap().len(), HEADER as u64);
    journal.push(b"four\n").unwrap();
    let (again, contents) = folder.open(Some(saved.position));
    assert_eq!(
        (contents.entries, next(&again), contents.gap),
        (vec![candidates("four\n")], 4, false)
    );
    // Under an older state something is missing, and that is said.
    let Position::Journal { id, .. } = saved.position;
    assert!(folder.open(Some(Position::Journal { id, next: 2 })).1.gap);
    assert!(!folder.open(Some(Position::Journal { id, next: 4 })).1.gap);
}

/// Entries that came while the state was written stay; a long journal is made short all the same.
#[test]
fn what_came_after_the_state_stays() {
    let folder = Folder::new();
    for long in [false, true] {
        let mut journal = folder.filled();
        if long {
            journal.push(&vec![b'x'; 2 << 20]).unwrap();
        }
        let saved = journal.mark();
        journal.push(b"after\n").unwrap();
        journal.delivered(&[key(9)]).unwrap();
        journal.forget(&saved).unwrap();
        assert_eq!(journal.length(), folder.path().metadata().unwrap().len());
        assert!(journal.length() < 1000);
        journal.push(b"later\n").unwrap();
        let after =
            vec![candidates("after\n"), Entry::Delivered(vec![key(9)]), candidates("later\n")];
        assert_eq!(folder.open(Some(saved.position)).1.entries, after);
        assert_eq!(journal.since(Some(saved.position)).unwrap(), after);
        fs::remove_file(folder.path()).unwrap();
    }
}

#[test]
fn one_that_cannot_be_written_loses_nothing_that_is_there() {
    let folder = Folder::new();
    let (mut journal, _) = folder.open(None);
    fs::create_dir(folder.path()).unwrap();
    assert!(journal.push(b"one\n").is_err() && journal.delivered(&[key(1)]).is_err());
    assert!(matches!(Journal::open(folder.path(), None), Err(JournalError::Read { .. })));
    fs::remove_dir(folder.path()).unwrap();
    // Neither was counted.
    journal.push(b"one\n").unwrap();
    assert_eq!(folder.open(None).1.entries, [candidates("one\n")]);
    assert!(journal.push(&vec![0; MAX as usize]).is_err());
    journal.push(b"two\n").unwrap();
    assert_eq!(folder.open(None).1.entries, [candidates("one\n"), candidates("two\n")]);
}
