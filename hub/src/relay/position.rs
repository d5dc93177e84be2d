//! Where the relay of an agreement stands: the value of its one message in the control topic. Owns how it is written and
//! read, and what follows from it; reads no topic and no store.

use openssl::sha::sha256;
use serde::{Deserialize, Serialize};

use super::trouble::Stop;
use crate::config::Agreement;
use crate::error::{Error, Kind, Result};
use crate::id;
use crate::keyring::Token;

/// What a relay has sent, committed together with what it has sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The store it is a position in.
    pub epoch: String,
    /// The last `seq` whose change was considered; during a snapshot the `seq` it is of.
    pub seq: i64,
    /// Fingerprint of the agreement under which it was sent.
    pub scope: String,
    /// Raised by each reset and each change of the agreement.
    pub round: u64,
    /// The snapshot under way.
    pub snapshot: Option<Snapshot>,
}

/// Full records on their way, before changes follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// As of this `seq`.
    pub seq: i64,
    /// The last entity that was considered; none at the beginning, and none throughout if compared.
    pub after: Option<Token>,
    /// Whether only that is sent which differs from what the state topic holds.
    pub compare: bool,
}

/// What the store and the configuration say at this moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here<'a> {
    /// The store's identity.
    pub epoch: &'a str,
    /// What came up to this `seq` may have been pruned.
    pub first: i64,
    /// The store's last `seq`.
    pub last: i64,
    /// Fingerprint of the agreement.
    pub scope: &'a str,
}

impl Position {
    /// Reads a message of the control topic.
    pub fn parse(bytes: &[u8]) -> Result<Self, Stop> {
        serde_json::from_slice(bytes).map_err(|_| Stop::PositionUnreadable)
    }

    /// As it is written.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| Error::new(Kind::Internal, "writing a position").because(error))
    }

    /// The position of a new agreement: everything in its scope as of now.
    pub(super) fn new(here: Here<'_>) -> Self {
        let snapshot = Some(Snapshot { seq: here.last, after: None, compare: false });
        Self { epoch: here.epoch.to_owned(), seq: here.last, scope: here.scope.to_owned(), round: 0, snapshot }
    }

    /// The same place, to be made good by comparing all that is in scope with what the state topic holds.
    pub(super) fn compared(found: Option<&Self>, here: Here<'_>, round: u64) -> Self {
        // Where the old position is one in this store, no change after it is folded into the comparison.
        let seq = found.filter(|found| found.fits(here)).map_or(here.last, |found| found.seq);
        let snapshot = Some(Snapshot { seq, after: None, compare: true });
        Self { epoch: here.epoch.to_owned(), seq, scope: here.scope.to_owned(), round, snapshot }
    }

    /// From where to go on, given what was found in the control topic.
    pub(super) fn resumed(found: Option<Self>, here: Here<'_>) -> Result<Self, Stop> {
        match found {
            None => Ok(Self::new(here)),
            Some(found) if found.epoch != here.epoch => Err(Stop::OtherEpoch),
            Some(found) if found.seq < here.first => Err(Stop::Pruned { position: found.seq, first: here.first }),
            Some(found) if !found.fits(here) => Err(Stop::Ahead { position: found.seq, store: here.last }),
            Some(found) if found.scope != here.scope => Ok(Self::compared(Some(&found), here, found.round + 1)),
            Some(found) => Ok(found),
        }
    }

    fn fits(&self, here: Here<'_>) -> bool {
        self.epoch == here.epoch && (here.first..=here.last).contains(&self.seq)
    }
}

/// Tells two agreements apart by what they allow, however it is written.
pub(super) fn fingerprint(agreement: &Agreement) -> String {
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list.dedup();
        list
    };
    let fields: Vec<_> = agreement.fields.iter().map(|(kind, fields)| (kind, sorted(fields))).collect();
    let text = format!("{:?}", (sorted(&agreement.entities), fields, sorted(&agreement.communities)));
    id::hex(&sha256(text.as_bytes())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Here<'static> = Here { epoch: "e1", first: 20, last: 90, scope: "s1" };

    fn at(seq: i64) -> Position {
        Position { epoch: "e1".to_owned(), seq, scope: "s1".to_owned(), round: 4, snapshot: None }
    }

    #[test]
    fn a_position_is_read_as_it_was_written() {
        let with =
            Position { snapshot: Some(Snapshot { seq: 7, after: Some(Token([0xab; 16])), compare: false }), ..at(7) };
        let text = String::from_utf8(with.bytes().unwrap()).unwrap();
        insta::assert_snapshot!(text, @r#"{"epoch":"e1","seq":7,"scope":"s1","round":4,"snapshot":{"seq":7,"after":"abababababababababababababababab","compare":false}}"#);
        assert_eq!(Position::parse(text.as_bytes()).unwrap(), with);
        assert_eq!(Position::parse(&at(7).bytes().unwrap()).unwrap(), at(7));
    }

    #[test]
    fn what_is_no_position_is_told_and_not_passed_over() {
        for bad in ["", "{", "null", "{\"epoch\":\"e1\"}", "{\"epoch\":\"e1\",\"seq\":\"x\"}"] {
            assert!(matches!(Position::parse(bad.as_bytes()), Err(Stop::PositionUnreadable)), "{bad}");
        }
    }

    #[test]
    fn a_new_agreement_starts_with_everything_as_of_now() {
        let position = Position::resumed(None, HERE).unwrap();
        assert_eq!(position.snapshot, Some(Snapshot { seq: 90, after: None, compare: false }));
        assert_eq!((position.seq, position.round), (90, 0));
    }

    #[test]
    fn a_position_in_the_store_is_kept() {
        assert_eq!(Position::resumed(Some(at(90)), HERE).unwrap(), at(90));
    }

    #[test]
    fn a_position_ahead_of_the_store_or_of_another_one_stops() {
        assert!(matches!(Position::resumed(Some(at(91)), HERE), Err(Stop::Ahead { position: 91, store: 90 })));
        let other = Position { epoch: "e2".to_owned(), ..at(1) };
        assert!(matches!(Position::resumed(Some(other), HERE), Err(Stop::OtherEpoch)));
    }

    #[test]
    fn a_position_whose_changes_are_not_all_kept_stops_and_a_reset_compares_as_of_now() {
        assert_eq!(Position::resumed(Some(at(20)), HERE).unwrap(), at(20));
        assert!(matches!(Position::resumed(Some(at(19)), HERE), Err(Stop::Pruned { position: 19, first: 20 })));
        assert_eq!(Position::compared(Some(&at(19)), HERE, 5).seq, 90);
    }

    #[test]
    fn another_agreement_compares_at_the_old_place_so_that_no_change_is_folded() {
        let found = Position { scope: "s0".to_owned(), ..at(80) };
        let position = Position::resumed(Some(found), HERE).unwrap();
        assert_eq!(position.snapshot, Some(Snapshot { seq: 80, after: None, compare: true }));
        assert_eq!((position.seq, position.round, position.scope.as_str()), (80, 5, "s1"));
    }

    #[test]
    fn a_reset_of_a_foreign_position_compares_as_of_now() {
        let found = Position { epoch: "e2".to_owned(), ..at(500) };
        assert_eq!(Position::compared(Some(&found), HERE, 5).seq, 90);
        assert_eq!(Position::compared(Some(&at(500)), HERE, 5).seq, 90);
        assert_eq!(Position::compared(Some(&at(50)), HERE, 5).seq, 50);
    }

    #[test]
    fn the_order_in_which_an_agreement_is_written_does_not_matter() {
        let agreement = |fields: &[&str], communities: &[&str]| Agreement {
            entities: vec!["resident".to_owned()],
            fields: [("resident".to_owned(), fields.iter().map(|&f| f.to_owned()).collect())].into(),
            communities: communities.iter().map(|&c| c.to_owned()).collect(),
            ..Agreement::default()
        };
        let one = fingerprint(&agreement(&["name", "sex"], &["1", "2"]));
        assert_eq!(one, fingerprint(&agreement(&["sex", "name"], &["2", "1", "1"])));
        assert_ne!(one, fingerprint(&agreement(&["sex", "name"], &["2"])));
        assert_ne!(one, fingerprint(&agreement(&["name"], &["1", "2"])));
        assert_ne!(fingerprint(&agreement(&["a"], &[])), fingerprint(&agreement(&[], &["a"])));
    }
}
