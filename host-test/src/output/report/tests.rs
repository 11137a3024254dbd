//! Pages of findings.

use serde_json::json;

use super::*;
use crate::input::Source;
use crate::output::tests::{filled, least};
use crate::plugin::{Counts, Description, Rule};
use crate::scan::{Filter, Totals};

const TEMPLATES: [&str; 7] = [
    include_str!("chain.html"),
    include_str!("finding.html"),
    include_str!("grid.html"),
    include_str!("page.html"),
    include_str!("parts.html"),
    include_str!("scope.html"),
    include_str!("timeline.html"),
];

/// A scan all of whose texts are this.
fn about(text: &str) -> About {
    let rule = Rule {
        slug: text.into(),
        id: text.into(),
        title: text.into(),
        description: text.into(),
        severity: orgwatch::finding::Severity::Low,
        group: text.into(),
        event_names: None,
        attack: vec![],
        attack_aliases: vec![],
        threat_catalogue: vec![],
        covers: vec![],
    };
    let quiet = Rule { slug: format!("{text}2"), ..rule.clone() };
    About {
        paths: vec![text.into()],
        totals: Totals {
            files: 1,
            failed: 1,
            repeats: 1,
            counts: Counts { events: 7, unreadable: 1, trapped: 1, ..Counts::default() },
            ..Totals::default()
        },
        filter: Filter {
            since: Some(1_700_000_000),
            until: Some(1_800_000_000),
            accounts: [text.to_owned()].into(),
        },
        component: Description {
            name: text.into(),
            version: text.into(),
            digest: text.into(),
            rules: vec![rule, quiet],
            sources: vec![],
            envelopes: vec![],
            attack_version: text.into(),
            state_format: 1,
        },
        settings: Settings {
            name: Some(text.into()),
            text: format!("{text}x"),
            json: json!({ "approvals": [{
                "reason": text, "until": text, "principals": [text], "rules": [text],
                "accounts": [text], "organizations": [text],
            }] }),
        },
        min_severity: orgwatch::finding::Severity::Low,
        state: Some(text.into()),
    }
}

fn page(report: &Report, about: &About) -> String {
    let mut page = Vec::new();
    report.write(about, &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

/// A page with everything that a page can have, all of whose texts are this.
fn full_page(text: &str) -> String {
    let mut report = Report::new(Limits { detailed: 3, summarised: 2, steps: 9 });
    let source = Source::File(text.into());
    let mut part = filled(text);
    part.parts.clear();
    part.id = format!("{text}1");
    let mut chain = filled(text);
    chain.parts = vec![part.id.clone(), text.into()];
    let mut timed = part.clone();
    timed.id = format!("{text}3");
    timed.first_seen = Some("2026-11-17T19:06:31Z".into());
    let raw = json!({ text: [text, { text: 1 }] }).to_string();
    for finding in [&part, &chain, &timed, &part, &part, &part] {
        let (source, event) = (&source, raw.as_bytes());
        let found = Found { finding: finding.clone(), source, line: 1, event, record: 0 };
        report.finding(finding, Some(&found));
    }
    report.hidden(&part);
    report.unreadable(|| text.to_owned());
    page(&report, &about(text))
}

/// The names of all tags, in order.
fn tags(page: &str) -> Vec<&str> {
    let tags = page.split('<').skip(1);
    tags.map(|tag| tag.split([' ', '>', '\n']).next().unwrap()).collect()
}

#[test]
fn every_value_is_escaped() {
    let plain = full_page("plain");
    let bad = "\"'><script>&\u{202e}\u{200b}\0\r\n\u{feff}</style>";
    let hostile = full_page(bad);
    // The style sheet, which is ours, is all that has signs of its own between tags.
    assert_eq!(tags(&hostile), tags(&plain));
    assert_eq!(hostile.matches('"').count(), plain.matches('"').count());
    assert!(!hostile.contains(['\0', '\r', '\u{202e}', '\u{200b}', '\u{feff}']));
    let escaped =
        "&#34;&#39;&#62;&#60;script&#62;&#38;\\u{202e}\\u{200b}\\u{0}\\u{d}\\u{a}\\u{feff}";
    assert!(hostile.matches(escaped).count() > 150, "{hostile}");
    // Nothing is on the one page that is not on the other.
    let raw = |page: &str, text: &str| page.matches(text).count();
    assert_eq!(raw(&hostile, "&#60;/style&#62;"), raw(&hostile, "&#60;script&#62;"));
}

#[test]
fn nothing_but_the_style_sheet_is_trusted() {
    let trusted: usize = TEMPLATES.iter().map(|template| template.matches('|').count()).sum();
    let conditions: usize =
        TEMPLATES.iter().map(|template| 2 * template.matches("||").count()).sum();
    assert_eq!(trusted - conditions, 1, "a filter besides {{{{ style|safe }}}}");
    assert!(TEMPLATES[3].contains("<style>{{ style|safe }}</style>"));
    for template in TEMPLATES {
        for word in ["<script", "style=", "src=", "<link", "<img", "url(", "javascript:", "onclick"]
        {
            assert!(!template.contains(word), "{word}");
        }
    }
    assert!(!include_str!("style.css").contains("url("));
    assert!(!include_str!("style.css").contains("@import"));
}

#[test]
fn the_policy_names_the_style_sheet() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let page = full_page("plain");
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(style));
    let policy = format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'");
    assert!(page.contains(&policy), "{policy}");
}

#[test]
fn the_same_findings_give_the_same_bytes() {
    assert_eq!(full_page("text"), full_page("text"));
}

#[test]
fn tens_of_thousands_of_findings_make_a_page_that_can_be_opened() {
    let mut report = Report::new(Limits::default());
    let source = Source::File("file".into());
    let raw = vec![b'['; 1 << 16];
    for number in 0..40_000u64 {
        let mut value = least();
        value["id"] = format!("{number:032}").into();
        value["account"] = format!("{:012}", number % 60).into();
        value["severity"] = ["low", "medium", "high"][(number / 60 % 3) as usize].into();
        let time = orgwatch::time::rfc3339(1_800_000_000 + number as i64 * 977).unwrap();
        value["last_seen"] = time.into();
        let finding: Finding = serde_json::from_value(value).unwrap();
        let (source, event) = (&source, &raw[..]);
        let found = Found { finding: finding.clone(), source, line: number, event, record: 0 };
        report.finding(&finding, Some(&found));
    }
    let page = page(&report, &about("text"));
    assert!(page.contains("<h1>40,000 findings in 60 accounts</h1>"), "{}", &page[..600]);
    assert!(page.contains("the 5,000 after them in a line each, and 34,500 more are only counted"));
    assert_eq!(page.matches("<details class=\"finding").count(), 500);
    assert_eq!(page.matches("<li id=\"l").count(), 5_000);
    // Most of it the records, which are cut.
    assert!(page.len() < 24 << 20, "{}", page.len());
}

#[test]
fn no_findings_give_a_page_that_says_so() {
    let report = Report::new(Limits::default());
    let mut scan = about("text");
    scan.totals = Totals::default();
    let shown = page(&report, &scan);
    assert!(shown.contains("<h1>No findings</h1>") && shown.contains("No event was read at all."));
    assert!(!shown.contains("What could not be read"), "{shown}");
    scan.totals.failed = 1;
    assert!(page(&report, &scan).contains("Not everything could be read"));
}

/// The contrast of two colours as WCAG defines it, `#rrggbb`.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |color: &str| -> f64 {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    };
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

#[test]
fn everything_can_be_read_in_both_schemes() {
    let style = include_str!("style.css");
    let schemes: Vec<&str> = style.split(":root {").skip(1).take(2).collect();
    for scheme in schemes {
        let color = |name: &str| {
            let (_, value) = scheme.split_once(&format!("--{name}: ")).unwrap();
            &value[..7]
        };
        let levels = ["critical", "high", "medium", "low", "informational"];
        for text in ["ink", "soft", "link", "warn"].into_iter().chain(levels) {
            for ground in ["ground", "sheet", "tint"] {
                let contrast = contrast(color(text), color(ground));
                assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
            }
        }
        for level in levels {
            assert!(contrast(color("on"), color(level)) >= 4.5, "on {level}");
        }
    }
}
