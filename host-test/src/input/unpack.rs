//! Packed events of a batch, unpacked where they stand.

use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::allowance::Allowance;
use super::batch::Lines;
use super::packed::{KEY, unpacked};
use super::{BATCH, Batch};

/// Lines of a part that were not looked at yet.
pub(super) struct Later {
    pub(super) bytes: Vec<u8>,
    pub(super) lines: Lines,
}

/// Unpacks such events of the last part where they stand, so that every line keeps its number.
///
/// Once the batch is full by that, the lines that follow are for the next one: a line may become a
/// thousand times as long.
pub(super) fn unpack(batch: &mut Batch, allowance: &mut Allowance) -> Option<Later> {
    // The common case.
    let start = batch.last().start;
    let first = memmem::find(&batch.bytes[start..], KEY)?;

    let bytes = batch.bytes.split_off(start);
    let mut out = Vec::new();
    let mut copied = 0;
    let before = batch.last().before;
    let mut line = before + 1;
    let mut hit = Some(first);
    let mut later = None;
    while let Some(at) = hit {
        let start = memrchr(b'\n', &bytes[..at]).map_or(0, |at| at + 1);
        let end = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
        if let Some(unpacked) = unpacked(&bytes[start..end], allowance) {
            let lines = memchr_iter(b'\n', &bytes[copied..start]).count();
            line = line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
            out.extend_from_slice(&bytes[copied..start]);
            copied = end;
            match unpacked {
                Ok(document) => out.extend(document),
                // The line stays, empty.
                Err(reason) => {
                    let line = batch.last().line(line);
                    batch.unreadable(line, reason);
                }
            }
            if batch.bytes.len() + out.len() >= BATCH && end + 1 < bytes.len() {
                out.push(b'\n');
                let lines = batch.split_lines(line - before);
                later = Some(Later { bytes: bytes[end + 1..].to_vec(), lines });
                copied = bytes.len();
                break;
            }
        }
        hit = memmem::find(&bytes[end..], KEY).map(|at| end + at);
    }
    out.extend_from_slice(&bytes[copied..]);
    batch.bytes.append(&mut out);
    batch.last().unreadable.sort_by_key(|one| one.line);
    later
}

/// The same lines with what is packed in them unpacked, for who holds all of them; none if nothing is. A line
/// whose data cannot be unpacked stays as it is, and the detector says so.
#[cfg(feature = "serve")]
pub(crate) fn unpacked_lines(lines: &[u8]) -> Option<Vec<u8>> {
    /// As much as a batch of packed lines may become.
    const MOST: u64 = 64 << 20;
    memmem::find(lines, KEY)?;
    let mut allowance = Allowance::new(MOST, true);
    let (mut out, mut any) = (Vec::with_capacity(lines.len()), false);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        match memmem::find(text, KEY).and_then(|_| unpacked(text, &mut allowance)) {
            Some(Ok(unpacked)) => {
                any = true;
                out.extend(unpacked);
                out.push(b'\n');
            }
            _ => out.extend_from_slice(line),
        }
    }
    any.then_some(out)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::super::MAX_LINE;
    use super::super::bytes::gzip;
    use super::*;

    fn event(document: &[u8]) -> String {
        format!(r#"{{"awslogs":{{"data":"{}"}}}}"#, STANDARD.encode(gzip(document)))
    }

    fn unpacked(lines: &[&str], left: u64) -> (Vec<String>, Vec<(u64, String)>, u64) {
        let mut batch = Batch::default();
        batch.bytes = b"before\n".to_vec();
        batch.begin_at(Lines::From(1));
        batch.last().start = 0;
        batch.begin_at(Lines::From(10));
        batch.bytes.extend(lines.join("\n").bytes());
        let mut allowance = Allowance::new(left, true);
        assert!(unpack(&mut batch, &mut allowance).is_none());
        let text = String::from_utf8(batch.of(1).to_owned()).unwrap();
        assert_eq!(batch.of(0), b"before\n");
        let unreadable =
            batch.last().unreadable.drain(..).map(|one| (one.line, one.reason)).collect();
        (text.split('\n').map(str::to_owned).collect(), unreadable, allowance.left())
    }

    #[test]
    fn data_takes_the_place_of_its_line() {
        let one = event(b"{\n \"logEvents\": []\n}");
        let (lines, unreadable, left) = unpacked(&["{\"a\":1}", &one, "{\"b\":2}", &one], 1000);
        let document = "{  \"logEvents\": [] }";
        assert_eq!(lines, ["{\"a\":1}", document, "{\"b\":2}", document]);
        assert!(unreadable.is_empty());
        assert_eq!(left, 1000 - 2 * document.len() as u64);
    }

    #[test]
    fn other_lines_stay() {
        let driver = r#"{"requestParameters":{"logDriver":"awslogs","awslogs":{"data":"x"}}}"#;
        let broken = r#"{"awslogs":{"data":"x"}"#;
        let (lines, unreadable, _) = unpacked(&[driver, broken, ""], 1000);
        assert_eq!(lines, [driver, broken, ""]);
        assert!(unreadable.is_empty());
    }

    #[test]
    fn damaged_data_is_reported_with_its_line() {
        let base64 = r#"{"awslogs":{"data":"?"}}"#;
        let gzip = r#"{"awslogs":{"data":"aGVsbG8="}}"#;
        let good = event(b"{}");
        let (lines, unreadable, _) = unpacked(&["{}", base64, &good, gzip, "{}"], 1000);
        assert_eq!(lines, ["{}", "", "{}", "", "{}"]);
        assert_eq!(unreadable[0].0, 11);
        assert!(unreadable[0].1.starts_with("awslogs: not base64"), "{unreadable:?}");
        assert_eq!(unreadable[1].0, 13);
        assert!(unreadable[1].1.starts_with("awslogs: neither"), "{unreadable:?}");
    }

    #[test]
    fn bombs_are_bounded_one_by_one_and_together() {
        let (_, unreadable, left) = unpacked(&[&event(&vec![b' '; MAX_LINE + 1])], 1 << 30);
        assert_eq!(unreadable, [(10, "awslogs: longer than 16 MiB".into())]);
        assert_eq!(left, (1 << 30) - MAX_LINE as u64);

        let bomb = event(&[b' '; 600]);
        let (_, unreadable, left) = unpacked(&[&bomb, &bomb], 1000);
        let reason = "awslogs: decompresses to more than --max-decompressed allows";
        assert_eq!(unreadable, [(11, reason.into())]);
        assert_eq!(left, 0);
    }

    #[test]
    fn a_line_of_a_plain_file_leaves_the_next_one_as_much() {
        let mut batch = Batch::default();
        batch.begin_at(Lines::From(1));
        batch.bytes = format!("{}\n", event(&[b' '; 600])).repeat(100).into_bytes();
        let mut allowance = Allowance::new(1000, false);
        assert!(unpack(&mut batch, &mut allowance).is_none());
        assert!(batch.last().unreadable.is_empty());
    }

    #[test]
    fn what_becomes_too_much_is_left_for_the_next_batch() {
        let line = event(&vec![b' '; 400 << 10]);
        for lines in [Lines::From(7), Lines::Each((7..14).collect())] {
            let mut batch = Batch::default();
            batch.begin_at(lines);
            batch.bytes = format!("{line}\n").repeat(6).into_bytes();
            batch.bytes.extend(b"{}\n");
            let mut allowance = Allowance::new(1 << 30, false);
            let mut starts = Vec::new();
            let mut all = 0;
            while let Some(later) = unpack(&mut batch, &mut allowance) {
                assert!(batch.bytes().len() < 2 * BATCH);
                starts.push(batch.parts()[0].line(1));
                all += memchr_iter(b'\n', batch.bytes()).count();
                batch.clear();
                batch.begin_at(later.lines);
                batch.bytes = later.bytes;
            }
            all += memchr_iter(b'\n', batch.bytes()).count();
            assert_eq!((all, &starts[..]), (7, &[7, 9, 11][..]));
            assert!(batch.bytes().ends_with(b"{}\n"));
            assert_eq!(batch.parts()[0].line(1), 13);
        }
    }
}
