//! The events of the soak: ordinary ones, ones that are found, and hostile ones, each with a number.

/// How much of the load is of interest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// One event of fifty, with hostile ones between.
    Mix,
    /// Every event.
    All,
    /// The mix, with times that jump by decades.
    Jumps,
}

/// Stands before an event's number.
const MARK: &str = "soak-";

/// One line, and whether it has a finding.
pub fn event(number: u64, load: Load) -> (String, bool) {
    let year = match load {
        Load::Jumps => [2026, 1970, 2099, 2026, 2016][(number % 5) as usize],
        _ => 2026,
    };
    let (day, hour) = (1 + number % 28, number % 24);
    let time = format!("{year}-06-{day:02}T{hour:02}:{:02}:00Z", number % 60);
    let account = format!("{:012}", 100_000_000_000 + number % 50_000_000_000);
    let record = |name: &str, source: &str| {
        format!(
            r#"{{"eventVersion":"1.09","eventID":"{MARK}{number}","eventTime":"{time}","eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"us-east-1","recipientAccountId":"{account}","userIdentity":{{"type":"IAMUser","accountId":"{account}","userName":"alice"}},"requestParameters":null,"responseElements":null}}"#
        )
    };
    if load == Load::All || number % 50 == 7 {
        return (record("LeaveOrganization", "organizations"), true);
    }
    let line = match number % 50 {
        // Cut off, nested beyond any bound, no JSON, long, in an envelope, in text in text.
        11 => record("LeaveOrganization", "organizations")[..120].to_owned(),
        12 => format!("{}{{\"eventID\":\"{MARK}{number}\"}}{}", "[".repeat(5000), "]".repeat(5000)),
        13 => format!("\u{1b}[2J {MARK}{number} no JSON \\u0000 \u{fffd}"),
        14 if number % 1000 == 14 => {
            format!("{{\"eventID\":\"{MARK}{number}\",\"x\":\"{}\"}}", "a".repeat(1 << 20))
        }
        15 => format!(r#"{{"Records":[{}]}}"#, record("DescribeInstances", "ec2")),
        16 => format!(r#"{{"message":{:?}}}"#, record("AssumeRole", "sts")),
        _ => record("DescribeInstances", "ec2"),
    };
    (line, false)
}

/// The numbers of the events on a line.
pub fn numbers(line: &str) -> impl Iterator<Item = u64> {
    line.match_indices(MARK).filter_map(|(at, _)| {
        let digits = &line[at + MARK.len()..];
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        digits[..end].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_its_number() {
        for load in [Load::Mix, Load::All, Load::Jumps] {
            for number in 0..2000 {
                let (line, _) = event(number, load);
                assert!(numbers(&line).all(|one| one == number), "{line}");
                assert!(!line.contains('\n'));
            }
        }
    }
}
