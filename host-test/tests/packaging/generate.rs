//! `orgwatch generate`.

use std::fs;

use crate::util::Sandbox;

#[test]
fn completions_and_manual_pages_have_every_command() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&["generate", "out"]).expect(0, 0).err, "");
    let help = sandbox.run(&["--help"]).out;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let commands: Vec<_> = commands.map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(commands.len() > 10 && !commands.contains(&"generate"), "{commands:?}");
    let read = |name: &str| fs::read_to_string(sandbox.path("out").join(name)).unwrap();
    for shell in ["orgwatch.bash", "_orgwatch", "orgwatch.fish"] {
        let text = read(&format!("completions/{shell}"));
        for word in commands.iter().chain(&["min-severity"]) {
            assert!(text.contains(word), "{shell} lacks {word}");
        }
    }
    for command in commands.iter().filter(|command| **command != "help") {
        let page = read(&format!("man/orgwatch-{command}.1"));
        assert!(page.starts_with(".ie") && page.contains(".SH DESCRIPTION"), "{page}");
    }
    assert!(read("man/orgwatch-scan.1").contains("fail\\-on"));
    assert!(read("man/orgwatch.1").contains("orgwatch\\-scan(1)"));
}
