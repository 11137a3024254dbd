//! Every chain that is complete is told once, in whatever order its observations come; and a flood
//! costs what it is long. Counted, not timed.

mod nested;

use orgwatch_sigma::{CorrelationKind, Derived, Field, Threshold};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::detector::Detector;
use crate::memory::{ALL, Limits, work};
use crate::rules;

const ACCOUNT: &str = "444455556666";

/// The event of this number, so many seconds after noon.
fn event(id: usize, name: &str, second: usize, more: &Value) -> String {
    let mut event = json!({
        "eventID": format!("{name}-{id}"), "eventName": name, "recipientAccountId": ACCOUNT,
        "eventTime": format!("2026-06-01T{:02}:{:02}:{:02}Z", 12 + second / 3600, second / 60 % 60, second % 60),
        "eventSource": "organizations.amazonaws.com", "sourceIPAddress": "203.0.113.7",
        "userAgent": "Boto3/1.40.55", "userIdentity": {"type": "IAMUser", "accountId": ACCOUNT,
            "userName": "ops", "arn": format!("arn:aws:iam::{ACCOUNT}:user/ops")},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        event[key] = value.clone();
    }
    event.to_string()
}

fn power(id: usize, second: usize) -> String {
    let root = json!({"eventSource": "signin.amazonaws.com",
        "userIdentity": {"type": "Root", "accountId": ACCOUNT},
        "responseElements": {"ConsoleLogin": "Success"}});
    event(id, "ConsoleLogin", second, &root)
}

fn exit(id: usize, second: usize) -> String {
    event(id, "LeaveOrganization", second, &json!({}))
}

/// The exit of an account of its own.
fn exit_of_another(id: usize, second: usize) -> String {
    let account = format!("{:012}", 600_000_000_000 + id);
    let other = json!({"recipientAccountId": account, "userIdentity": {"type": "IAMUser",
        "accountId": account, "arn": format!("arn:aws:iam::{account}:user/ops")}});
    event(id, "LeaveOrganization", second, &other)
}

fn refused(id: usize, second: usize) -> String {
    event(id, "LeaveOrganization", second, &json!({"errorCode": "AccessDenied"}))
}

fn departed(id: usize, second: usize) -> String {
    let details = json!({"userIdentity": {"accountId": "111122223333", "invokedBy": "AWS"},
        "serviceEventDetails": {"accountId": ACCOUNT, "departureMethod": "LEFT"}});
    event(id, "AccountDepartedOrganization", second, &details)
}

fn listed(id: usize, second: usize) -> String {
    let calls = ["ListRoots", "ListAccounts", "DescribeOrganization", "ListPolicies"];
    event(id, calls[id % calls.len()], second, &json!({}))
}

/// The number of index entries looked at for each event, in the worst of several orders.
fn work_each(events: &[String]) -> u64 {
    let mut shuffled = events.to_vec();
    shuffled.sort_by_key(|event| Digest128::of(&[event]));
    let reversed: Vec<String> = events.iter().rev().cloned().collect();
    let twice = [&shuffled[..], events].concat();
    let of = |events: &Vec<String>| {
        let mut detector = Detector::open("{}").unwrap();
        let before = work::so_far();
        detector.detect_batch(events.join("\n").as_bytes());
        (work::so_far() - before) / events.len() as u64
    };
    [shuffled, reversed, twice].iter().map(of).max().unwrap()
}

#[test]
fn a_flood_costs_no_more_for_each_event_when_it_is_longer() {
    type Event = fn(usize, usize) -> String;
    let floods: [&[Event]; 11] = [
        &[refused],
        &[power, refused],
        &[exit],
        &[power],
        &[power, exit],
        &[power, exit, refused],
        &[exit, departed],
        &[exit_of_another],
        &[exit_of_another, exit],
        &[listed],
        &[listed, power, refused, exit, departed],
    ];
    for (number, flood) in floods.into_iter().enumerate() {
        let of = |each: usize, spread: usize, in_turn: bool| {
            let length = each * flood.len();
            let kind =
                |n: usize| if in_turn { n % flood.len() } else { (n / each).min(flood.len() - 1) };
            let events = (0..length).map(|n| flood[kind(n)](n, n * spread / 1000));
            work_each(&events.collect::<Vec<_>>())
        };
        // All in one second, one kind after the other, or in turn.
        for (spread, in_turn) in [(0, false), (1000, false), (1000, true)] {
            let (short, long) = (of(75, spread, in_turn), of(150, spread, in_turn));
            assert!(
                long <= short * 3 / 2 + 50 && long < 6000,
                "{number}: {spread} {in_turn}: {short} {long}"
            );
        }
    }
}

/// A chain put plainly: looks at all observations for each end.
fn is_whole(
    chain: &Correlation,
    last: ObservationKey,
    steps: &[(ObservationKey, Digest128)],
) -> bool {
    let window = last.time - chain.window..=last.time;
    let of_last = key_of_member(chain.members.len() - 1);
    let within = || steps.iter().filter(|(key, _)| window.contains(&key.time));
    let upto = || within().filter(|(key, _)| *key <= last);
    match &chain.kind {
        CorrelationKind::Temporal => {
            let member_keys: BTreeSet<_> = upto().map(|(_, member_key)| *member_key).collect();
            member_keys.len() == chain.members.len()
        }
        CorrelationKind::EventCount(count) => {
            let events: BTreeSet<_> = upto().map(|(key, _)| key.event).collect();
            count.holds(events.len() as u64)
        }
        CorrelationKind::ValueCount(count, _) => {
            let member_keys: BTreeSet<_> = upto().map(|(_, member_key)| *member_key).collect();
            count.holds(member_keys.len() as u64)
        }
        CorrelationKind::TemporalOrdered => {
            if !steps.contains(&(last, of_last)) {
                return false;
            }
            // From the first member on, all that may stand at each.
            let mut reached: Vec<ObservationKey> = Vec::new();
            for member in 0..chain.members.len() {
                let at = within()
                    .filter(|(_, member_key)| *member_key == key_of_member(member))
                    .map(|(key, _)| *key);
                let follows = |key: &ObservationKey| {
                    member == 0
                        || reached.iter().any(|one| one.time <= key.time && one.event != key.event)
                };
                reached = at.filter(follows).collect();
            }
            reached.contains(&last)
        }
    }
}

/// An observation: its time, event, rule and member.
type Added = (i64, u8, u8, usize);

/// The completions that are told of observations as they come, and those that looking at all of them
/// finds.
fn told_and_whole(
    kind: CorrelationKind,
    members: usize,
    all: Vec<Added>,
) -> [Vec<ObservationKey>; 2] {
    let counts = matches!(kind, CorrelationKind::EventCount(_));
    let builtin = rules::builtin_pack();
    let of_pack = &builtin.correlations[0];
    let member = of_pack.members[0].clone();
    let chain = Correlation { kind, members: vec![member; members], window: 10, ..of_pack.clone() };
    let pack = Arc::new(Pack { correlations: vec![chain], ..Pack::default() });
    let chain = &pack.correlations[0];
    let group = Group { chain: Digest128::of(&["chain"]), group: Digest128::of(&["group"]) };
    let by_key = [(group.chain, 0)].into_iter().collect();
    let chains = Correlations {
        pack: Arc::clone(&pack),
        by_rule: Table::default(),
        by_chain: Table::default(),
        by_key,
        leads: Members::default(),
        internal: Members::default(),
    };
    let limits = Limits { events: 1, terms: 1, steps: 1000, policies: 1, alerts: 1 };
    let mut memory = Memory::new(limits);
    let mut told = Vec::new();
    let mut steps = Vec::new();
    for (time, event, rule, member) in all {
        // The same event is always of the same time.
        let event = Digest128::of(&[&format!("{time} {event}")]);
        let step = ObservationKey { time, event, rule: Digest128::new([rule; 16]), refused: false };
        if memory.steps().get(&step).is_some() {
            continue;
        }
        let member_key = key_of_member(if counts { members - 1 } else { member % members });
        steps.push((step, member_key));
        let memberships = vec![(Membership { group, member_key }, ALL)];
        let added = Observation { memberships, part: Box::default() };
        told.extend(chains.add(step, added, false, &mut memory).iter().map(|whole| whole.last));
        memory.settle(&step);
    }
    let mut whole: Vec<_> = steps.iter().map(|(key, _)| *key).collect();
    whole.retain(|last| is_whole(chain, *last, &steps));
    whole.sort_unstable();
    told.sort_unstable();
    [told, whole]
}

/// The latest of the middle member was of the event that is the only one of the first.
#[test]
fn another_event_of_the_same_time_may_stand_between() {
    for last in [21, 22] {
        let steps = vec![(21, 4, 2, 1), (last, 5, 0, 2), (21, 0, 0, 1), (21, 4, 0, 0)];
        let [told, whole] = told_and_whole(CorrelationKind::TemporalOrdered, 3, steps);
        assert_eq!(whole.len(), 1);
        assert_eq!(told, whole);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Looking only at the completions that an observation may matter for finds what looking at all
    /// would.
    #[test]
    fn each_end_is_told_once_in_any_order(
        kind in 0..4usize,
        members in 2..4usize,
        count in 1..5u64,
        all in prop::collection::vec((0..40i64, 0..12u8, 0..3u8, 0..4usize), 1..60),
    ) {
        let kind = match kind {
            0 => CorrelationKind::Temporal,
            1 => CorrelationKind::TemporalOrdered,
            2 => CorrelationKind::EventCount(Threshold::at_least(count)),
            _ => CorrelationKind::ValueCount(
                Threshold::at_least(count),
                Field::Derived(Derived::UserName),
            ),
        };
        let [told, whole] = told_and_whole(kind, members, all);
        prop_assert_eq!(told, whole);
    }
}
