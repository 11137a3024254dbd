//! The bytes of a file, decompressed.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};

use super::gzip::Members;
use super::{Error, Limits, ReadProgress, Source};

pub(super) type Raw = Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// Reads a file and, where its first bytes say that it is gzip, decompresses it.
pub(super) struct Bytes {
    input: Input,
    progress: ReadProgress,
    /// Whether more may come later, so that what is there should not wait for it.
    live: bool,
    allowance: Allowance,
}

enum Input {
    Plain(Raw),
    Gzip(Members<BufReader<Metered>>),
}

/// How much more may be decompressed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    limit: u64,
    left: u64,
    /// Whether it is for a whole compressed file. Otherwise each event that is compressed by itself
    /// has all of it.
    whole: bool,
}

impl Allowance {
    pub(super) fn new(limit: u64, whole: bool) -> Self {
        Allowance { limit, left: limit, whole }
    }

    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn spend(&mut self, bytes: u64) {
        if self.whole {
            self.left = self.left.saturating_sub(bytes);
        }
    }
}

const GZIP: [u8; 2] = [0x1f, 0x8b];

impl Bytes {
    pub(super) fn open(
        source: &Source,
        limits: &Limits,
        progress: &ReadProgress,
    ) -> Result<Self, Error> {
        let (input, live): (Box<dyn Read + Send>, bool) = match source {
            Source::Stdin => (Box::new(io::stdin()), true),
            Source::File(path) => {
                let file = File::open(path).map_err(Error::Open)?;
                let live = !file.metadata().map_err(Error::Open)?.is_file();
                (Box::new(file), live)
            }
        };
        progress.add_file();
        Self::new(input, live, limits, progress)
    }

    pub(super) fn new(
        mut input: Box<dyn Read + Send>,
        live: bool,
        limits: &Limits,
        progress: &ReadProgress,
    ) -> Result<Self, Error> {
        let mut head = Vec::with_capacity(GZIP.len());
        input.by_ref().take(GZIP.len() as u64).read_to_end(&mut head).map_err(Error::Read)?;
        let gzip = head == GZIP;
        let raw = Cursor::new(head).chain(input);
        let progress = progress.clone();
        let input = if gzip {
            let raw = Metered { raw, progress: progress.clone() };
            Input::Gzip(Members::new(BufReader::with_capacity(64 << 10, raw)))
        } else {
            Input::Plain(raw)
        };
        let allowance = Allowance::new(limits.max_decompressed, gzip);
        Ok(Bytes { input, progress, live, allowance })
    }

    /// Appends up to about `want` bytes, and says whether there may be more. What was read before
    /// an error is appended, too.
    pub(super) fn fill(&mut self, to: &mut Vec<u8>, want: usize) -> Result<bool, Error> {
        let Bytes { input, progress, live, allowance } = self;
        let before = to.len();
        match input {
            Input::Plain(raw) => {
                let more = read(raw, to, want, *live);
                progress.add_bytes(to.len() - before);
                more.map_err(Error::Read)
            }
            Input::Gzip(gzip) => {
                // One byte more than allowed tells what is at the limit from what is above it.
                let most = usize::try_from(allowance.left.saturating_add(1)).unwrap_or(usize::MAX);
                let more = read(gzip, to, want.min(most), *live);
                if *live && gzip.begun() {
                    // A stream may have no end. Each of its members has the limit of a file.
                    *allowance = Allowance::new(allowance.limit, true);
                }
                let got = (to.len() - before) as u64;
                if got > allowance.left {
                    to.truncate(to.len() - (got - allowance.left) as usize);
                    allowance.left = 0;
                    return Err(Error::TooLarge { limit: allowance.limit });
                }
                allowance.spend(got);
                let read = allowance.limit - allowance.left;
                more.map_err(|source| Error::Gzip { read, source })
            }
        }
    }

    /// Whether what is there should be examined without waiting for more.
    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    /// How much more may be decompressed: what is compressed inside an event counts, too.
    pub(super) fn allowance(&mut self) -> &mut Allowance {
        &mut self.allowance
    }
}

/// Tells how much is read of what is compressed.
struct Metered {
    raw: Raw,
    progress: ReadProgress,
}

impl Read for Metered {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(to)?;
        self.progress.add_bytes(read);
        Ok(read)
    }
}

fn read(input: &mut impl Read, to: &mut Vec<u8>, want: usize, live: bool) -> io::Result<bool> {
    if !live {
        return Ok(input.by_ref().take(want as u64).read_to_end(to)? == want);
    }
    // One read, which gives what is there.
    let start = to.len();
    to.resize(start + want.min(64 << 10), 0);
    let got = loop {
        match input.read(&mut to[start..]) {
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            got => break got,
        }
    };
    to.truncate(start + *got.as_ref().unwrap_or(&0));
    Ok(got? > 0)
}

#[cfg(test)]
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: &[u8], limit: u64, live: bool) -> (Vec<u8>, Option<Error>) {
        let limits = Limits { max_decompressed: limit };
        let progress = ReadProgress::default();
        let input = Box::new(Cursor::new(input.to_owned()));
        let mut bytes = Bytes::new(input, live, &limits, &progress).unwrap();
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
                assert!(matches!(err, Some(Error::Gzip { .. })), "{zeros} zeros");
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
        let text: Vec<u8> = (0..200_000_u32).flat_map(|n| n.to_le_bytes()).collect();
        let whole = gzip(&text);
        let (got, err) = all(&whole[..whole.len() / 2], 1 << 30, false);
        assert!(got.len() > 100_000 && text.starts_with(&got));
        assert!(matches!(err, Some(Error::Gzip { read, .. }) if read == got.len() as u64));

        let mut damaged = whole.clone();
        let crc = damaged.len() - 8;
        damaged[crc] ^= 1;
        let (got, err) = all(&damaged, 1 << 30, false);
        assert_eq!(got, text);
        assert!(matches!(err, Some(Error::Gzip { .. })));

        let (got, err) = all(&[&whole[..], b"garbage"].concat(), 1 << 30, false);
        assert_eq!(got, text);
        assert!(matches!(err, Some(Error::Gzip { .. })));
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
}
