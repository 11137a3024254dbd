//! What fails is named, and costs nothing but itself.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use serde_json::json;

use super::super::*;
use super::{Told, event, options, real, scan_with};

#[test]
fn what_the_guest_cannot_bear_is_isolated_by_any_number_of_threads() {
    let root = tempfile::tempdir().unwrap();
    for number in 0..200 {
        // `T` traps wherever it stands, when screened too; `m` is remembered.
        let lines = match number % 5 {
            0 => "{\"\":\"mT\"}\n{\"\":\"m\"}\nu\n".to_owned(),
            1 => "{\"Records\":[{\"\":\"m\"},{\"\":\"T\"},{\"\":\"m\"}]}\n".to_owned(),
            _ => "{\"\":\"mm\"}\n".repeat(3),
        };
        fs::write(root.path().join(format!("{number:03}")), lines).unwrap();
    }
    let paths = [root.path().to_owned()];
    let run = |threads| {
        let mut told = Told::default();
        let mut detector = plugin::tests::open();
        let found = input::walk(&paths);
        let totals = scan(found, &options(threads), &mut detector, &mut told).unwrap();
        (told, totals, detector.counters().unwrap())
    };
    let (told, totals, counters) = run(1);
    assert_eq!(totals.counts.trapped, 80);
    assert_eq!(told.0.iter().filter(|text| text.contains("trapped")).count(), 80);
    for threads in [2, 8] {
        let (other, others, counted) = run(threads);
        assert_eq!((&told, &totals, &counters), (&other, &others, &counted), "{threads} threads");
    }
}

#[test]
fn a_thread_that_panics_is_not_waited_for() {
    let run = |threads| {
        let found = (0..).map(|number| match number {
            0..500 => Ok(Source::File(PathBuf::from("missing"))),
            _ => panic!("the disk is on fire"),
        });
        let panic = catch_unwind(AssertUnwindSafe(|| {
            scan(found, &options(threads), &mut plugin::tests::open(), &mut Told::default())
        }));
        panic.unwrap_err().downcast_ref::<&str>().map(ToString::to_string)
    };
    for threads in [1, 2, 8] {
        assert_eq!(run(threads).as_deref(), Some("the disk is on fire"), "{threads} threads");
    }
}

#[test]
fn an_event_that_a_native_parser_cannot_bear_is_left_to_the_detector() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("file");
    let mut bad = event(3, "LeaveOrganization");
    bad["userAgent"] = String::from_utf8_lossy(crate::native::PANICS).into();
    let records = json!({ "Records": [event(0, "LeaveOrganization"), bad] });
    fs::write(&path, format!("{records}\n{bad}\n{}\n", event(6, "LeaveOrganization"))).unwrap();
    // Nothing of that account: what the filter cannot look into is examined.
    let filter = Filter { accounts: ["444455556666".to_owned()].into(), ..Filter::default() };
    for threads in [1, 2] {
        let (told, totals) = scan_with(
            real(),
            std::slice::from_ref(&path),
            &Options { filter: filter.clone(), ..options(threads) },
        );
        assert_eq!((totals.counts.evaluated, totals.filtered_out.account), (3, 1));
        assert!(told.0.iter().any(|text| text.contains("00000003")), "{told:?}");
    }
}

#[test]
fn a_file_that_cannot_be_taken_apart_costs_no_other_file() {
    let root = tempfile::tempdir().unwrap();
    let bad = String::from_utf8_lossy(crate::native::PANICS).into_owned();
    for name in ["a", &bad, "z"] {
        fs::write(root.path().join(name), event(3, "LeaveOrganization").to_string()).unwrap();
    }
    for threads in [1, 2] {
        let (told, totals) = scan_with(real(), &[root.path().to_owned()], &options(threads));
        assert_eq!((totals.files, totals.failed, totals.counts.evaluated), (3, 1, 2));
        assert!(told.0.iter().any(|text| text.contains("fault of orgwatch")), "{told:?}");
    }
}
