use super::*;
use crate::corpus::{self, Kinds, Settings, parts, root};

fn events() -> Vec<u8> {
    let mut events = Vec::new();
    let settings = Settings { size: 1 << 20, share: 0.05, ..Settings::default() };
    corpus::events(&Kinds::read(&root()).unwrap(), &settings, |event| {
        events.extend_from_slice(event.record);
        events.push(b'\n');
        Ok(())
    })
    .unwrap();
    events
}

fn found(shape: &mut dyn Shape, events: &[u8], batch: usize) -> (Measured, Vec<Finding>) {
    let mut found = Vec::new();
    let measured = pass(shape, events, batch, |finding| {
        found.push(finding.clone());
        Ok(())
    });
    (measured.unwrap(), found)
}

#[test]
fn batches_are_whole_lines_and_lose_nothing() {
    let text = b"a\nbb\nccccccccc\n\nd";
    for size in 0..30 {
        let batches = batches(text, size);
        assert_eq!(batches.concat(), text);
        assert!(batches.iter().rev().skip(1).all(|batch| batch.ends_with(b"\n")), "{size}");
        assert!(batches.iter().all(|batch| !batch.is_empty()));
    }
    assert_eq!(batches(text, 5), [&b"a\nbb\n"[..], b"ccccccccc\n", b"\nd"]);
}

#[test]
fn both_shapes_find_the_same_whatever_the_batch() {
    let events = events();
    let mut native = Native::new(orgwatch::rules::builtin_pack()).unwrap();
    let (measured, expected) = found(&mut native, &events, 1 << 20);
    assert_eq!(measured.bytes, events.len() as u64);
    assert_eq!(measured.events, events.split(|byte| *byte == b'\n').count() as u64 - 1);
    assert!(measured.findings > 20 && measured.findings == expected.len() as u64);
    assert_eq!(found(&mut native, &events, 1).1, expected);

    let mut wasm = Wasm::new(None).expect("cargo xtask test builds the component first");
    let (_, mut through) = found(&mut wasm, &events, 64 << 10);
    for finding in &mut through {
        // Only the host knows it.
        finding.artifact.digest = None;
    }
    assert_eq!(through, expected);
}

#[test]
fn everything_is_decompressed() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { size: 1 << 20, objects: true, ..Settings::default() };
    let manifest = corpus::write(&root(), folder.path(), &settings).unwrap();
    let bytes = decompress(&folder.path().join(parts::OBJECTS)).unwrap();
    // `{"Records":[` and `]}` around each object's records, whose commas stand for line ends.
    assert_eq!(bytes, manifest.bytes + manifest.objects * 13);
    assert!(decompress(&folder.path().join(parts::EVENTS)).is_err());
}
