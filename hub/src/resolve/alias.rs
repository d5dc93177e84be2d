//! What a department's own number for a person means, and where a contribution goes by it.
//!
//! Learned only from records that carry both number and key, so never transitive: a record resolved by an alias teaches
//! nothing. Never looks at attributes.

use super::{ALIAS_SUSPENDED, Claims, KEY_CONFLICT, NO_KEY, Standing};
use crate::keyring::Token;

/// What an alias says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AliasMeaning {
    /// No record ties it to a person key.
    Unknown,
    /// The person of this key.
    Means(Token),
    /// It is tied to different person keys: it means nobody, and a `key-conflict` stands.
    Suspended,
}

/// Where a contribution goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// To the person of the key it asserts itself.
    Key(Token),
    /// To the person of this key, whom its department's number means.
    Alias(Token),
    /// To this person, because somebody has decided so.
    Decided(Token),
    /// Nowhere, and why: `key-disagrees`, `placeholder-key`, `key-conflict`, `alias-suspended`, `no-key`, `key-invalid`,
    /// `parted`.
    None(&'static str),
}

/// The meaning of an alias, from the keys of the live contributions that carry both it and a person key and are
/// [`Standing::Joined`] under that.
pub fn alias(keys: impl Iterator<Item = Token>) -> AliasMeaning {
    keys.fold(AliasMeaning::Unknown, |meaning, key| match meaning {
        AliasMeaning::Unknown => AliasMeaning::Means(key),
        AliasMeaning::Means(other) if other == key => meaning,
        _ => AliasMeaning::Suspended,
    })
}

/// Where a contribution goes: by its own key if it has one and agrees with it, else by the meanings of its aliases.
///
/// `standing` is what [`super::agreement()`] says of it and is read only where it has a key: one that waits under its key
/// is not resolved by an alias instead. A suspended alias beside one whose meaning is known says nothing.
pub fn link(claims: &Claims, standing: Standing, meanings: &[AliasMeaning]) -> Link {
    if let Some(key) = claims.key {
        return match standing {
            Standing::Joined => Link::Key(key),
            Standing::Waiting(reason) => Link::None(reason),
        };
    }
    let known = meanings.iter().filter_map(|meaning| match meaning {
        AliasMeaning::Means(key) => Some(*key),
        AliasMeaning::Unknown | AliasMeaning::Suspended => None,
    });
    match alias(known) {
        AliasMeaning::Means(key) => Link::Alias(key),
        AliasMeaning::Suspended => Link::None(KEY_CONFLICT),
        AliasMeaning::Unknown if meanings.contains(&AliasMeaning::Suspended) => Link::None(ALIAS_SUSPENDED),
        AliasMeaning::Unknown => Link::None(claims.keyless.unwrap_or(NO_KEY)),
    }
}
