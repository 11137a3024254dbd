//! Networks that a condition names, and how much of the internet they are together.

use std::net::IpAddr;

/// The most addresses that together are some places, and not any: a sixteenth of the internet, and a
/// /16 of IPv6. A caller who may choose from more has an address among them.
const MOST_V4: u128 = 1 << 28;
const MOST_V6: u128 = 1 << 112;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V4,
    V6,
}

/// Whether every text is a network, and all of them together leave out nearly every address.
pub(super) fn are_narrow<'a>(networks: impl Iterator<Item = &'a str>) -> bool {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for text in networks {
        match range(text) {
            Some((Version::V4, range)) => v4.push(range),
            Some((Version::V6, range)) => v6.push(range),
            None => return false,
        }
    }
    covered(v4) <= MOST_V4 && covered(v6) <= MOST_V6
}

/// The first and the last address of a network, and their version.
fn range(text: &str) -> Option<(Version, (u128, u128))> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
            (address, Some(prefix.parse::<u32>().ok()?))
        }
        Some(_) => return None,
        None => (text, None),
    };
    let (version, address, bits) = match address.parse().ok()? {
        IpAddr::V4(address) => (Version::V4, u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (Version::V6, address.to_bits(), 128),
    };
    // The bits that the network leaves open.
    let free = u32::checked_sub(bits, prefix.unwrap_or(bits))?;
    let host = u128::MAX.checked_shr(u32::checked_sub(128, free)?).unwrap_or_default();
    let (first, last) = (address & !host, address | host);
    // Addresses of IPv4 written as IPv6.
    let mapped = 0xffff_0000_0000..=0xffff_ffff_ffff;
    if version == Version::V6 && mapped.contains(&first) && mapped.contains(&last) {
        let v4 = |address: u128| address & 0xffff_ffff;
        return Some((Version::V4, (v4(first), v4(last))));
    }
    let holds_them = version == Version::V6 && first < *mapped.start() && last >= *mapped.end();
    (!holds_them).then_some((version, (first, last)))
}

/// The number of addresses in all ranges together.
fn covered(mut ranges: Vec<(u128, u128)>) -> u128 {
    ranges.sort_unstable();
    let (mut sum, mut next) = (0u128, 0u128);
    for (first, last) in ranges {
        if last >= next {
            sum = sum.saturating_add(last.saturating_sub(first.max(next))).saturating_add(1);
            next = last.saturating_add(1);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_is_less_than_nearly_everything() {
        for (networks, expected) in [
            (&["203.0.113.7"][..], true),
            (&["203.0.113.0/24", "2001:db8::/32"], true),
            (&["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], true),
            (&["203.0.113.0/24", "203.0.113.0/24"], true),
            (&["::ffff:203.0.113.0/120"], true),
            (&["0.0.0.0/0"], false),
            (&["203.0.113.7/0"], false),
            (&["::/0"], false),
            (&["::/1", "8000::/1"], false),
            (&["2000::/3"], false),
            (&["0.0.0.0/1", "128.0.0.0/1"], false),
            (&["128.0.0.0/1", "64.0.0.0/2", "32.0.0.0/3", "16.0.0.0/4", "8.0.0.0/5"], false),
            (&["203.0.113.0/24", "::/0"], false),
            (&["::ffff:0.0.0.0/96"], false),
            (&["::/64"], false),
            (&["203.0.113.0/33"], false),
            (&["203.0.113.0/+24"], false),
            (&["203.0.113.0/"], false),
            (&["203.0.113.*"], false),
            (&["203.0.113.0/24", "anywhere"], false),
            (&[""], false),
        ] {
            assert_eq!(are_narrow(networks.iter().copied()), expected, "{networks:?}");
        }
        let pieces: Vec<_> = (0..=255).map(|first| format!("{first}.0.0.0/8")).collect();
        assert!(!are_narrow(pieces.iter().map(String::as_str)));
        assert!(are_narrow(pieces.iter().take(16).map(String::as_str)));
    }
}
