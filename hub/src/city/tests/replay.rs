//! Replays the files by the design's rules in the smallest way there is, and compares with what the city expects.
//!
//! An implementation of its own: it reads rows only, never how they were made, and shares nothing with the hub but the
//! form of a citizen number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::super::feed::Feed;
use super::super::place::{self, Community};
use super::super::{CityDelivery, Expected, Fate, Occasion};
use super::reading::{self, Read};
use super::{city, replay_address::Address};
use crate::identity::CitizenNumber;

pub(super) static COMMUNITIES: LazyLock<Vec<Community>> = LazyLock::new(place::communities);

/// What one row says about one person.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Saying {
    pub feed: Feed,
    key: Option<String>,
    alias: Option<String>,
    name: String,
    birth: Option<String>,
    household: Option<(String, String)>,
    pub registered: Option<Address>,
    pub current: Option<Address>,
}

/// What a row comes to.
struct Judged {
    key: String,
    sayings: Vec<Saying>,
    issues: u64,
    ends: bool,
}

/// Live sayings by feed, source key and part.
#[derive(Default)]
struct Replay {
    live: BTreeMap<(&'static str, String, usize), Saying>,
}

impl Replay {
    /// Takes a delivery as the hub would and answers what it counts.
    fn take(&mut self, delivery: &CityDelivery) -> Fate {
        let feed = Feed::ALL.into_iter().find(|feed| feed.name() == delivery.feed).expect("a known feed");
        let rows = reading::rows(delivery);
        let mut fate = Fate { rows: rows.len() as u64, ..Fate::default() };
        let mut seen = BTreeSet::new();
        // From behind: the last row of a key wins.
        for row in rows.into_iter().rev() {
            match judge(feed, &row, delivery) {
                Err(key) => {
                    fate.rejected += 1;
                    seen.extend(key);
                }
                Ok(judged) if !seen.insert(judged.key.clone()) => match feed.is_snapshot() {
                    true => fate.rejected += 1,
                    false => fate.stale += 1,
                },
                Ok(judged) => {
                    fate.issues += judged.issues;
                    for (part, saying) in judged.sayings.into_iter().enumerate() {
                        let at = (feed.name(), judged.key.clone(), part);
                        match judged.ends {
                            true => drop(self.live.remove(&at)),
                            false => self.store(at, saying),
                        }
                    }
                }
            }
        }
        if feed.is_snapshot() {
            self.live.retain(|(of, key, _), _| *of != feed.name() || seen.contains(key));
        }
        fate
    }

    /// Keeps the time of an address that says the same as before.
    fn store(&mut self, at: (&'static str, String, usize), mut saying: Saying) {
        if let Some(before) = self.live.get(&at) {
            Address::keep_time(&before.current, &mut saying.current);
            Address::keep_time(&before.registered, &mut saying.registered);
        }
        self.live.insert(at, saying);
    }

    /// The people: for each key the sayings that join under it, and how many join nowhere.
    fn resolve(&self) -> (BTreeMap<&str, Vec<&Saying>>, u64) {
        let mut under: BTreeMap<&str, Vec<&Saying>> = BTreeMap::new();
        for saying in self.live.values() {
            if let Some(key) = &saying.key {
                under.entry(key).or_default().push(saying);
            }
        }
        let mut people: BTreeMap<&str, Vec<&Saying>> = BTreeMap::new();
        let mut meanings: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (key, sayings) in under {
            for saying in joined(key, &sayings) {
                people.entry(key).or_default().push(saying);
                if let Some(alias) = &saying.alias {
                    meanings.entry(alias).or_default().insert(key);
                }
            }
        }
        let keyed: usize = people.values().map(Vec::len).sum();
        let mut by_alias = 0;
        for saying in self.live.values().filter(|saying| saying.key.is_none()) {
            let meaning = saying.alias.as_deref().and_then(|alias| meanings.get(alias));
            if let Some(key) = meaning.filter(|keys| keys.len() == 1).and_then(|keys| keys.first().copied()) {
                people.entry(key).or_default().push(saying);
                by_alias += 1;
            }
        }
        (people, (self.live.len() - keyed - by_alias) as u64)
    }

    fn dataset(&self) -> Expected {
        let (people, unresolved) = self.resolve();
        let households: BTreeSet<_> = self.live.values().filter_map(|saying| saying.household.clone()).collect();
        let communities: BTreeSet<_> = people.values().filter_map(|sayings| Address::community(sayings)).collect();
        Expected {
            residents: people.len() as u64,
            households: households.len() as u64,
            communities: communities.len() as u64,
            unresolved,
        }
    }
}

/// Who of those under one key joins.
fn joined<'a>(key: &str, sayings: &[&'a Saying]) -> Vec<&'a Saying> {
    let in_number = CitizenNumber::parse(key).ok().map(|number| number.birth_date().to_string());
    let is_anchor = |saying: &Saying| in_number.is_some() && saying.birth == in_number;
    let plain = |saying: &Saying| saying.name.replace(['·', '•', '．', '・'], "");
    let mut by_feed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for saying in sayings.iter().filter(|saying| is_anchor(saying)) {
        by_feed.entry(saying.feed.name()).or_default().insert(plain(saying));
    }
    if by_feed.values().any(|names| names.len() > 3) {
        return Vec::new();
    }
    let anchored: BTreeSet<String> = by_feed.into_values().flatten().collect();
    let names: BTreeSet<String> = sayings.iter().map(|saying| plain(saying)).collect();
    let joins = |saying: &Saying| match anchored.is_empty() {
        true => names.len() == 1 && (in_number.is_none() || sayings.iter().any(|one| one.birth.is_none())),
        false => is_anchor(saying) || anchored.contains(&plain(saying)),
    };
    sayings.iter().copied().filter(|saying| joins(saying)).collect()
}

/// A row that can be used, or the key of one that cannot, if it can be read.
fn judge(feed: Feed, row: &Read, delivery: &CityDelivery) -> Result<Judged, Option<String>> {
    let shape = feed.shape();
    let cell = |place: usize| row.cells.get(place).map_or("", |cell| cell.trim());
    let key = Some(cell(shape.key).to_owned()).filter(|key| !key.is_empty());
    if row.cells.len() < shape.columns.len() - usize::from(feed == Feed::Unemployment) {
        return Err(None);
    }
    let Some(key) = key else { return Err(None) };
    let parts: &[[usize; 3]] = match feed {
        Feed::Marriage => &[[3, 4, 10], [11, 12, 18]],
        _ => &[[shape.name, shape.number, shape.birth]],
    };
    let mut judged = Judged { key, sayings: Vec::new(), issues: 0, ends: feed == Feed::Health && cell(24) == "1" };
    for [name, number, birth] in parts {
        let (name, number) = (cell(*name), cell(*number));
        if name.is_empty() || name.chars().count() > 100 || number.contains("E+") {
            return Err(Some(judged.key));
        }
        let birth = date(cell(*birth));
        judged.issues += u64::from(birth.is_err());
        let passport = shape.columns.get(shape.id_type).is_some() && cell(shape.id_type) == "03";
        let key = match CitizenNumber::parse(number) {
            _ if passport && feed == Feed::Insured => Some(format!("{}{}", cell(5), cell(8))),
            _ if passport => None,
            Ok(number) => Some(number.as_str().to_owned()),
            Err(_) => {
                judged.issues += 1;
                None
            }
        };
        judged.sayings.push(Saying {
            feed,
            key,
            alias: matches!(feed, Feed::Insured | Feed::Unemployment).then(|| judged.key.clone()),
            name: name.to_owned(),
            birth: birth.ok().flatten(),
            household: (feed == Feed::Registered).then(|| (cell(8).to_owned(), cell(1).to_owned())),
            registered: Address::registered(feed, row, delivery),
            current: Address::current(feed, row, delivery),
        });
    }
    judged.issues += bad_codes(feed, row);
    Ok(judged)
}

fn bad_codes(feed: Feed, row: &Read) -> u64 {
    let shape = feed.shape();
    let ethnic = if feed == Feed::Unemployment { "" } else { row.cells[shape.code].as_str() };
    let unknown = !(ethnic.is_empty() || ethnic.ends_with('族') || ethnic.parse::<u8>().is_ok_and(|code| code < 57));
    let insurances = row.groups.iter().filter(|group| group["AAE140"] == "999").count() as u64;
    let committee = match feed {
        Feed::Registered => row.cells[shape.division].as_str(),
        _ => "",
    };
    let stray = !committee.is_empty() && COMMUNITIES.iter().all(|one| one.name != committee);
    u64::from(unknown) + insurances + u64::from(stray)
}

/// An ISO date; nothing for a blank; an error for what is none.
fn date(text: &str) -> Result<Option<String>, ()> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return Ok(None);
    }
    chrono::NaiveDate::parse_from_str(&digits, "%Y%m%d").map(|date| Some(date.to_string())).map_err(drop)
}

#[test]
fn a_replay_comes_to_what_the_city_expects() {
    for (residents, seed) in [(500, 1), (500, 2), (700, 3), (5_200, 4)] {
        let city = city(residents, seed);
        let mut replay = Replay::default();
        for day in 1..=4 {
            for delivery in city.deliveries(day) {
                let fate = replay.take(&delivery);
                assert_eq!(fate, delivery.expected, "{} of day {day}, seed {seed}", delivery.file_name);
            }
            assert_eq!(replay.dataset(), city.expected(day), "day {day} of {residents} residents, seed {seed}");
        }
    }
}

#[test]
fn a_wrong_file_changes_the_dataset_until_it_is_undone() {
    let city = city(2_000, 9);
    let mut replay = Replay::default();
    for delivery in city.deliveries(1) {
        replay.take(&delivery);
    }
    let mut unresolved = Vec::new();
    for delivery in city.deliveries(2).iter().filter(|one| one.feed.ends_with("unemployment-insurance")) {
        replay.take(delivery);
        unresolved.push((delivery.occasion, replay.dataset().unresolved));
    }
    let occasions: Vec<Occasion> = unresolved.iter().map(|(occasion, _)| *occasion).collect();
    assert_eq!(occasions, [Occasion::Regular, Occasion::Wrong, Occasion::Undoing]);
    let [before, during, after] = [0, 1, 2].map(|place| unresolved[place].1);
    assert!(before == after && during > before + 5, "{before}, {during}, {after}");
}

#[test]
fn every_special_case_is_played() {
    let city = city(500, 1);
    let rows: u64 = city.deliveries(2).iter().map(|delivery| delivery.expected.rejected).sum();
    assert!(rows >= 15);
    let titles: BTreeSet<&str> = super::super::City::special_cases().collect();
    assert_eq!(titles.len(), super::super::City::special_cases().count());
    assert!(titles.len() >= 40);
}
