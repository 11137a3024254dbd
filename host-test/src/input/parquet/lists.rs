//! How many values the lists of a column have, told by its repetition levels before they are decoded.

/// As many rows are read at once, at most.
pub(super) const WINDOW: usize = 256;

/// How many values a number of rows has.
#[derive(Debug, Default)]
pub(super) struct Lists {
    rows: u64,
    values: u64,
    pub(super) longest: u64,
}

impl Lists {
    /// Takes the repetition levels of a page: in runs, or packed by eight.
    pub(super) fn count(&mut self, mut levels: &[u8], width: usize, mut left: u64) {
        while left > 0 {
            let Some((head, after)) = varint(levels) else { return };
            let most;
            if head & 1 == 0 {
                let bytes = width.div_ceil(8);
                let Some((value, after)) = after.split_at_checked(bytes) else { return };
                most = (head >> 1).min(left);
                self.add(value.iter().all(|byte| *byte == 0), most);
                levels = after;
            } else {
                most = (head >> 1).saturating_mul(8).min(left);
                let bytes = usize::try_from(most).unwrap_or(usize::MAX).div_ceil(8);
                let bytes = bytes.saturating_mul(width).min(after.len());
                let (packed, after) = after.split_at(bytes);
                let bit = |at: usize| packed[at / 8] >> (at % 8) & 1 == 1;
                for at in 0..(packed.len() * 8 / width) {
                    let start = (at * width..(at + 1) * width).all(|at| !bit(at));
                    self.add(start, 1);
                }
                levels = after;
            }
            left -= most;
        }
    }

    /// Takes levels that begin a row each, or are in the last one.
    fn add(&mut self, begins: bool, count: u64) {
        if begins {
            self.rows += count;
        }
        if self.rows >= WINDOW as u64 {
            // Two windows are counted as one: which rows are read together is not known.
            self.longest = self.longest.max(self.values);
            (self.rows, self.values) = (0, 0);
        }
        self.values += if begins { count.min(WINDOW as u64) } else { count };
        self.longest = self.longest.max(self.values);
    }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}
