use std::cell::RefCell;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::super::file_tally::FileTally;
use super::super::filter::FilteredOut;
use super::super::read::Origin;
use super::super::tally::Tally;
use super::super::tests::real;
use super::*;
use crate::plugin::Detector;

thread_local! {
    static DETECTOR: RefCell<Detector> = RefCell::new(real());
}

fn piece() -> Piece {
    let origin = Origin { source: None, opened: false, failed: None, ended: false };
    Piece::new(origin, Vec::new(), FileTally::default())
}

#[test]
fn a_long_event_stays_where_it_is() {
    let filter = Filter::default();
    let mut candidates = Candidates::new(&filter);
    let (mut counts, mut piece) = (Counts::default(), piece());
    let mut first = b"{\"a\":1}".to_vec();
    DETECTOR.with_borrow_mut(|detector| {
        candidates.add(&mut first, 1, 0, &mut piece, &mut counts, detector).unwrap();
    });
    let long = format!("{{\"b\":\"{}\"}}", "x".repeat(1 << 20));
    let batch = format!("rejected\n{{\"a\":1}}\nrejected\n{long}\n").into_bytes();
    let (at, text) = (batch.as_ptr(), batch.len() - 1 - long.len()..batch.len() - 1);
    candidates.add_last(batch, text, 4, 0);
    assert_eq!(candidates.bytes.as_ptr(), at, "one copy of it");
    assert_eq!(candidates.bytes, format!("{{\"a\":1}}\n{long}\n").as_bytes());
    let ranges: Vec<_> = candidates.lines.iter().map(|line| line.range.clone()).collect();
    assert_eq!(ranges, [0..7, 8..8 + long.len()]);
}

/// Whether the records of a document are cut out of it.
fn is_cut(document: &str) -> bool {
    let filter = Filter::default();
    let mut candidates = Candidates::new(&filter);
    let mut text = document.as_bytes().to_vec();
    let cut = DETECTOR.with_borrow_mut(|detector| candidates.cut_up(&mut text, 1, 0, detector));
    assert_eq!(text, document.as_bytes());
    let is_cut = cut.unwrap().is_some();
    assert!(is_cut || candidates.lines.is_empty() && candidates.bytes.is_empty());
    is_cut
}

/// All that is left of a document that is cut, if it can be, or parsed in any case.
fn screened(document: &str, filter: &Filter, parsed: bool) -> Screened {
    DETECTOR.with_borrow_mut(|detector| {
        let mut candidates = Candidates::new(filter);
        let (mut counts, mut piece) = (Counts::default(), piece());
        let mut text = document.as_bytes().to_vec();
        if parsed {
            candidates.add_parsed(&text, 1, 0, &mut piece, &mut counts);
        } else {
            candidates.add(&mut text, 1, 0, &mut piece, &mut counts, detector).unwrap();
        }
        let mut screened = Screened {
            pieces: vec![piece],
            counts,
            filtered_out: FilteredOut::default(),
            bytes: 0,
            sources: Tally::default(),
            accounts: Tally::default(),
            stretch: None,
            account: None,
            _permit: None,
        };
        candidates.keep(detector, &mut screened).unwrap();
        screened
    })
}

/// The events that a rule may match.
fn found(screened: &Screened) -> Vec<&str> {
    let text = std::str::from_utf8(&screened.pieces[0].candidates).unwrap();
    text.lines().collect()
}

fn record(name: &str, more: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"Root"}},"eventTime":"2026-05-04T03:00:00Z","eventSource":"organizations.amazonaws.com","eventName":"{name}"{more},"recipientAccountId":"111122223333"}}"#
    )
}

fn document(records: &[String]) -> String {
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

#[test]
fn a_record_inside_a_record_is_none_and_hides_none() {
    let inner = [record("LeaveOrganization", ""), record("DescribeX", "")];
    let list =
        format!(r#","requestParameters":{{"x":1}},"list":[{{"y":2}},{},{{}}]"#, inner.join(","));
    let records =
        |name| document(&[record("DescribeX", ""), record(name, &list), record("GetX", "")]);
    let all = Filter::default();
    for name in ["LeaveOrganization", "DescribeX"] {
        let document = records(name);
        let cut = screened(&document, &all, false);
        assert!(is_cut(&document));
        // The name inside may be what a rule wants, by what the bytes say.
        assert_eq!(found(&cut), [record(name, &list)]);
        assert_eq!((cut.pieces[0].places[0].1.record, cut.counts.rejected), (1, 2));
        assert_eq!(format!("{cut:?}"), format!("{:?}", screened(&document, &all, true)));
    }
}

#[test]
fn what_cloudtrail_does_not_write_is_parsed_as_a_whole() {
    let (other, wanted) = (record("DescribeX", ""), record("LeaveOrganization", ""));
    let of = |record: &str| document(&[other.clone(), record.into(), wanted.clone()]);
    let deep =
        |depth| record("DescribeX", &format!(r#","x":{}{}"#, "[".repeat(depth), "]".repeat(depth)));
    assert!(
        is_cut(&of(&other))
            && is_cut(&of(&deep(800)))
            && is_cut(&document(&[other.clone(), wanted.clone()]))
    );
    let whole = of(&other);
    let mut documents = vec![
        document(&[record("LeaveOrganization", r#","a":{"eventName":"GetX"}"#)]),
        whole.replacen(":[", ": [", 1),
        whole.replacen("},{", "}, {", 1),
        whole.replacen("]}", "],\"eventName\":\"X\"}", 1),
        whole.replacen("{\"Records\"", "{\"a\":1,\"Records\"", 1),
        whole.replacen("]}", "]}]}", 1),
        whole.replacen("]}", "],\"Records\":[]}", 1),
        whole.replacen("\"1.11\"", "\"1.11", 1),
        whole.replacen("\"Root\"}", "\"Root\"", 1),
        whole.replacen("\"Root\"}", "\"Root\"}}", 1),
        whole.replacen("Root", "Ro\tot", 1),
        whole.replacen("Root", "Ro\0ot", 1),
        whole.replacen("{\"type\"", "\\{\"type\"", 1),
    ];
    for record in [
        "{}",
        "1",
        "[]",
        "\"eventName\"",
        &deep(990),
        &deep(1010),
        &other.replace("eventName", "eventname"),
        &other.replace(".com\",\"eventName", ".com\",\"x\":1,\"eventName"),
        &other.replace("organizations.amazonaws.com", "aws:s3"),
        &other.replace("organizations.amazonaws.com", ""),
        &other.replace("\"DescribeX\"", "null"),
        &other.replace("\"DescribeX\"", "\"DescribeX\",\"eventName\":null"),
        &other.replace("\"DescribeX\"", "\"DescribeX\",\"eventName\":\"GetX\""),
        &format!(r#"{{"detail":{other}}}"#),
        &format!(r#"{{"insightDetails":{other}}}"#),
        &format!("[{other}]"),
        &wanted.replace("1.11", "\\x"),
        &wanted.replace("\"Root\"", "Root"),
    ] {
        documents.push(of(record));
    }
    let all = Filter::default();
    for document in documents {
        assert!(!is_cut(&document), "{document}");
        let (cut, parsed) = (screened(&document, &all, false), screened(&document, &all, true));
        assert_eq!(format!("{cut:?}"), format!("{parsed:?}"), "{document}");
    }
}

#[test]
fn what_is_broken_in_a_record_that_no_rule_wants_is_passed_over() {
    let broken = record("DescribeX", r#","x":tru,"y":"\x""#);
    let document = document(&[broken, record("LeaveOrganization", "")]);
    let cut = screened(&document, &Filter::default(), false);
    assert_eq!(found(&cut), [record("LeaveOrganization", "")]);
    assert_eq!((cut.counts.rejected, cut.counts.unreadable), (1, 0));
}

/// Things that may stand in a list of records.
fn element() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "DescribeX",
        "GetX",
        "LeaveOrganization",
        "leaveorganization",
        "AssumeRole",
        "X\\u004c",
        "",
    ]);
    let more = prop::collection::vec(
        prop_oneof![
            4 => "[ -~]{0,80}".prop_map(|text| format!(r#","x":{}"#, Json::from(text))),
            2 => (0_usize..70).prop_map(|many| format!(r#","x":"{}""#, "\\\\".repeat(many))),
            2 => (0_usize..70).prop_map(|many| format!(r#","x":"{}\"}},{{""#, "\\\\".repeat(many))),
            6 => prop::sample::select(vec![
                r#","policy":"{\"a\":[\"}]},{\\\"\"]}""#,
                r#","a":"},{\"eventVersion\":\"1\"""#,
                r#","Records":[{"eventName":"LeaveOrganization"},{"eventName":"DescribeX"}]"#,
                r#","Records":[]"#,
                r#","a":[{},{},[{}],{"eventName":"LeaveOrganization"}]"#,
                r#","a":{"eventSource":"x.com","eventName":"DescribeX"}"#,
                r#","a":"\"eventSource\":\"x.com\",\"eventName\":\"DescribeX\"""#,
                r#","a":"OrganizationAccountAccessRole""#,
                r#","a":"\ud800 é 日本語 \u00e9""#,
                r#","event\u004eame":5"#,
                r#","eventName":"GetX""#,
                r#","eventName":null"#,
                r#","insightDetails":{}"#,
                r#", "a" : [ 1e5 , -0.5 , true , null ] "#,
                r#","userIdentity":"{type=Root, accountId=111122223333}""#,
            ]).prop_map(str::to_owned),
        ],
        0..5,
    );
    prop_oneof![
        12 => (name, more).prop_map(|(name, more)| record(name, &more.concat())),
        1 => prop::sample::select(vec![
            "{}", "[]", "1", "\"eventName\"", "null", r#"{"eventName":"LeaveOrganization"}"#,
            r#"{"eventSource":"aws:s3","eventName":"ObjectCreated:Put"}"#,
            r#"{"detail":{"eventSource":"x.com","eventName":"LeaveOrganization","eventTime":"x","userIdentity":{}}}"#,
            r#"{"message":"{\"eventSource\":\"x.com\",\"eventName\":\"DescribeX\",\"eventTime\":\"x\",\"userIdentity\":{}}"}"#,
            r#"{"eventVersion":"1.07","insightDetails":{"eventSource":"x.com","eventName":"DescribeX"}}"#,
            r#"{"digestS3Bucket":"x","digestStartTime":"y"}"#,
            r#"{"class_uid":6003,"api":{"operation":"LeaveOrganization"}}"#,
            r#"{"kinesis":{"data":"e30="}}"#,
        ]).prop_map(str::to_owned),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    let accounts =
        |account: &str| Filter { accounts: [account.to_owned()].into(), ..Filter::default() };
    prop::sample::select(vec![
        Filter::default(),
        accounts("111122223333"),
        accounts("444455556666"),
        Filter { since: Some(4_000_000_000), ..Filter::default() },
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn cutting_and_parsing_a_document_leave_the_same(
        elements in prop::collection::vec(element(), 1..8),
        filter in filter(),
        comma in prop::sample::select(vec![",", ",", ",", ",", ", "]),
        damage in prop::option::weighted(0.3, (any::<prop::sample::Index>(), 0_usize..3, prop::sample::select(br#""\{}[],:x"#.to_vec()))),
    ) {
        let mut document = format!(r#"{{"Records":[{}]}}"#, elements.join(comma));
        if let Some((at, removed, byte)) = damage {
            let at = at.index(document.len());
            if document.is_char_boundary(at) && document.is_char_boundary(at + removed.min(document.len() - at)) {
                document.replace_range(at..at + removed.min(document.len() - at), std::str::from_utf8(&[byte]).unwrap());
            }
        }
        if !Candidates::new(&filter).takes_apart(document.as_bytes()) {
            return Ok(());
        }
        let (cut, parsed) = (screened(&document, &filter, false), screened(&document, &filter, true));
        let mut tape = orgwatch::json::Tape::default();
        if tape.parse(&document).is_ok() || !is_cut(&document) {
            prop_assert_eq!(format!("{cut:?}"), format!("{parsed:?}"), "{}", document);
        } else {
            // Only broken things are left out, and nothing that a rule wants.
            let (cut, parsed) = (found(&cut), found(&parsed));
            prop_assert!(parsed.iter().all(|event| cut.contains(event)), "{}\n{:?}\n{:?}", document, cut, parsed);
        }
    }
}
