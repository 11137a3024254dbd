//! Decompression: nothing panics, nothing is longer than its limit, and what was compressed comes out.

#![no_main]

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use orgwatch_fuzz::input::fuzzing::{body, decompressed, is_compressed};

/// As much as a member may hold.
const LIMIT: u64 = 100_000;

fuzz_target!(
    init: {
        // The hook of libFuzzer aborts at once, also where the host catches a panic of the Parquet crate.
        std::panic::set_hook(Box::new(|info| {
            if !info.location().is_some_and(|at| at.file().contains("/parquet-")) {
                eprintln!("{info}\n{}", std::backtrace::Backtrace::force_capture());
            }
        }));
    },
    |file: &[u8]| {
        let most = LIMIT as usize;
        let (whole, err) = decompressed(file, false, LIMIT, 1000);
        assert!(whole.len() <= most.max(file.len()), "more than the limit");
        let (again, again_err) = decompressed(file, false, LIMIT, 1 << 20);
        assert_eq!(told(&err), told(&again_err));
        assert_eq!(whole, again, "the size of the pieces matters");
        let (live, live_err) = decompressed(file, true, LIMIT, 1000);
        if err.is_none() && live_err.is_none() {
            assert_eq!(whole, live, "as a stream it is something else");
        }
        for said in [None, Some(true), Some(false)] {
            let Some(body) = body(file, said, most) else { continue };
            assert!(body.len() <= most.max(file.len()), "more than the limit");
            if err.is_none() && is_compressed(file) && !whole.is_empty() {
                assert_eq!(body, whole, "a body is something else than a file");
            }
        }
        if err.is_none() && whole == file && file.len() < 1000 {
            let way = file.last().unwrap_or(&0) % 8;
            let packed = pack(file, way);
            let (out, err) = decompressed(&packed, false, LIMIT, 700);
            assert_eq!(told(&err), None);
            assert_eq!(out, file, "what was packed does not come out");
            assert_eq!(body(&packed, None, most).as_deref(), Some(file));
        }
    }
);

fn told(err: &Option<orgwatch_fuzz::input::Error>) -> Option<String> {
    err.as_ref().map(ToString::to_string)
}

/// Compressed in two members, and once more.
fn pack(text: &[u8], way: u8) -> Vec<u8> {
    let (first, second) = text.split_at(text.len() / 2);
    let members =
        [one(first, way & 2 == 0), one(second, way & 2 != 0), vec![0; way.into()]].concat();
    if way & 4 == 0 { members } else { one(&members, true) }
}

fn one(text: &[u8], gzip: bool) -> Vec<u8> {
    if !gzip {
        return zstd::bulk::compress(text, 1).expect("memory takes all");
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).and_then(|()| encoder.finish()).expect("memory takes all")
}
