//! Accounts that fall silent, by events in other orders than that of time.

use super::*;

const ACCOUNTS: [&str; 3] = ["111122223333", ACCOUNT, "777788889999"];

fn opened() -> Detector {
    let settings = json!({"silence": {"accounts": ACCOUNTS}}).to_string();
    Detector::open(&settings).unwrap()
}

/// An event of an account at an hour of June.
fn heard(account: &str, hour: u32) -> Value {
    let time = format!("2026-06-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24);
    event(0, "ListBuckets", "s3", &time, json!({"recipientAccountId": account}))
}

fn read(detector: &mut Detector, events: impl IntoIterator<Item = Value>) -> Vec<String> {
    let lines: Vec<String> = events.into_iter().map(|event| event.to_string()).collect();
    let found = detector.detect_batch(lines.join("\n").as_bytes()).findings;
    silent(found.into_iter().map(|located| located.finding))
}

fn silent(found: impl IntoIterator<Item = Finding>) -> Vec<String> {
    let silent = found.into_iter().filter(|finding| finding.rule == "account-fell-silent");
    silent.filter_map(|finding| finding.account).collect()
}

fn end(detector: &mut Detector) -> Vec<String> {
    silent(detector.merge_state(&orgwatch::state::encode(&[])).unwrap())
}

/// Of a bucket read account by account, no event was newer than the newest, and nobody looked.
#[test]
fn who_fell_silent_is_found_at_the_end_in_whatever_order_accounts_are_read() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for last in [100, 240] {
            let mut detector = opened();
            let mut found = Vec::new();
            for account in order.map(|n| ACCOUNTS[n]) {
                let hours = if account == ACCOUNT { last } else { 240 };
                found.extend(read(&mut detector, (0..hours).map(|hour| heard(account, hour))));
            }
            found.extend(end(&mut detector));
            let expected: &[&str] = if last == 100 { &[ACCOUNT] } else { &[] };
            assert_eq!(found, expected, "{order:?}");
            assert!(end(&mut detector).is_empty(), "it is told once");
        }
    }
}

/// A memory that is loaded gives nothing: who loads one to go on has nobody to give it to.
#[test]
fn silence_is_not_told_by_loading_a_memory_alone() {
    let mut detector = opened();
    read(&mut detector, (0..240).map(|hour| heard(ACCOUNTS[0], hour)));
    read(&mut detector, (0..100).map(|hour| heard(ACCOUNT, hour)));
    read(&mut detector, (0..240).map(|hour| heard(ACCOUNTS[2], hour)));
    let mut loaded = opened();
    assert!(silent(loaded.merge_state(&detector.save_state()).unwrap()).is_empty());
    assert_eq!(end(&mut loaded), [ACCOUNT]);
}

/// The order that the settings ask for: within `late`, here an hour.
#[test]
fn events_that_are_late_by_less_than_late_make_nobody_silent() {
    let mut detector = opened();
    let hours = |hour: u32| ACCOUNTS.map(|account| heard(account, hour));
    assert!(read(&mut detector, hours(0)).is_empty());
    // Each day the others come first, and the third an hour late.
    for day in 1..10 {
        let [first, second, _] = hours(24 * day + 1);
        let [.., late] = hours(24 * day);
        assert!(read(&mut detector, [first, second, late]).is_empty(), "{day}");
    }
    assert!(end(&mut detector).is_empty());
}
