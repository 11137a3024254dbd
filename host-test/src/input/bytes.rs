//! The bytes of a file, decompressed.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::{Error, Limits, Meter, Source};

type Raw = Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// Reads a file and, where its first bytes say that it is gzip, decompresses it. All members of a
/// gzip are read: logs are often put together from several.
pub(super) struct Bytes {
    input: Input,
    meter: Meter,
    /// Whether more may come later, so that what is there should not wait for it.
    live: bool,
    limit: u64,
    /// How much more may be decompressed.
    left: u64,
}

enum Input {
    Plain(Raw),
    Gzip(Box<MultiGzDecoder<BufReader<Metered>>>),
}

const GZIP: [u8; 2] = [0x1f, 0x8b];

impl Bytes {
    pub(super) fn open(source: &Source, limits: &Limits, meter: &Meter) -> Result<Self, Error> {
        let (input, live): (Box<dyn Read + Send>, bool) = match source {
            Source::Stdin => (Box::new(io::stdin()), true),
            Source::File(path) => {
                let file = File::open(path).map_err(Error::Open)?;
                let live = !file.metadata().map_err(Error::Open)?.is_file();
                (Box::new(file), live)
            }
        };
        meter.add_file();
        Self::new(input, live, limits, meter)
    }

    pub(super) fn new(
        mut input: Box<dyn Read + Send>,
        live: bool,
        limits: &Limits,
        meter: &Meter,
    ) -> Result<Self, Error> {
        let mut head = Vec::with_capacity(GZIP.len());
        input.by_ref().take(GZIP.len() as u64).read_to_end(&mut head).map_err(Error::Read)?;
        let gzip = head == GZIP;
        let raw = Cursor::new(head).chain(input);
        let meter = meter.clone();
        let input = if gzip {
            let raw = Metered { raw, meter: meter.clone() };
            Input::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(64 << 10, raw))))
        } else {
            Input::Plain(raw)
        };
        let limit = limits.max_decompressed;
        Ok(Bytes { input, meter, live, limit, left: limit })
    }

    /// Appends up to about `want` bytes, and says whether there may be more. What was read before
    /// an error is appended, too.
    pub(super) fn fill(&mut self, to: &mut Vec<u8>, want: usize) -> Result<bool, Error> {
        let live = self.live;
        match &mut self.input {
            Input::Plain(raw) => {
                let before = to.len();
                let more = read(raw, to, want, live);
                self.meter.add_bytes(to.len() - before);
                more.map_err(Error::Read)
            }
            Input::Gzip(gzip) => {
                let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(want);
                if want == 0 {
                    // The limit is reached. That is no error if the file ends here.
                    let end = gzip.read(&mut [0]);
                    return match end {
                        Ok(0) => Ok(false),
                        Ok(_) => Err(Error::TooLarge { limit: self.limit }),
                        Err(source) => Err(Error::Gzip { read: self.limit, source }),
                    };
                }
                let before = to.len();
                let more = read(gzip, to, want, live);
                self.left -= (to.len() - before) as u64;
                more.map_err(|source| Error::Gzip { read: self.limit - self.left, source })
            }
        }
    }

    /// Whether what is there should be examined without waiting for more.
    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    /// How much more may be decompressed: what is compressed inside an event counts, too.
    pub(super) fn left(&mut self) -> &mut u64 {
        &mut self.left
    }
}

/// Tells how much is read of what is compressed.
struct Metered {
    raw: Raw,
    meter: Meter,
}

impl Read for Metered {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(to)?;
        self.meter.add_bytes(read);
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
        let meter = Meter::default();
        let input = Box::new(Cursor::new(input.to_owned()));
        let mut bytes = Bytes::new(input, live, &limits, &meter).unwrap();
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
