//! A request's body into newline-delimited events: received and decompressed within bounds, and
//! taken apart only if it is one JSON document.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::panic))]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::unwrap_used))]

use std::io;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::HeaderMap;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;

use super::admission::Room;
use crate::input::{self, BodyFailure, Form, are_lines, decompress_all, event_lines, not_a_log};

/// The compression of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    /// As the header says; or what it says, if that is none we know.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, String> {
        let Some(value) = headers.get(CONTENT_ENCODING) else { return Ok(Encoding::Identity) };
        match value.as_bytes().trim_ascii() {
            b"" | b"identity" => Ok(Encoding::Identity),
            b"gzip" => Ok(Encoding::Gzip),
            b"zstd" => Ok(Encoding::Zstd),
            _ => Err(String::from_utf8_lossy(value.as_bytes()).into_owned()),
        }
    }
}

/// A body that gives no events.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// It is longer than may be, as it comes or decompressed.
    #[error("the body is longer than {0} bytes")]
    TooLong(usize),

    /// It is not what its `Content-Encoding` says.
    #[error("the body cannot be decompressed: {0}")]
    Encoding(io::Error),

    /// It is a file of another kind.
    #[error("the body is {0}")]
    NotALog(input::Error),

    /// The sender went away.
    #[error("the body ended early: {0}")]
    Cut(hyper::Error),

    /// The sender is too slow.
    #[error("the body did not come in time")]
    Slow,

    /// There was no room for it in time.
    #[error("busy")]
    NoRoom,
}

/// So long a sender on this machine may take for a body, if that is less than a batch may take. The
/// time in which there was no room for it does not count.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Receives a body of at most `most` bytes, as fast as there is room.
pub(super) async fn receive(
    headers: &HeaderMap,
    body: &mut Incoming,
    most: usize,
    deadline: Instant,
    room: &mut Room,
) -> Result<Bytes, BodyError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let announced: u64 = announced.or(body.size_hint().exact()).unwrap_or(0);
    if announced > most as u64 {
        return Err(BodyError::TooLong(most));
    }
    let mut whole = BytesMut::new();
    let mut waited = Duration::ZERO;
    let start = Instant::now();
    loop {
        let slow = start.checked_add(BODY_TIMEOUT.saturating_add(waited));
        let until = slow.map_or(deadline, |slow| slow.min(deadline));
        let frame = timeout_at(until.into(), body.frame()).await;
        let frame = frame.map_err(|_| BodyError::Slow)?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(BodyError::Cut)?.into_data() else { continue };
        let length = whole.len().saturating_add(data.len());
        if length > most {
            return Err(BodyError::TooLong(most));
        }
        let full = Instant::now();
        let grown = timeout_at(deadline.into(), room.grow(length)).await;
        grown.map_err(|_| BodyError::NoRoom)?;
        waited = waited.saturating_add(full.elapsed());
        if whole.is_empty() && data.len() as u64 == announced {
            return Ok(data);
        }
        if whole.is_empty() {
            // Not before something has come: an announcement alone takes no memory.
            whole.reserve(usize::try_from(announced).unwrap_or(0).max(data.len()));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// Decompresses a body to at most `most` bytes: as its header says, and then as its bytes do, since a
/// compressed file may be sent as it is.
fn decompress(body: Bytes, encoding: Encoding, most: usize) -> Result<Bytes, BodyError> {
    let said = match encoding {
        Encoding::Identity => None,
        Encoding::Gzip => Some(Form::Gzip),
        Encoding::Zstd => Some(Form::Zstd),
    };
    decompress_all(body, said, most).map_err(|err| match err {
        BodyFailure::TooLong => BodyError::TooLong(most),
        BodyFailure::Damaged(err) => BodyError::Encoding(err),
    })
}

/// A body as one event a line. Work that takes time runs on a blocking thread.
pub(super) async fn lines(
    body: Bytes,
    encoding: Encoding,
    most: usize,
) -> Result<Bytes, BodyError> {
    if encoding == Encoding::Identity && are_lines(&body) {
        return Ok(body);
    }
    let work = move || {
        let body = decompress(body, encoding, most)?;
        match not_a_log(&body) {
            Some(err) => Err(BodyError::NotALog(err)),
            None => Ok(event_lines(&body).map_or(body, Bytes::from)),
        }
    };
    spawn_blocking(work).await.unwrap_or_else(|err| Err(BodyError::Encoding(err.into())))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_is_compressed_is_bounded() {
        let text = vec![b'a'; 100_000];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let gzip = Bytes::from(gzip.finish().unwrap());
        let zstd = Bytes::from(zstd::encode_all(&text[..], 1).unwrap());
        for (body, encoding) in [(gzip, Encoding::Gzip), (zstd, Encoding::Zstd)] {
            assert_eq!(decompress(body.clone(), encoding, 100_000).unwrap(), text);
            let long = decompress(body.clone(), encoding, 99_999);
            assert!(matches!(long, Err(BodyError::TooLong(99_999))), "{long:?}");
            let cut = decompress(body.slice(..body.len() / 2), encoding, 100_000);
            assert!(matches!(cut, Err(BodyError::Encoding(_))), "{cut:?}");
            let foreign = decompress(Bytes::from_static(b"{}"), encoding, 100_000);
            assert!(matches!(foreign, Err(BodyError::Encoding(_))), "{foreign:?}");
        }
    }

    #[test]
    fn a_compressed_file_may_be_sent_as_it_is() {
        let text = Bytes::from_static(b"{\"a\":1}");
        let zstd = Bytes::from(zstd::encode_all(&text[..], 1).unwrap());
        let twice = Bytes::from(zstd::encode_all(&zstd[..], 1).unwrap());
        for (body, encoding) in [
            (&text, Encoding::Identity),
            (&zstd, Encoding::Identity),
            (&zstd, Encoding::Zstd),
            (&twice, Encoding::Identity),
            (&twice, Encoding::Zstd),
        ] {
            assert_eq!(decompress(body.clone(), encoding, 1000).unwrap(), text);
        }
        let deep = (0..5).fold(text, |body, _| zstd::encode_all(&body[..], 1).unwrap().into());
        let deep = decompress(deep, Encoding::Zstd, 1000);
        assert!(matches!(deep, Err(BodyError::Encoding(_))), "{deep:?}");
    }
}
