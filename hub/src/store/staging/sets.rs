//! The staging list as a set of keys: which keys came twice, which stored ones did not come, which of some came well.
//!
//! Keys are tokens, so their first bytes share them out evenly: a large set is gone through in shares, and memory holds
//! one share, however large the delivery.

use std::collections::HashSet;

use super::{Mark, Staged, Which, each, mark_at, totals};
use crate::error::Result;
use crate::keyring::Token;
use crate::store::{Conn, live_keys};

/// Keys held at once.
const AT_ONCE: i64 = 1_000_000;

/// A part of all keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    number: u32,
    of: u32,
}

impl Share {
    /// The first two bytes of its first key.
    fn begin(self) -> u32 {
        // At most 1 << 16, which is after the last one.
        ((u64::from(self.number) << 16).div_ceil(u64::from(self.of))) as u32
    }

    /// The first two bytes of the first key of the next one.
    fn end(self) -> u32 {
        Self { number: self.number + 1, of: self.of }.begin()
    }

    fn holds(self, key: Token) -> bool {
        let prefix = u32::from(u16::from_be_bytes([key.0[0], key.0[1]]));
        self.begin() <= prefix && prefix < self.end()
    }
}

/// Marks all but the last row of each key, and returns their positions in order.
pub fn earlier_of_same_key(conn: &mut Conn, delivery: &str, mark: Mark) -> Result<Vec<i64>> {
    let mut earlier = Vec::new();
    for share in shares(totals(conn, delivery)?.rows()) {
        let mut keyed: Vec<(Token, i64)> = Vec::new();
        each(conn, delivery, (Which::All, 0), &mut |row| {
            keyed.extend(row.key.filter(|key| share.holds(*key)).map(|key| (key, row.position)));
            Ok(true)
        })?;
        keyed.sort_unstable();
        earlier.extend(keyed.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].1));
    }
    earlier.sort_unstable();
    mark_at(conn, delivery, &earlier, mark)?;
    Ok(earlier)
}

/// The shares in which so many keys are gone through.
pub fn shares(keys: i64) -> impl Iterator<Item = Share> {
    let of = u32::try_from(keys / AT_ONCE + 1).unwrap_or(u32::MAX).min(1 << 16);
    (0..of).map(move |number| Share { number, of })
}

/// The live source keys of the feed that a delivery does not hold, of one share: what has ended. The key of a rejected row
/// counts as held.
pub fn absent(conn: &mut Conn, feed: &str, delivery: &str, share: Share) -> Result<Vec<Token>> {
    let mut held: Vec<Token> = Vec::new();
    each(conn, delivery, (Which::All, 0), &mut |row| {
        held.extend(row.key.filter(|key| share.holds(*key)));
        Ok(true)
    })?;
    held.sort_unstable();
    let mut stored = live_keys::between(conn, feed, &prefix_of(share.begin()), &prefix_of(share.end()))?;
    stored.retain(|key| held.binary_search(key).is_err());
    Ok(stored)
}

/// What all keys from these first two bytes on are not less than; after the last of them comes what is longer than any.
fn prefix_of(begin: u32) -> Vec<u8> {
    match u16::try_from(begin) {
        Ok(begin) => begin.to_be_bytes().to_vec(),
        Err(_) => vec![u8::MAX; size_of::<Token>() + 1],
    }
}

/// How many of the `stored` live source keys of the feed a delivery does not hold.
pub fn absent_count(conn: &mut Conn, feed: &str, delivery: &str, stored: i64) -> Result<i64> {
    let mut count = 0;
    for share in shares(totals(conn, delivery)?.rows().max(stored)) {
        count += absent(conn, feed, delivery, share)?.len() as i64;
    }
    Ok(count)
}

/// Those of the keys that rows of the delivery have which are neither rejected nor stale.
pub fn good_among(conn: &mut Conn, delivery: &str, wanted: &HashSet<Token>) -> Result<Vec<Vec<u8>>> {
    let mut good = Vec::new();
    if wanted.is_empty() {
        return Ok(good);
    }
    each(conn, delivery, (Which::All, 0), &mut |row| {
        let Staged { key, mark, .. } = row;
        if let Some(key) = key.filter(|key| matches!(mark, Mark::Changed | Mark::Unchanged) && wanted.contains(key)) {
            good.push(key.to_vec());
        }
        Ok(true)
    })?;
    Ok(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_one_share() {
        for keys in [0, AT_ONCE - 1, AT_ONCE, 7 * AT_ONCE, 1_000 * AT_ONCE] {
            for prefix in [0_u16, 1, 77, 0x7fff, 0x8000, 0xfffe, 0xffff] {
                let [high, low] = prefix.to_be_bytes();
                let mut key = Token([9; 16]);
                (key.0[0], key.0[1]) = (high, low);
                assert_eq!(shares(keys).filter(|share| share.holds(key)).count(), 1, "{keys} {prefix}");
                for share in shares(keys) {
                    let range = prefix_of(share.begin())..prefix_of(share.end());
                    assert_eq!(range.contains(&key.to_vec()), share.holds(key), "{keys} {prefix} {share:?}");
                }
            }
        }
    }
}
