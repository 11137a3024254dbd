use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::bufread::MultiGzDecoder;
use orgwatch::detector::Detector;
use orgwatch_host::input::{Source, walk};
use serde_json::Value;

use super::*;

fn made(settings: &Settings) -> (tempfile::TempDir, Manifest) {
    let folder = tempfile::tempdir().unwrap();
    let manifest = write(&root(), &folder.path().join("corpus"), settings).unwrap();
    (folder, manifest)
}

fn lines(folder: &tempfile::TempDir) -> Vec<u8> {
    fs::read(folder.path().join("corpus").join(parts::EVENTS)).unwrap()
}

fn small() -> Settings {
    Settings { size: 2 << 20, ..Settings::default() }
}

#[test]
fn a_seed_gives_the_same_corpus() {
    let objects = Settings { objects: true, ..small() };
    let ((a, first), (b, second)) = (made(&objects), made(&objects));
    assert_eq!(first, second);
    assert_eq!(lines(&a), lines(&b));
    let other = made(&Settings { seed: 2, ..small() });
    assert_ne!(lines(&a), lines(&other.0));
}

#[test]
fn a_corpus_that_is_there_is_not_made_again() {
    let (folder, manifest) = made(&small());
    let path = folder.path().join("corpus");
    fs::remove_file(path.join(parts::EVENTS)).unwrap();
    assert_eq!(write(&root(), &path, &small()).unwrap(), manifest);
    assert!(!path.join(parts::EVENTS).exists());
    let other = Settings { seed: 9, ..small() };
    assert_eq!(write(&root(), &path, &other).unwrap().settings.seed, 9);
    assert!(path.join(parts::EVENTS).exists());
}

#[test]
fn the_share_is_what_was_asked_for() {
    for share in [0.0, 1.0 / 600.0, 0.1, 1.0] {
        let (_, manifest) = made(&Settings { share, ..small() });
        let wanted = share * manifest.events as f64;
        assert!((manifest.interesting as f64 - wanted).abs() <= 1.0, "{share}: {manifest:?}");
    }
}

#[test]
fn a_share_of_more_than_all_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("corpus");
    assert!(write(&root(), &path, &Settings { share: 1.5, ..small() }).is_err());
    assert!(!path.exists());
}

#[test]
fn records_are_as_long_as_real_ones_or_as_was_asked_for() {
    let (_, manifest) = made(&small());
    let mean = manifest.bytes / manifest.events;
    assert!((1000..1500).contains(&mean), "{mean}");
    let (folder, manifest) = made(&Settings { event_size: Some(100_000), ..small() });
    let mean = manifest.bytes / manifest.events;
    assert!((100_000..101_000).contains(&mean), "{mean}");
    for line in String::from_utf8(lines(&folder)).unwrap().lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
}

#[test]
fn the_pack_finds_exactly_what_is_expected() {
    let (folder, manifest) = made(&Settings { share: 0.2, ..small() });
    let path = folder.path().join("corpus");
    let expected: BTreeSet<(String, String)> = fs::read_to_string(path.join(parts::EXPECTED))
        .unwrap()
        .lines()
        .flat_map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let rules = line["rules"].as_array().unwrap().clone();
            rules.into_iter().map(move |rule| {
                (line["event"].as_str().unwrap().to_owned(), rule.as_str().unwrap().to_owned())
            })
        })
        .collect();
    let found: BTreeSet<(String, String)> = Detector::open("{}")
        .unwrap()
        .detect_batch(&lines(&folder))
        .findings
        .into_iter()
        .map(|located| located.finding)
        .filter(|finding| manifest.rules.contains_key(&*finding.rule))
        .map(|finding| (finding.events[0].clone(), finding.rule.into()))
        .collect();
    assert_eq!(found, expected);
    assert!(manifest.interesting > 100 && manifest.near > 0, "{manifest:?}");
}

#[test]
fn objects_hold_the_events_of_the_lines() {
    let (folder, manifest) = made(&Settings { objects: true, ..small() });
    let path = folder.path().join("corpus");
    let mut found = BTreeSet::new();
    let mut files = 0;
    for source in walk(&[path.join(parts::OBJECTS)]) {
        let Source::File(file) = source.unwrap() else { panic!("a folder holds files") };
        let mut object = String::new();
        let compressed = fs::read(file).unwrap();
        MultiGzDecoder::new(&compressed[..]).read_to_string(&mut object).unwrap();
        let object: Value = serde_json::from_str(&object).unwrap();
        for record in object["Records"].as_array().unwrap() {
            assert!(found.insert(record.to_string()), "{record} is there twice");
        }
        files += 1;
    }
    let lines = String::from_utf8(lines(&folder)).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap().to_string());
    assert!(found == lines.collect(), "they differ");
    assert_eq!(manifest.objects, files);
    assert!(files > 5 && manifest.compressed < manifest.bytes / 3, "{manifest:?}");
}
