use super::buffer::{InBuffer, OutBuffer};
use super::decoder::{DParameter, Decoder, Operation as _};

/// `{"a":1}` and a line break, four times, in a frame with a checksum, and a frame to be skipped before it.
fn frame() -> Vec<u8> {
    let text = b"{\"a\":1}\n".repeat(4);
    let mut frame = vec![0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    frame.extend(ruzstd::encoding::compress_to_vec(
        &text[..],
        ruzstd::encoding::CompressionLevel::Fastest,
    ));
    frame
}

/// What comes out, with input and output in pieces of these lengths.
fn decoded(frame: &[u8], piece: usize, room: usize, log: u32) -> std::io::Result<Vec<u8>> {
    let mut decoder = Decoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(log))?;
    let (mut all, mut at, mut to) = (Vec::new(), 0, vec![0; room]);
    loop {
        let mut from = InBuffer::around(&frame[at..frame.len().min(at + piece)]);
        let mut out = OutBuffer::around(&mut to);
        let left = decoder.run(&mut from, &mut out)?;
        let (read, written) = (from.pos(), out.pos());
        at += read;
        all.extend_from_slice(&to[..written]);
        if left == 0 && at == frame.len() {
            return Ok(all);
        }
        if read == 0 && written == 0 && at == frame.len() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[test]
fn pieces_of_any_length_give_the_same() {
    let (frame, text) = (frame(), b"{\"a\":1}\n".repeat(4));
    for piece in [1, 2, 3, 5, 8, 13, 1000] {
        for room in [1, 7, 1000] {
            assert_eq!(decoded(&frame, piece, room, 27).unwrap(), text, "{piece} {room}");
        }
    }
}

#[test]
fn what_is_damaged_or_cut_off_is_refused() {
    let frame = frame();
    for cut in 12..frame.len() {
        assert!(decoded(&frame[..cut], 1000, 1000, 27).is_err(), "{cut}");
    }
    for at in 11..frame.len() {
        let mut damaged = frame.clone();
        damaged[at] ^= 0x55;
        // Whatever it is, it ends, and without a panic.
        let _ = decoded(&damaged, 7, 100, 27);
    }
    let mut other = frame.clone();
    let last = other.len() - 1;
    other[last] ^= 1;
    assert!(decoded(&other, 1000, 1000, 27).unwrap_err().to_string().contains("checksum"));
}

#[test]
fn a_large_window_is_refused() {
    // A window of 16 MiB, and an empty block that is the last.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 14 << 3, 1, 0, 0];
    assert!(decoded(&frame, 100, 100, 23).unwrap_err().to_string().contains("window"));
    assert_eq!(decoded(&frame, 100, 100, 24).unwrap(), b"");
}

/// A block of four bytes may become 128 KiB: what comes out is taken before the next one is read.
#[test]
fn a_bomb_is_decompressed_block_by_block() {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3];
    for block in 0..1000_u32 {
        let head = u32::from(block == 999) | 1 << 1 | (128 << 10) << 3;
        frame.extend_from_slice(&head.to_le_bytes()[..3]);
        frame.push(b' ');
    }
    assert_eq!(decoded(&frame, 4096, 64 << 10, 27).unwrap().len(), 1000 * (128 << 10));
}
