//! What is a log, and what is none.

use super::*;

fn name(head: &[u8]) -> Option<&'static str> {
    Kind::of(head).map(|kind| kind.name)
}

#[test]
fn what_is_no_log_is_named() {
    let mut tar = vec![0; 1024];
    tar[..5].copy_from_slice(b"a.log");
    tar[257..265].copy_from_slice(b"ustar\x0000");
    let csv = b"\"eventtime\",\"eventname\",\"useridentity\"\n\"2026\",\"x\",\"{\"\"a\"\":1}\"\n";
    for (head, want) in [
        (&b"PK\x03\x04\x14\0\0\0\x08\0{\"eventName\":1}"[..], "a ZIP archive"),
        (b"BZh91AY&SY\x12\x00\xff", "compressed with bzip2"),
        (b"\xfd7zXZ\0\0\x04\xe6", "compressed with xz"),
        (b"\x04\x22\x4d\x18\x64\x40", "compressed with LZ4"),
        (b"\xff\x06\x00\x00sNaPpY\x01", "compressed with Snappy"),
        (&tar, "a tar archive"),
        (b"PAR1\x15\x04\x15", "a Parquet file"),
        (b"Obj\x01\x04\x16avro.schema\xaa{\"type\":\"record\"", "an Avro file"),
        (b"ORC\x00\x01\x02", "an ORC file"),
        (b"SQLite format 3\0\x10\0", "an SQLite database"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
        (b"GIF89a\x01\0\x01\0", "a GIF image"),
        (b"\x7fELF\x02\x01\x01\0", "a program or library (ELF)"),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01", "a macOS program or library"),
        (b"MZ\x90\0\x03\0\0\0", "a Windows program or library"),
        (b"\0asm\x01\0\0\0", "a WebAssembly module or component"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34\0\x10", "a Java class"),
        (b"\x85\x02\x0c\x03\x01\x02", "encrypted with PGP"),
        (b"\x8c\x0d\x04\x09\x03\x02", "encrypted with PGP"),
        (b"-----BEGIN PGP MESSAGE-----\n\n", "a PGP message"),
        (b"age-encryption.org/v1\n-> X25519 ", "encrypted with age"),
        (b"\xd4\xc3\xb2\xa1\x02\0\x04\0", "a capture of network packets"),
        (b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a", "a capture of network packets"),
        (b"ElfFile\0\0\0\0\0", "a Windows event log (EVTX)"),
        (b"\xff\xfe{\0\"\0a\0", "UTF-16 text"),
        (b"\xfe\xff\0{\0\"\0a", "UTF-16 text"),
        (b"{\0\"\0a\0\"\0:\x001\0}\0", "UTF-16 text"),
        (b"\0{\0\"\0a\0\"\0:\x001\0}", "UTF-16 text"),
        (b" \n<!doctype html>\n<html>", "an HTML page"),
        (b"\xef\xbb\xbf<?xml version=\"1.0\"?><Error>", "an XML document"),
        (csv, "CSV"),
        (b"eventVersion,userIdentity,eventTime,eventName\n1,2,3,4\n", "CSV"),
        (b"@timestamp,@message\n", "CSV"),
        (b"\x13\x9a\xfe\x02\x81\x90\x17\x0e\x8a\x8b\x8c", "bytes of no known kind"),
    ] {
        assert_eq!(name(head), Some(want), "{}", String::from_utf8_lossy(head));
    }
}

#[test]
fn noise_is_never_taken_for_text() {
    let mut seed = 1_u64;
    for _ in 0..50 {
        let noise = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 56) as u8
        });
        let noise: Vec<u8> = noise.take(HEAD).collect();
        assert!(name(&noise).is_some());
        // A key, also one in a text.
        for key in [&b"{\"a\" :"[..], br#"{\"eventID\":"#] {
            let damaged = [&b"\x01\x02"[..], &noise, key].concat();
            assert_eq!(name(&damaged), None);
        }
    }
}

#[test]
fn text_is_read() {
    let zeros = [vec![0; 5000], br#"{"eventName":"x"}"#.to_vec()].concat();
    let damaged = [&b"\x01\x02\x03\xff\xfe"[..], br#"{"a":1}"#].concat();
    let bitmap = [&b"BM\0\0\x03"[..], br#"{"a":1,"eventName":"x"}"#].concat();
    for head in [
        &b""[..],
        b"\n",
        b"{\"a\":1}\n",
        b"\xef\xbb\xbf[{\"a\":1}]",
        b"<134>1 2026-01-01T00:00:00Z host app - - - {\"a\":1}\n",
        b"<13>Jan  1 00:00:00 host CloudTrail: {}",
        b"BM01 app: {\"eventName\":\"x\"}\n",
        b"MZ, PK, GIF89a and ID3 are words\n",
        b"ORC: {\"a\":1}\n",
        b"\x1b[32mgreen\x1b[0m {\"a\":1}\n",
        b"eventName,that is not a header: {\n",
        b"\xff",
        "Jürgen: é ü\n".as_bytes(),
        &"Jürgen".as_bytes()[..2],
        b"J\xfcrgen in Latin 1, as a log may be\n",
        &zeros,
        &damaged,
        &bitmap,
        &[0; 300],
    ] {
        assert_eq!(name(head), None, "{}", String::from_utf8_lossy(head));
    }
}
