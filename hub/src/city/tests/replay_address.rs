//! Addresses of the replay: who says what, and whose word the community is taken from.

use super::super::CityDelivery;
use super::super::feed::Feed;
use super::reading::Read;
use super::replay::{COMMUNITIES, Saying};

/// One claim on an address.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Address {
    division: String,
    text: String,
    /// Sorts by time.
    since: String,
}

/// Feeds in the order of their authority on where people live, and on where they are registered.
const CURRENT: [Feed; 4] = [Feed::Population, Feed::Health, Feed::Insured, Feed::Marriage];
const REGISTERED: [Feed; 4] = [Feed::Registered, Feed::Population, Feed::Insured, Feed::Health];

impl Address {
    fn new(division: &str, text: &str, since: &str) -> Option<Self> {
        // A label stands for the code.
        let division = COMMUNITIES.iter().find(|one| one.name == division).map_or(division, |one| one.code);
        let digits = division.bytes().all(|byte| byte.is_ascii_digit());
        let division = if digits { division.to_owned() } else { String::new() };
        let said = !division.is_empty() || !text.is_empty();
        said.then(|| Self { division, text: text.to_owned(), since: since.to_owned() })
    }

    /// Where the row says the person is registered.
    pub fn registered(feed: Feed, row: &Read, delivery: &CityDelivery) -> Option<Self> {
        let cell = |place: usize| row.cells[place].as_str();
        match feed {
            Feed::Registered => Self::new(cell(9), cell(10), &delivery.as_of),
            Feed::Population => Self::new(cell(22), cell(13), &delivery.as_of),
            Feed::Insured => Self::new(cell(21), cell(22), &delivery.as_of),
            Feed::Health if cell(12) == "01" => Self::new(cell(19), cell(18), cell(23)),
            _ => None,
        }
    }

    /// Where the row says the person lives.
    pub fn current(feed: Feed, row: &Read, delivery: &CityDelivery) -> Option<Self> {
        let cell = |place: usize| row.cells[place].as_str();
        match feed {
            Feed::Population => Self::new("", &format!("{}{}{}", cell(14), cell(4), cell(5)), &delivery.as_of),
            Feed::Insured => Self::new(cell(19), cell(20), &delivery.as_of),
            Feed::Marriage => Self::new("", cell(6), &delivery.as_of),
            Feed::Health if cell(12) == "09" => Self::new(cell(19), cell(18), cell(23)),
            _ => None,
        }
    }

    /// An address that says the same as before has the time of before.
    pub fn keep_time(before: &Option<Self>, now: &mut Option<Self>) {
        if let (Some(before), Some(now)) = (before, now)
            && (&before.division, &before.text) == (&now.division, &now.text)
        {
            now.since.clone_from(&before.since);
        }
    }

    /// The community of a person: of the latest word on where the person lives, else of the best on the registration.
    pub fn community(sayings: &[&Saying]) -> Option<String> {
        let rank = |order: &[Feed], feed: Feed| order.iter().position(|one| *one == feed);
        let current = sayings.iter().filter_map(|one| Some((one.current.as_ref()?, rank(&CURRENT, one.feed)?)));
        let current =
            current.max_by(|(one, rank), (other, other_rank)| one.since.cmp(&other.since).then(other_rank.cmp(rank)));
        let registered =
            sayings.iter().filter_map(|one| Some((one.registered.as_ref()?, rank(&REGISTERED, one.feed)?)));
        let registered = registered.min_by_key(|(_, rank)| *rank);
        let community = |address: &Address| {
            (address.division.len() == 12 && !address.division.ends_with("000")).then(|| address.division.clone())
        };
        let current = current.and_then(|(address, _)| community(address));
        current.or_else(|| registered.and_then(|(address, _)| community(address)))
    }
}
