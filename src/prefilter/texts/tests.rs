use proptest::prelude::*;

use super::*;

const ASCII: Spelling = Spelling { is_ascii: true, is_unescaped: false };

#[test]
fn nothing_else_reads_as_a_letter_of_ascii() {
    let folds = |c: &char| !c.is_ascii() && c.to_lowercase().any(|c| c.is_ascii());
    assert_eq!(('\0'..=char::MAX).filter(folds).collect::<Vec<_>>(), ['\u{130}', '\u{212a}']);
}

#[test]
fn what_may_read_as_a_text_is_disguised() {
    for (event, disguised) in [
        ("plain \\\"text\\\"", false),
        ("a \\u0026 b \\u003c c \\u003D \\u0022 \\u002f \\u000a \\u00e4", false),
        ("\\u0061", true),
        ("\\\\u002d", true),
        ("\\u005cu0061", true),
        ("\\u212A", true),
        ("\\u0130", true),
        ("\u{212a}", true),
        ("\u{130}", true),
        ("\u{e4}\u{2129}", false),
        ("\\u00", false),
    ] {
        assert_eq!(
            Disguises::default().are_in(event.as_bytes(), Spelling::default()),
            disguised,
            "{event}"
        );
    }
}

#[test]
fn a_text_that_cannot_be_searched_for_is_everywhere() {
    for text in ["abc", "", "a/bcd", "ü-mlaut"] {
        assert!(Texts::new([text]).may_be_in(b"{}", ASCII), "{text}");
    }
    assert!(!Texts::new([]).may_be_in(b"{}", ASCII));
}

#[test]
fn a_slash_may_be_escaped() {
    let search = Texts::new([":assumed-role/aws:/x"]);
    for (event, found) in [
        (":Assumed-role/aws:/X", true),
        (r":assumed-role\/aws:\u002F/x", false),
        (r":assumed-role\/aws:\u002Fx", true),
        (r":assumed-role\\\/aws:\\u002fx", true),
        (":assumed-role/ec2:/x", false),
        (":assumed-roleu002faws:/x", false),
        (":assumed-role/", false),
        (":assumed-role", false),
    ] {
        assert_eq!(search.may_be_in(event.as_bytes(), ASCII), found, "{event}");
    }
    // What stands before the part that is searched for is not looked at.
    assert!(Texts::new(["x/policy"]).may_be_in(b"a policy", ASCII));
}

proptest! {
#[test]
fn every_text_is_found_wherever_it_stands(
    texts in prop::collection::vec("[a-c.]{4,14}", 1..9),
    event in "[a-cA-C.]{0,60}",
    lengths in prop::collection::vec(0..9_usize, 2),
) {
    let search = Texts::new(texts.iter().map(String::as_str));
    let lower = event.to_lowercase();
    let expected: Vec<usize> =
        (0..texts.len()).filter(|n| lower.contains(&texts[*n])).collect();
    let mut found = Vec::new();
    search.visit(event.as_bytes(), &mut |number| found.push(number));
    found.sort_unstable();
    prop_assert_eq!(&found, &expected);
    prop_assert_eq!(search.may_be_in(event.as_bytes(), ASCII), !expected.is_empty());
    // And whatever is around it.
    let [before, after] = [0, 1].map(|n| "x".repeat(lengths[n]));
    let event = format!("{before}{}{after}", texts[0].to_uppercase());
    prop_assert!(search.may_be_in(event.as_bytes(), ASCII));
}
}
