//! The names of events, as the prefilter tells them apart.

/// What an `eventName` names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// An event that a rule wants, or something that may be one.
    Wanted,
    /// One that a rule wants if the record has some text in it.
    Rare,
    /// No call of a service: notifications of S3 have a colon in it.
    Notification,
    Other,
    /// None: what stands there is no key of JSON with a text behind it.
    NoKey,
}

/// FNV-1a of a name in lower case. Only names of rules are held, so that nobody can choose them for
/// their hashes.
pub(super) fn hash(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The bit of a name's first letter; that of every letter, if it begins with something else.
pub(super) fn initial(name: &[u8]) -> u32 {
    match name.first() {
        // Its lower bits are its number in the alphabet, in both cases.
        Some(letter) if letter.is_ascii_alphabetic() => 1_u32.wrapping_shl((*letter).into()),
        _ => u32::MAX,
    }
}

/// What the `eventName`s of a line name.
#[derive(Default)]
pub(super) struct Names {
    pub(super) events: u64,
    /// `eventName` stands there in another syntax than JSON's, or as a value.
    pub(super) aside: bool,
    pub(super) notifications: u64,
    pub(super) wanted: bool,
    pub(super) rare: bool,
}

impl Names {
    pub(super) fn add(&mut self, name: Name) {
        if name == Name::NoKey {
            self.aside = true;
            return;
        }
        self.events = self.events.saturating_add(1);
        let notification = u64::from(name == Name::Notification);
        self.notifications = self.notifications.saturating_add(notification);
        self.wanted |= name == Name::Wanted;
        self.rare |= name == Name::Rare;
    }
}
