//! What people have decided of who is who, beside what the rules say: two people are one, a contribution is about somebody,
//! or is not. Without a decision everything is as the rules say; with one it is as was decided, whatever comes later.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Link, PARTED};
use crate::keyring::Token;

/// The standing decisions that concern some contributions and people.
#[derive(Debug, Default, Clone)]
pub struct Decided {
    merged: HashMap<Token, Token>,
    joined: HashMap<Token, Token>,
    parted: HashMap<Token, BTreeSet<Token>>,
    named: HashSet<Token>,
}

impl Decided {
    /// The person of token `absorbed` is the person of token `into`.
    pub fn merge(&mut self, absorbed: Token, into: Token) {
        self.merged.insert(absorbed, into);
    }

    /// A contribution is about a person.
    pub fn join(&mut self, contribution: Token, person: Token) {
        self.joined.insert(contribution, person);
    }

    /// Another contribution was decided to be about the person of this token. Where nobody's number makes a person, the
    /// token is that of a contribution, and this one is meant as well.
    pub fn name(&mut self, person: Token) {
        self.named.insert(person);
    }

    /// A contribution is not about a person.
    pub fn part(&mut self, contribution: Token, person: Token) {
        self.parted.entry(contribution).or_default().insert(person);
    }

    /// Whether it is known into whom a person was merged.
    pub fn is_merged(&self, person: Token) -> bool {
        self.merged.contains_key(&person)
    }

    /// Whom the token of a person stands for, after all merges.
    pub fn person(&self, token: Token) -> Token {
        let mut person = token;
        // Merges make no circle; if some store holds one, it is gone round once.
        for _ in 0..self.merged.len() {
            match self.merged.get(&person) {
                Some(into) => person = *into,
                None => break,
            }
        }
        person
    }

    /// Where a contribution goes that the rules alone send to `by_rules`. People are named by whom they stand for.
    pub fn link(&self, contribution: Token, by_rules: Link) -> Link {
        if let Some(person) = self.joined.get(&contribution) {
            return Link::Decided(self.person(*person));
        }
        match by_rules {
            Link::Key(key) | Link::Alias(key) if self.is_parted(contribution, key) => Link::None(PARTED),
            Link::Key(key) => Link::Key(self.person(key)),
            Link::Alias(key) => Link::Alias(self.person(key)),
            // Another contribution was decided to be about the resident who is named after this one.
            Link::None(_) if self.named.contains(&contribution) => Link::Decided(self.person(contribution)),
            other => other,
        }
    }

    /// Whether a contribution bears witness under the key it asserts: not where people have said whom it is about, or that
    /// it is not about the person of the key.
    pub fn is_witness(&self, contribution: Token, key: Token) -> bool {
        !self.joined.contains_key(&contribution) && !self.is_parted(contribution, key)
    }

    /// Whether a contribution was parted from the resident that one of these contributions gives its name to.
    pub fn is_parted_from_any(&self, contribution: Token, others: impl Fn(&Token) -> bool) -> bool {
        self.parted.get(&contribution).into_iter().flatten().any(others)
    }

    /// The people a contribution is not about, by whom they stand for.
    pub fn parted_from(&self, contribution: Token) -> impl Iterator<Item = Token> + '_ {
        self.parted.get(&contribution).into_iter().flatten().map(|person| self.person(*person))
    }

    fn is_parted(&self, contribution: Token, key: Token) -> bool {
        let person = self.person(key);
        let from = self.parted.get(&contribution);
        from.is_some_and(|from| from.iter().any(|parted| self.person(*parted) == person))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn token(number: u8) -> Token {
        Token([number; 16])
    }

    const RECORD: Token = token(9);

    #[test]
    fn without_a_decision_the_rules_hold() {
        let decided = Decided::default();
        for link in [Link::Key(token(1)), Link::Alias(token(1)), Link::None("no-key")] {
            assert_eq!(decided.link(RECORD, link), link);
        }
        assert!(decided.is_witness(RECORD, token(1)));
    }

    #[test]
    fn a_merge_is_followed_to_its_end_and_through_a_circle_once() {
        let mut decided = Decided::default();
        decided.merge(token(1), token(2));
        decided.merge(token(2), token(3));
        assert_eq!(decided.link(RECORD, Link::Key(token(1))), Link::Key(token(3)));
        assert_eq!(decided.person(token(3)), token(3));
        decided.merge(token(3), token(1));
        decided.person(token(1));
    }

    #[test]
    fn who_was_joined_goes_there_whatever_the_rules_say() {
        let mut decided = Decided::default();
        decided.join(RECORD, token(2));
        for link in [Link::Key(token(1)), Link::None("key-disagrees")] {
            assert_eq!(decided.link(RECORD, link), Link::Decided(token(2)));
        }
        assert!(!decided.is_witness(RECORD, token(1)));
    }

    #[test]
    fn who_was_parted_from_one_may_still_be_another() {
        let mut decided = Decided::default();
        decided.part(RECORD, token(1));
        assert_eq!(decided.link(RECORD, Link::Key(token(1))), Link::None(PARTED));
        assert_eq!(decided.link(RECORD, Link::Alias(token(2))), Link::Alias(token(2)));
        assert!(decided.is_witness(RECORD, token(2)));
        // Who is told apart from somebody is told apart from whomever that person turns out to be.
        decided.merge(token(2), token(1));
        assert_eq!(decided.link(RECORD, Link::Key(token(2))), Link::None(PARTED));
    }

    #[test]
    fn who_gives_a_resident_their_name_goes_where_others_were_decided_to_belong() {
        let mut decided = Decided::default();
        decided.join(RECORD, token(4));
        decided.name(token(4));
        assert_eq!(decided.link(token(4), Link::None("no-key")), Link::Decided(token(4)));
        assert_eq!(decided.link(token(4), Link::Key(token(1))), Link::Key(token(1)), "its number comes");
        decided.merge(token(4), token(1));
        assert_eq!(decided.link(token(4), Link::None("no-key")), Link::Decided(token(1)));
    }
}
