//! Known: which tokens a store may hold, kept by the process that has written all of it since it was empty.
//!
//! A Bloom filter over the tokens of contributions and entities. What it does not know is certainly not stored and need
//! not be looked up, which is most of a first load. Its word for the contrary is only a hint. It belongs to one
//! generation of the writer's lease: once another hub may have written, it is worth nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::keyring::Tag;

/// Bits, a power of two: 32 MB, which some twenty million tokens fill to a quarter.
const BITS: u32 = 1 << 28;

/// The filter.
pub struct Known {
    words: Vec<AtomicU64>,
}

impl Default for Known {
    fn default() -> Self {
        Self { words: (0..BITS / 64).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Known {
    /// Notes a token that is about to be stored.
    pub fn note(&self, token: &[u8]) {
        for (word, bit) in places(token) {
            self.words[word].fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// Notes a tag under which a loose record is about to be found. They alone are: what is found under the tags of others is
    /// asked for by loose records, which are few.
    pub fn note_tag(&self, tag: Tag) {
        self.note(&widened(tag));
    }

    /// Whether a loose record may be found under a tag; `false` is certain.
    pub fn may_hold_tag(&self, tag: Tag) -> bool {
        self.may_hold(&widened(tag))
    }

    /// Notes a person whom a loose record may be about.
    pub fn note_looked_at(&self, person: &[u8; 16]) {
        self.note(&person.map(|byte| !byte));
    }

    /// Whether a loose record may ever have been taken for one of a person; `false` is certain.
    pub fn may_be_looked_at(&self, person: &[u8; 16]) -> bool {
        self.may_hold(&person.map(|byte| !byte))
    }

    /// Whether the store may hold it; `false` is certain.
    pub fn may_hold(&self, token: &[u8]) -> bool {
        places(token).all(|(word, bit)| self.words[word].load(Ordering::Relaxed) & bit != 0)
    }
}

/// Whether a store may hold a token, of which all that is known is `known`; `false` is certain.
pub fn may_hold(known: Option<&Known>, token: &[u8]) -> bool {
    known.is_none_or(|known| known.may_hold(token))
}

/// A tag as long as a token.
fn widened(tag: Tag) -> [u8; 16] {
    let again = tag.rotate_left(29) ^ tag.wrapping_mul(0x2545_f491_4f6c_dd1d);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&tag.to_be_bytes());
    bytes[8..].copy_from_slice(&again.to_be_bytes());
    bytes
}

/// Four places of a token, whose bytes are those of an HMAC and need no further hashing.
fn places(token: &[u8]) -> impl Iterator<Item = (usize, u64)> {
    token.chunks_exact(4).map(|part| {
        let place = u32::from_le_bytes([part[0], part[1], part[2], part[3]]) % BITS;
        ((place / 64) as usize, 1 << (place % 64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::Keyring;

    #[test]
    fn what_was_noted_may_be_held_and_hardly_anything_else() {
        let keyring = Keyring::new(&[7; 32]).unwrap();
        let token = |number: u32| keyring.token("test", &[&number.to_string()]).unwrap();
        let known = Known::default();
        (0..10_000).for_each(|number| known.note(&token(number).0));
        assert!((0..10_000).all(|number| known.may_hold(&token(number).0)));
        assert!((10_000..20_000).filter(|number| known.may_hold(&token(*number).0)).count() < 10);
    }

    #[test]
    fn a_tag_is_told_from_others_as_a_token_is() {
        let keyring = Keyring::new(&[7; 32]).unwrap();
        let tag = |number: u32| keyring.token("test", &[&number.to_string()]).unwrap().tag();
        let known = Known::default();
        (0..10_000).for_each(|number| known.note_tag(tag(number)));
        assert!((0..10_000).all(|number| known.may_hold_tag(tag(number))));
        assert!((10_000..20_000).filter(|number| known.may_hold_tag(tag(*number))).count() < 10);
    }
}
