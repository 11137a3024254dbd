//! A report as a browser shows it.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::report::browser::Browser;
use crate::util::{Sandbox, leaving};

/// The page of the sample incident.
fn incident(sandbox: &Sandbox) -> PathBuf {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples");
    let (events, settings) =
        (format!("{samples}/incident.ndjson"), format!("{samples}/settings.yaml"));
    sandbox.scan(&[&events, "--settings", &settings, "--report", "page.html"]).expect(20, 0);
    sandbox.path("page.html")
}

/// Fails if anything but the page itself was asked for, or anything went wrong on it.
fn is_quiet(browser: &mut Browser) {
    let requests = browser.messages(&["Network.requestWillBeSent"]);
    let urls: Vec<_> = requests.iter().map(|one| &one["params"]["request"]["url"]).collect();
    assert!(urls.iter().all(|url| url.as_str().unwrap().ends_with("/page.html")), "{urls:?}");
    let wrong = [
        "Log.entryAdded",
        "Runtime.consoleAPICalled",
        "Runtime.exceptionThrown",
        "Page.javascriptDialogOpening",
    ];
    assert_eq!(browser.messages(&wrong), Vec::<Value>::new());
}

#[test]
#[ignore = "needs Chromium: CHROMIUM, or `chromium` on the path"]
fn what_would_load_or_run_is_noticed() {
    let sandbox = Sandbox::new();
    let mut browser = Browser::start();
    let bad = "<script>console.error(1)</script><img src='file:///no/such/image.png'>";
    let page = sandbox.file("page.html", format!("<!doctype html>{bad}"));
    browser.open(&page, 800, "light");
    assert_eq!(browser.messages(&["Runtime.consoleAPICalled"]).len(), 1);
    assert_eq!(browser.messages(&["Network.requestWillBeSent"]).len(), 2);
    let policy = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">";
    sandbox.file("page.html", format!("<!doctype html>{policy}{bad}"));
    browser.open(&page, 800, "light");
    let refused = browser.messages(&["Log.entryAdded"]);
    let refused: Vec<_> =
        refused.iter().map(|one| one["params"]["entry"]["text"].clone()).collect();
    assert!(refused.iter().any(|text| text.as_str().unwrap().contains("script")), "{refused:?}");
    assert_eq!(browser.messages(&["Runtime.consoleAPICalled"]).len(), 1);
}

/// The width by which the page exceeds the window, and the elements that stick out.
fn overflow(browser: &mut Browser) -> Value {
    browser.value(
        "(() => { const width = document.documentElement.clientWidth; const out = []; \
         for (const it of document.querySelectorAll('body *')) { \
         if (it.closest('pre, .quiet, .skip')) continue; \
         const box = it.getBoundingClientRect(); \
         if (box.width && box.right > width + 1) out.push(it.outerHTML.slice(0, 120)); } \
         return [document.documentElement.scrollWidth - width, out]; })()",
    )
}

#[test]
#[ignore = "needs Chromium: CHROMIUM, or `chromium` on the path"]
fn the_sample_incident_reads_well() {
    let sandbox = Sandbox::new();
    let page = incident(&sandbox);
    let mut browser = Browser::start();
    for (scheme, width) in [("light", 1200), ("dark", 1200), ("light", 375), ("dark", 375)] {
        browser.open(&page, width, scheme);
        assert_eq!(overflow(&mut browser), json!([0, []]), "{scheme} {width}");
        browser.picture(&format!("incident-{scheme}-{width}.png"), 12_000);
        browser.value("document.querySelectorAll('details').forEach(it => it.open = true)");
        assert_eq!(overflow(&mut browser), json!([0, []]), "{scheme} {width}, all open");
        browser.picture(&format!("incident-{scheme}-{width}-open.png"), 4_000);
    }
    assert_eq!(browser.value("document.querySelectorAll('.finding').length"), 20);
    assert_eq!(browser.value("document.querySelectorAll('script').length"), 0);
    browser.open(&page, 1200, "light");
    let pdf = browser.ask("Page.printToPDF", json!({ "preferCSSPageSize": true }));
    browser.keep("incident.pdf", &pdf["data"]);
    is_quiet(&mut browser);
}

#[test]
#[ignore = "needs Chromium: CHROMIUM, or `chromium` on the path"]
fn a_finding_opens_to_what_it_should() {
    let sandbox = Sandbox::new();
    let page = incident(&sandbox);
    let mut browser = Browser::start();
    browser.open(&page, 1200, "light");
    let left = "[...document.querySelectorAll('.finding')].find(it => \
                it.querySelector('h5').innerText === 'Account Left Its AWS Organization')";
    browser.value(&format!("{left}.id = 'left'"));
    let text = "document.querySelector('#left').innerText";
    assert!(!browser.value(text).as_str().unwrap().contains("ASIAIMBDTIRDOVDPYOTU"));
    browser.click("#left > summary");
    let shown = browser.value(text);
    for part in [
        "arn:aws:sts::444455556666:assumed-role/ops-automation/i-0d4f8b21c9e7a3560",
        "ASIAIMBDTIRDOVDPYOTU",
        "no second factor",
        "203.0.113.77",
        "LeaveOrganization",
        "It succeeded",
        "Why it matters",
        "T1666",
        "Datadog f70-oqy-yer",
    ] {
        assert!(shown.as_str().unwrap().contains(part), "{part} is not in {shown}");
    }
    assert!(!shown.as_str().unwrap().contains("\"eventName\""), "{shown}");
    // What to do stands once, with the incident.
    let page = browser.value("document.body.innerText");
    assert_eq!(
        page.as_str().unwrap().matches("Find out now whether leaving was planned").count(),
        1
    );
    browser.click("#left .raw > summary");
    let raw = browser.value("document.querySelector('#left pre').innerText");
    let record: Value = serde_json::from_str(raw.as_str().unwrap()).unwrap();
    assert_eq!(record["eventName"], "LeaveOrganization");
    is_quiet(&mut browser);
}

#[test]
#[ignore = "needs Chromium: CHROMIUM, or `chromium` on the path"]
fn a_chain_leads_to_its_parts_and_the_timeline_to_both() {
    let sandbox = Sandbox::new();
    let page = incident(&sandbox);
    let mut browser = Browser::start();
    browser.open(&page, 1200, "light");
    let chain = browser.value("document.querySelector('.gravest .chain').innerText");
    let lines: Vec<&str> =
        chain.as_str().unwrap().lines().filter(|line| !line.is_empty()).collect();
    let order = ["PutRolePolicy", "+ 24 s", "AttachRolePolicy", "+ 7 min 28 s", "AccountDeparted"];
    let mut rest = lines.iter();
    for part in order {
        assert!(rest.any(|line| line.contains(part)), "{part} is not in its place in {lines:?}");
    }
    let open = "document.querySelector(location.hash).closest('details').open";
    browser.click(".gravest .chain a");
    assert_eq!(browser.value(open), true);
    assert_eq!(
        browser.value("document.querySelector(location.hash).closest('details').innerText.includes('PutRolePolicy')"),
        true
    );
    // By keyboard alone, from the timeline.
    browser.open(&page, 1200, "light");
    browser.value("document.querySelector('.mark').focus()");
    browser.press("Enter", 13);
    assert_eq!(browser.value(open), true);
    assert_eq!(browser.value("document.querySelectorAll('.lane.sub').length"), 11);
    is_quiet(&mut browser);
}

#[test]
#[ignore = "needs Chromium: CHROMIUM, or `chromium` on the path"]
fn severities_can_be_left_out() {
    let sandbox = Sandbox::new();
    let page = incident(&sandbox);
    let mut browser = Browser::start();
    browser.open(&page, 1200, "light");
    let visible = "[...document.querySelectorAll('.finding')]\
                   .filter(it => it.getBoundingClientRect().height > 0).length";
    assert_eq!(browser.value(visible), 20);
    browser.click("#show-critical");
    assert_eq!(browser.value(visible), 4);
    browser.click("#show-low");
    assert_eq!(browser.value(visible), 3);
    is_quiet(&mut browser);
}

/// A value that would leave the text of a page if it could.
const HOSTILE: &str = "\"'><img src=x onerror=alert(1)><script>window.hit=1;alert(1)</script>\
     <style>*{display:none}</style></details></body>--><!-- ]]>&lt;\u{202e}\u{200b}\0";

/// A report of records and settings that hold it everywhere.
fn hostile() -> Sandbox {
    let (sandbox, bad) = (Sandbox::new(), HOSTILE);
    let mut event = leaving(1);
    for field in ["sourceIPAddress", "userAgent", "awsRegion", "errorMessage", "recipientAccountId"]
    {
        event[field] = bad.into();
    }
    for field in ["arn", "type", "accessKeyId", "userName", "principalId"] {
        event["userIdentity"][field] = bad.into();
    }
    event["requestParameters"] = json!({ bad: bad, "javascript:alert(1)": { bad: [bad] } });
    sandbox.file("hostile\"><script>alert(2)<.ndjson", format!("{event}\n{bad}\n"));
    let settings = json!({ "approvals": [{
        "reason": bad, "principals": ["arn:aws:iam::*:role/x"], "until": "2030-01-01T00:00:00Z",
    }] });
    sandbox.file("settings\"><script>.json", settings.to_string());
    let ran = sandbox.scan(&[
        "hostile\"><script>alert(2)<.ndjson",
        "--settings",
        "settings\"><script>.json",
        "--report",
        "page.html",
    ]);
    ran.expect(1, 2);
    sandbox
}

#[test]
fn hostile_records_stay_text() {
    let text = std::fs::read_to_string(hostile().path("page.html")).unwrap();
    assert!(!text.contains(['\0', '\u{202e}', '\u{200b}']), "{text}");
    assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
}

#[test]
#[ignore = "needs Chromium: CHROMIUM, or `chromium` on the path"]
fn hostile_records_stay_text_in_a_browser() {
    let sandbox = hostile();
    let mut browser = Browser::start();
    browser.open(&sandbox.path("page.html"), 375, "light");
    browser.value("document.querySelectorAll('details').forEach(it => it.open = true)");
    assert_eq!(browser.value("window.hit"), Value::Null);
    let made = "document.querySelectorAll('script, img, body style, iframe, [onerror]').length";
    assert_eq!(browser.value(made), 0);
    let shown = browser.value("document.querySelector('.finding').innerText");
    let literal = HOSTILE.replace('\u{202e}', "\\u{202e}").replace('\u{200b}', "\\u{200b}");
    assert!(shown.as_str().unwrap().contains(&literal.replace('\0', "\\u{0}")), "{shown}");
    assert_eq!(overflow(&mut browser), json!([0, []]));
    browser.picture("hostile.png", 12_000);
    is_quiet(&mut browser);
}

fn without_findings() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("file", crate::util::quiet(1).to_string());
    sandbox.scan(&["file", "--report", "page.html"]).expect(0, 0);
    sandbox
}

#[test]
fn nothing_found_is_said() {
    let sandbox = without_findings();
    let text = std::fs::read_to_string(sandbox.path("page.html")).unwrap();
    assert!(text.contains("<h1>No findings</h1>"), "{text}");
}

#[test]
#[ignore = "needs Chromium: CHROMIUM, or `chromium` on the path"]
fn a_page_without_findings_reads_well() {
    let sandbox = without_findings();
    let mut browser = Browser::start();
    browser.open(&sandbox.path("page.html"), 375, "dark");
    browser.picture("nothing.png", 12_000);
    assert_eq!(overflow(&mut browser), json!([0, []]));
    is_quiet(&mut browser);
}
