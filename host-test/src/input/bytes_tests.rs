//! What comes out of compressed files, and of damaged ones.

use super::*;

fn all(input: &[u8], limit: u64, live: bool) -> (Vec<u8>, Option<Error>) {
    let limits = Limits { max_decompressed: limit };
    let progress = ReadProgress::default();
    let input = Box::new(io::Cursor::new(input.to_owned()));
    let mut bytes = Bytes::new(input, live, &limits, &progress);
    let mut to = Vec::new();
    loop {
        match bytes.fill(&mut to, 1000) {
            Ok(true) => {}
            Ok(false) => return (to, None),
            Err(err) => return (to, Some(err)),
        }
    }
}

#[test]
fn plain_bytes_come_as_they_are() {
    for input in [&b""[..], b"a", b"\x1f", b"some text"] {
        for live in [false, true] {
            let (got, err) = all(input, 0, live);
            assert_eq!(got, input);
            assert!(err.is_none());
        }
    }
}

#[test]
fn all_members_of_a_gzip_are_read() {
    let text = vec![b'a'; 100_000];
    let input = [gzip(&text), gzip(b""), gzip(b"b")].concat();
    for live in [false, true] {
        let (got, err) = all(&input, 1 << 30, live);
        assert_eq!(got.len(), 100_001);
        assert!(err.is_none());
    }
}

#[test]
fn zeros_behind_the_last_member_mean_nothing() {
    for live in [false, true] {
        for zeros in [1, 511, 200_000] {
            let padded = [gzip(b"a"), vec![0; zeros]].concat();
            let (got, err) = all(&padded, 1 << 30, live);
            assert_eq!((&got[..], err.is_none()), (&b"a"[..], true), "{zeros} zeros");
            // Whatever else follows is told; another member is read.
            let (got, err) = all(&[&padded[..], &gzip(b"b")].concat(), 1 << 30, live);
            assert_eq!((&got[..], err.is_none()), (&b"ab"[..], true), "{zeros} zeros");
            let (_, err) = all(&[&padded[..], b"garbage"].concat(), 1 << 30, live);
            assert!(matches!(err, Some(Error::Compressed { .. })), "{zeros} zeros");
        }
    }
}

#[test]
fn a_stream_has_the_limit_for_each_member_and_a_file_once() {
    let members = gzip(&vec![b'a'; 1000]).repeat(50);
    let (got, err) = all(&members, 1000, true);
    assert_eq!((got.len(), err.is_none()), (50_000, true));
    let (got, err) = all(&members, 1000, false);
    assert_eq!(got.len(), 1000);
    assert!(matches!(err, Some(Error::TooLarge { limit: 1000 })));
    let (_, err) = all(&members, 999, true);
    assert!(matches!(err, Some(Error::TooLarge { limit: 999 })));
}

#[test]
fn what_a_damaged_gzip_still_holds_is_read() {
    let text: Vec<u8> = (0..200_000_u32).flat_map(number).collect();
    let whole = gzip(&text);
    let (got, err) = all(&whole[..whole.len() / 2], 1 << 30, false);
    assert!(got.len() > 100_000 && text.starts_with(&got));
    assert!(matches!(err, Some(Error::Compressed { read, .. }) if read == got.len() as u64));

    let mut damaged = whole.clone();
    let crc = damaged.len() - 8;
    damaged[crc] ^= 1;
    let (got, err) = all(&damaged, 1 << 30, false);
    assert_eq!(got, text);
    assert!(matches!(err, Some(Error::Compressed { .. })));

    let (got, err) = all(&[&whole[..], b"garbage"].concat(), 1 << 30, false);
    assert_eq!(got, text);
    assert!(matches!(err, Some(Error::Compressed { .. })));
}

#[test]
fn a_bomb_is_bounded() {
    let input = gzip(&vec![0; 10 << 20]);
    for live in [false, true] {
        let (got, err) = all(&input, 12_345, live);
        assert_eq!(got.len(), 12_345);
        assert!(matches!(err, Some(Error::TooLarge { limit: 12_345 })));
    }
    // Exactly the limit is not more than the limit.
    let (got, err) = all(&input, 10 << 20, false);
    assert_eq!(got.len(), 10 << 20);
    assert!(err.is_none());
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// A frame that is to be skipped.
fn skippable(bytes: &[u8]) -> Vec<u8> {
    [&[0x53, 0x2a, 0x4d, 0x18][..], &(bytes.len() as u32).to_le_bytes(), bytes].concat()
}

const EVENT: &[u8] = br#"{"eventName":"x"}"#;

#[test]
fn one_form_may_be_in_another() {
    let forms = [gzip as fn(&[u8]) -> Vec<u8>, zstd];
    for number in 0..32_usize {
        let layers = (0..5).map(|layer| forms[number >> layer & 1]);
        let mut input = EVENT.to_vec();
        for (depth, compress) in (1..).zip(layers) {
            input = compress(&input);
            for live in [false, true] {
                let (got, err) = all(&input, 1 << 20, live);
                if depth <= 4 {
                    assert_eq!((&got[..], err.is_none()), (EVENT, true), "{number} {depth}");
                } else {
                    assert!(matches!(err, Some(Error::TooDeep)), "{err:?}");
                }
            }
        }
    }
}

#[test]
fn members_may_be_of_several_forms_with_padding_between() {
    let zeros = vec![0; 70_000];
    let parts = [&zstd(b"a")[..], &zeros, &gzip(b"b"), &skippable(b"x"), &zstd(b""), &zstd(b"c")];
    for first in [vec![], skippable(b"{}"), skippable(b"")] {
        let whole = [&first[..], &parts.concat()].concat();
        for live in [false, true] {
            let (got, err) = all(&whole, 1 << 20, live);
            assert_eq!((&got[..], err.is_none()), (&b"abc"[..], true));
            // Members of what is inside may be parted anywhere.
            let parts = whole.chunks(30).map(gzip).collect::<Vec<_>>();
            let (got, err) = all(&parts.concat(), 1 << 20, live);
            assert_eq!((&got[..], err.is_none()), (&b"abc"[..], true));
            let (got, err) = all(&[&whole[..], b"garbage"].concat(), 1 << 20, live);
            assert_eq!(got, b"abc");
            assert!(matches!(err, Some(Error::Compressed { .. })), "{err:?}");
        }
    }
}

#[test]
fn what_a_damaged_zstd_still_holds_is_read() {
    let text: Vec<u8> = (0..400_000_u32).flat_map(number).collect();
    for whole in [zstd(&text), gzip(&zstd(&text)), zstd(&gzip(&text))] {
        for live in [false, true] {
            let (got, err) = all(&whole[..whole.len() - 100_000], 1 << 30, live);
            assert!(got.len() > 100_000 && text.starts_with(&got), "{}", got.len());
            assert!(
                matches!(err, Some(Error::Compressed { read, .. }) if read == got.len() as u64)
            );
        }
    }
    let first = zstd(EVENT);
    for damaged in [&zstd(&text)[..3], &zstd(&text)[..20], b"\x28\xb5\x2f\xfd\xff\xff\xff\xff"] {
        let (got, err) = all(&[&first[..], damaged].concat(), 1 << 30, false);
        assert_eq!(got, EVENT);
        assert!(matches!(err, Some(Error::Compressed { .. })), "{err:?}");
    }
}

#[test]
fn a_bomb_is_bounded_in_every_layer() {
    let zeros = vec![0; 10 << 20];
    // The text inside is short: it is the layer around it that is long.
    let padded = gzip(&[gzip(EVENT), zeros.clone()].concat());
    let padded = [padded, zstd(&[zstd(EVENT), zeros.clone()].concat())];
    for input in padded {
        let (got, err) = all(&input, 1 << 20, false);
        assert_eq!(got, EVENT);
        assert!(matches!(err, Some(Error::TooLarge { limit: 0x10_0000 })), "{err:?}");
        assert!(all(&input, 11 << 20, false).1.is_none());
    }
    for input in [zstd(&zeros), zstd(&gzip(&zeros)), gzip(&zstd(&zeros))] {
        for live in [false, true] {
            let (got, err) = all(&input, 123_456, live);
            assert_eq!(got.len(), 123_456);
            assert!(matches!(err, Some(Error::TooLarge { limit: 123_456 })), "{err:?}");
        }
        assert_eq!(all(&input, 10 << 20, false).0.len(), 10 << 20);
    }
}

/// What comes to a pipe, a piece at each read; then it would wait.
struct Pieces(std::vec::IntoIter<Vec<u8>>);

impl Read for Pieces {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let piece = self.0.next().expect("nothing is waited for");
        to[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}

#[test]
fn what_is_there_of_a_stream_does_not_wait() {
    let flushed = |last: &[u8]| {
        use std::io::Write as _;
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.write_all(EVENT).unwrap();
        encoder.flush().unwrap();
        let first = encoder.get_ref().len();
        encoder.write_all(last).unwrap();
        let whole = encoder.finish().unwrap();
        vec![whole[..first].to_vec(), whole[first..].to_vec()]
    };
    let plain = vec![EVENT.to_vec(), EVENT.to_vec()];
    let members = vec![gzip(EVENT), gzip(EVENT)];
    for pieces in [plain, members, flushed(EVENT)] {
        let input = Box::new(Pieces(pieces.into_iter()));
        let mut bytes = Bytes::new(input, true, &Limits::default(), &ReadProgress::default());
        for _ in 0..2 {
            let mut to = Vec::new();
            assert!(bytes.fill(&mut to, 1000).unwrap());
            assert_eq!(to, EVENT);
        }
    }
}

#[test]
fn what_is_no_log_is_named_and_hides_no_event() {
    let noise: Vec<u8> =
        (0..3_000_000_u32).map(|n| (n.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    for live in [false, true] {
        let (got, err) = all(&noise, 1 << 30, live);
        assert!(got.is_empty());
        assert_eq!(
            err.unwrap().to_string(),
            "bytes of no known kind, not a log: nothing of it was read"
        );
        for pack in [|bytes: &[u8]| bytes.to_vec(), gzip, zstd] {
            let (got, err) = all(&pack(b"PK\x03\x04\x14\0\0\0"), 1 << 30, live);
            assert!(got.is_empty());
            let text = "a ZIP archive, not a log: unpack it and scan what is inside";
            assert_eq!(err.unwrap().to_string(), text);

            let event = [&noise[..], b"\n", EVENT, b"\n"].concat();
            let (got, err) = all(&pack(&event), 1 << 30, live);
            assert!(event.ends_with(&got) && got.ends_with(&event[noise.len()..]));
            assert!(matches!(err, Some(Error::NotALog { .. })), "{err:?}");

            let zeros = [vec![0; 100_000], EVENT.to_vec()].concat();
            assert_eq!(all(&pack(&zeros), 1 << 30, live).0.len(), zeros.len());
        }
    }
}

/// A line that compresses badly.
fn number(seed: u32) -> Vec<u8> {
    format!("{}\n", seed.wrapping_mul(0x9e37_79b9)).into_bytes()
}
