use super::*;

fn labels(scale: &Scale) -> Vec<String> {
    scale.ticks().into_iter().map(|tick| tick.label).collect()
}

#[test]
fn minutes_are_drawn_as_they_passed() {
    // 2026-11-17 18:40:00 and on.
    let start = 1_794_940_800;
    let scale = Scale::new(vec![start, start + 600, start + 1200]);
    assert_eq!((scale.x(start), scale.x(start + 1200)), (X(200), X(9800)));
    assert_eq!(scale.x(start + 600), X(5000));
    assert_eq!(scale.pieces(), [(X(100), X(9900))]);
    let expected = ["2026-11-17 18:40", "18:45", "18:50", "18:55", "19:00"];
    assert_eq!(labels(&scale), expected);
}

#[test]
fn empty_time_is_cut_out() {
    let day = 86_400;
    let bursts: Vec<i64> = [0, day, 40 * day]
        .into_iter()
        .flat_map(|start| (0..10).map(move |minute| start + minute * 60))
        .collect();
    let scale = Scale::new(bursts);
    assert_eq!(scale.pieces().len(), 3);
    assert!(scale.x(540).0 - scale.x(0).0 > 2000, "{scale:?}");
    for label in ["1970-01-01", "01-02", "02-10"] {
        assert!(labels(&scale).contains(&label.to_owned()), "{:?}", labels(&scale));
    }
    // Of evenly spread time nothing is.
    let scale = Scale::new((0..1000).map(|n| n * day).collect());
    assert_eq!(scale.pieces().len(), 1);
    assert!(labels(&scale).contains(&"1971-07".to_owned()), "{:?}", labels(&scale));
}

#[test]
fn a_moment_in_another_age_leaves_room_for_the_rest() {
    let scale = Scale::new(vec![FIRST, 1000, 1060, 1120, LAST]);
    assert_eq!(scale.pieces().len(), 3);
    assert!(scale.x(1120).0 - scale.x(1000).0 > 5000, "{scale:?}");
    for time in [i64::MIN, FIRST, 0, 1060, LAST, i64::MAX] {
        assert!((0..=WIDTH).contains(&scale.x(time).0));
    }
    assert!(Scale::new(vec![i64::MIN, 0, i64::MAX]).ticks().len() < 20);
}

#[test]
fn one_moment_or_none_has_a_place() {
    assert_eq!(Scale::new(vec![]).x(5), X(5000));
    assert_eq!(Scale::new(vec![]).ticks(), []);
    let scale = Scale::new(vec![0]);
    assert_eq!(scale.x(0), X(5000));
    assert_eq!(labels(&scale), ["1970-01-01 00:00"]);
}

#[test]
fn labels_do_not_run_into_each_other_or_over_the_edge() {
    for step in [1, 7, 60, 999, 3600, 86_400, 2_000_000, 31_000_000] {
        for bursts in [1, 2, 5, 9] {
            let times = (0..23 * bursts).map(|n| n * step + n * n + n / 23 * 90 * DAY);
            let scale = Scale::new(times.collect());
            for (wide, character) in [false, true].into_iter().zip(CHARACTER) {
                let ticks = scale.ticks();
                let ticks = ticks.iter().filter(|tick| wide || !tick.wide);
                let reaches: Vec<_> = ticks.map(|tick| tick.reach(character)).collect();
                assert!(!reaches.is_empty());
                assert!(reaches.iter().all(|(left, right)| *left >= 0 && *right <= WIDTH));
                assert!(reaches.is_sorted_by(|one, next| one.1 <= next.0), "{step}: {scale:?}");
            }
        }
    }
}
