//! What `inspect` reads: artifacts, packs and states of any bytes, and artifacts with sections of any bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use orgwatch::detector::Detector;
use orgwatch::rules::Pack;
use orgwatch::state;
use orgwatch_artifact::{Artifact, BAKED, BUILD, CASES, PACK, seal};

/// A module, and a component, of nothing.
const EMPTY: [&[u8]; 2] = [b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0"];

const SECTIONS: [&str; 4] = [BUILD, PACK, BAKED, CASES];

fuzz_target!(|bytes: &[u8]| {
    drop(Artifact::read(bytes));
    drop(state::decode(bytes));
    if let Ok(pack) = Pack::from_bytes(bytes) {
        assert_eq!(Pack::from_bytes(&pack.to_bytes()).expect("ours").to_bytes(), pack.to_bytes());
    }
    drop(Detector::open_with("{}", &[bytes]));
    let Some((choice, rest)) = bytes.split_first() else { return };
    let mut module = EMPTY[usize::from(choice & 1)].to_vec();
    for (name, part) in SECTIONS.iter().zip(rest.split(|&byte| byte == 0xff)) {
        section(&mut module, name, part);
    }
    drop(Artifact::read(&module));
    if let Ok(sealed) = seal(&module) {
        drop(Artifact::read(&sealed));
    }
});

/// Appends a custom section.
fn section(module: &mut Vec<u8>, name: &str, data: &[u8]) {
    let number = |mut value: usize| {
        let mut bytes = Vec::new();
        loop {
            let low = (value & 0x7f) as u8;
            value >>= 7;
            bytes.push(if value == 0 { low } else { low | 0x80 });
            if value == 0 {
                return bytes;
            }
        }
    };
    let body = [number(name.len()), name.into(), data.into()].concat();
    module.push(0);
    module.extend(number(body.len()));
    module.extend(body);
}
