//! Screening in native code says what the component says, whatever it is given.

use std::fs;
use std::sync::OnceLock;

use orgwatch_host::plugin::{Artifact, Detector, Options, Plugin};
use proptest::prelude::*;

use crate::support::{cases, files};
use crate::util::Sandbox;

/// A detector that screens natively, and one that does not.
struct Both {
    native: Detector,
    guest: Detector,
}

/// Compiled once each way.
fn plugin(native: bool) -> Plugin {
    static PLUGINS: [OnceLock<Plugin>; 2] = [const { OnceLock::new() }; 2];
    let load = || {
        let artifact = Artifact::embedded().expect("the tests are built with a component");
        let mut options = Options::default();
        options.native_screening = native;
        Plugin::load(artifact.bytes(), &options).unwrap()
    };
    PLUGINS[usize::from(native)].get_or_init(load).clone()
}

impl Both {
    fn open(settings: &str, packs: &[Vec<u8>]) -> Self {
        let open = |native| plugin(native).with_packs(packs.to_vec()).open(settings).unwrap();
        let (mut native, guest) = (open(true), open(false));
        // Its guest screens what comes first.
        native.screen(&vec![b'\n'; 1 << 20]).unwrap();
        assert!(native.screens_natively(), "built with a component of other sources");
        assert!(!guest.screens_natively());
        Both { native, guest }
    }

    #[track_caller]
    fn check(&mut self, events: &[u8]) {
        let (mut native, guest) =
            (self.native.screen(events).unwrap(), self.guest.screen(events).unwrap());
        let text = || String::from_utf8_lossy(&events[..events.len().min(2000)]).into_owned();
        let is_plain = |line: &[u8]| {
            let is_packed = line.windows(6).any(|text| text == b"\"data\"");
            line.is_empty() || line.starts_with(b"{") && line.ends_with(b"}") && !is_packed
        };
        if native.are_plain {
            assert!(events.split(|byte| *byte == b'\n').all(is_plain), "{}", text());
        }
        // A guest does not say so.
        native.are_plain = false;
        assert!(native == guest, "{}", text());
    }
}

/// Lines that were written to be misread.
const HOSTILE: [&[u8]; 14] = [
    b"",
    b"\n\r\n\0\n \t\n",
    b"eventName",
    b"\"eventName\":\"LeaveOrganization",
    b"{\"eventName\":\"LeaveOrganization\"",
    b"{\"eventName\" : \"\\u004ceaveOrganization\"}",
    b"{\"event\\u004eame\":\"LeaveOrganization\"}",
    b"{\"message\":\"{\\\"eventName\\\":\\\"LeaveOrganization\\\"}\"}",
    b"{\"eventName\":[\"LeaveOrganization\"]}",
    "{\"eventName\":\"Leave\u{212a}\"}".as_bytes(),
    b"\xef\xbb\xbf{\"eventName\":\"X\"}",
    b"{\"eventName\":\"\xff\"}\n{\"eventName\":\"X\"}",
    b"{'eventName': 'LeaveOrganization'}",
    b"{\"awslogs\":{\"data\":\"H4sI\"}}",
];

#[test]
fn cases_and_shapes_are_screened_alike() {
    let mut defaults = Both::open("{}", &[]);
    for case in cases() {
        defaults.check(&case.events);
        if case.settings != "{}" {
            Both::open(&case.settings, &[]).check(&case.events);
        }
    }
    for extension in ["json", "ndjson", "log", "txt", "csv"] {
        for file in files("tests/shapes", extension) {
            defaults.check(&fs::read(file).unwrap());
        }
    }
    HOSTILE.iter().for_each(|line| defaults.check(line));
}

#[test]
fn rules_of_a_user_are_known_to_both() {
    let sandbox = Sandbox::new();
    for (slug, selection) in
        [("named", "eventName: DescribeSomething"), ("by-text", "userAgent|contains: curiousagent")]
    {
        let yaml = format!(
            "title: T\nid: 6f0a1a52-7c5f-4f0e-9d2c-0000000000{:02}\nname: {slug}\nstatus: stable\n\
             description: D\nlogsource: {{product: aws, service: cloudtrail}}\n\
             detection:\n  s: {{{selection}}}\n  condition: s\nlevel: low\n",
            slug.len()
        );
        sandbox.file(&format!("rules/{slug}.yml"), yaml);
    }
    let compiled = orgwatch_host::rules::compile(&[sandbox.path("rules")], &Default::default());
    let pack = compiled.unwrap().pack.to_bytes();
    let mut both = Both::open("{}", &[pack]);
    let lines = [
        r#"{"eventName":"DescribeSomething"}"#,
        r#"{"eventName":"DescribeOther","userAgent":"x CuriousAgent y"}"#,
        r#"{"eventName":"DescribeOther"}"#,
    ];
    both.check(lines.join("\n").as_bytes());
    assert_eq!(both.native.screen(lines.join("\n").as_bytes()).unwrap().spans.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Cases cut into pieces and put together anew, with hostile lines between them.
    #[test]
    fn whatever_is_made_of_events_is_screened_alike(
        pieces in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_usize..400, 0_u8..8), 1..40),
    ) {
        thread_local! {
            static BOTH: std::cell::RefCell<Both> = std::cell::RefCell::new(Both::open("{}", &[]));
            static EVENTS: Vec<u8> = cases().into_iter().flat_map(|case| case.events).collect();
        }
        let events = EVENTS.with(|events| {
            let mut made = Vec::new();
            for (from, line, length, what) in &pieces {
                match what {
                    0 | 1 => made.extend_from_slice(HOSTILE[line.index(HOSTILE.len())]),
                    // A whole line.
                    2..=5 => {
                        let from = from.index(events.len());
                        let start = events[..from].iter().rposition(|byte| *byte == b'\n');
                        let rest = &events[start.map_or(0, |at| at + 1)..];
                        let end = rest.iter().position(|byte| *byte == b'\n');
                        made.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
                    }
                    _ => {
                        let from = from.index(events.len());
                        let piece = &events[from..events.len().min(from + length)];
                        made.extend_from_slice(piece);
                    }
                }
                if *what != 7 {
                    made.push(b'\n');
                }
            }
            made
        });
        BOTH.with(|both| both.borrow_mut().check(&events));
    }
}

#[test]
fn a_scan_says_how_events_were_screened() {
    let sandbox = Sandbox::new();
    sandbox.file("a", crate::util::leaving(1).to_string());
    let scanned = sandbox.scan(&["--verbose", "a"]);
    scanned.expect(1, 0).says("  screened        natively: ");
    // A component with something baked in is another one.
    sandbox.file("settings.yaml", "management_account: \"999988887777\"\n");
    let embedded = Artifact::embedded().unwrap();
    sandbox.file("orgwatch.wasm", embedded.bytes());
    let baked = ["bake", "orgwatch.wasm", "--settings", "settings.yaml", "-o", "mine.wasm"];
    assert_eq!(sandbox.run(&baked).code, 0, "{:?}", sandbox.run(&baked));
    let scanned = sandbox.scan(&["-v", "--component", "mine.wasm", "a"]);
    scanned.expect(1, 0).says("  screened        by the component: ");
    let same = sandbox.scan(&["-v", "--component", "orgwatch.wasm", "a"]);
    same.expect(1, 0).says("  screened        natively: ");
    for (file, native) in
        [("orgwatch.wasm", "screened    natively: "), ("mine.wasm", "screened    by the ")]
    {
        assert!(sandbox.run(&["inspect", file]).out.contains(native), "{file}");
    }
    assert_eq!(sandbox.scan(&["-v", "-q", "a"]).code, 2);
}
