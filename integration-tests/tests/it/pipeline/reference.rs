//! The bulk path beside a naive reference: every record taken by itself into a list in memory, and everything that follows
//! from the list computed anew from all of it. Owns the reference; shares with the hub the rules (decoding, mapping,
//! resolving, merging) and none of what makes their application fast.

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;

use hub::contribution::{AsOf, Contribution};
use hub::keyring::Token;
use hub::merge;
use hub::pipeline::golden::entity_id;
use hub::pipeline::row::{self, ChangedRow, Verdict};
use hub::resolve::{self, AliasMeaning, Claims, Link, Standing};
use hub::store::delivery::Delivery as Receipt;
use hub::store::{codec, entity};
use integration_tests::inside::Document;
use integration_tests::world::Delivery;
use integration_tests::{Inside, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::properties::{FEEDS, delivery, world};

on_both_stores!(the_bulk_path_leaves_what_one_record_at_a_time_leaves);

/// (feed, source key, part).
type Place = (String, Token, String);

/// All live contributions, and nothing that could be computed from them.
#[derive(Default)]
struct Reference {
    contributions: BTreeMap<Place, Contribution>,
}

impl Reference {
    /// Takes a delivery that is the newest of its feed, record by record.
    fn take(&mut self, hub: &Inside, sent: &Delivery, receipt: &Receipt) {
        let feed = hub.hub().feed(sent.feed).unwrap();
        let as_of = receipt.as_of().unwrap().unwrap();
        let limits = &feed.spec.decode_limits;
        let mut decoder = adapters::open(&feed.spec.format, limits, Box::new(Cursor::new(sent.bytes.clone()))).unwrap();
        let (mut occurrences, mut present) = (HashMap::new(), Vec::new());
        while let Some(decoded) = decoder.next_row().unwrap() {
            let keyed = row::keyed(&hub.hub().keyring, &feed, decoded, &mut occurrences).unwrap();
            present.extend(keyed.key());
            if let Verdict::Changed(changed) = keyed.inspected(&feed, Some(&as_of), &[]).unwrap().verdict {
                self.say(sent.feed, &changed, as_of);
            }
        }
        if feed.spec.mode == hub::feed::spec::Mode::Snapshot {
            self.contributions.retain(|(of, key, _), _| of != sent.feed || present.contains(key));
        }
    }

    fn say(&mut self, feed: &str, row: &ChangedRow, as_of: AsOf) {
        let keys: Vec<Place> =
            self.contributions.keys().filter(|(of, key, _)| of == feed && *key == row.key).cloned().collect();
        let mut before: BTreeMap<Place, Contribution> =
            keys.into_iter().map(|key| (key.clone(), self.contributions.remove(&key).unwrap())).collect();
        if row.ends {
            return;
        }
        let changed = row.updated_at.unwrap_or(as_of.instant);
        for part in &row.parts {
            let place = (feed.to_owned(), row.key, part.name.clone());
            let earlier = before.remove(&place).filter(|_| row.updated_at.is_none());
            let moment = |name: &String, value: &serde_json::Value| match &earlier {
                Some(earlier) if earlier.attributes.get(name) == Some(value) => earlier.changed_at(name),
                _ => changed,
            };
            let changed_at = part.attributes.iter().map(|(name, value)| (name.clone(), moment(name, value))).collect();
            let said = Contribution {
                id: Token([0; 16]),
                feed: feed.to_owned(),
                part: part.name.clone(),
                entity: part.entity.clone(),
                as_of,
                attributes: part.attributes.clone(),
                changed: Some(changed),
                changed_at,
                issues: row.issues.clone(),
            };
            self.contributions.insert(place, said);
        }
    }

    /// What is live of each kind, by entity id.
    fn golden(&self, hub: &Inside) -> (BTreeMap<String, Document>, BTreeMap<String, Document>) {
        let hub = hub.hub();
        // Ties are broken by the id a contribution has in the store.
        let id =
            |(feed, key, part): &Place| hub.keyring.token("contribution", &[feed, &key.to_string(), part]).unwrap();
        let said: Vec<Contribution> =
            self.contributions.iter().map(|(place, said)| Contribution { id: id(place), ..said.clone() }).collect();
        let claims: Vec<Claims> =
            said.iter().map(|said| resolve::claims(&hub.resident, &hub.keyring, said).unwrap()).collect();
        let (mut people, mut households) = (BTreeMap::new(), BTreeMap::new());
        for (said, link) in said.iter().zip(links(hub, &said, &claims)) {
            let (key, by_key) = match link {
                Link::Key(key) => (key, true),
                Link::Alias(key) | Link::Decided(key) => (key, false),
                Link::None(_) => continue,
            };
            people.entry(key).or_insert_with(Vec::new).push((said, by_key));
        }
        for (said, claims) in said.iter().zip(&claims) {
            if let Some(household) = claims.household {
                households.entry(household).or_insert_with(Vec::new).push(said);
            }
        }
        let name = |kind: &str, token: &Token| entity_id(&hub.keyring, kind, *token).unwrap().to_string();
        let people = people.iter().filter(|(_, linked)| linked.iter().any(|(_, by_key)| *by_key));
        let people = people.map(|(key, linked)| {
            (name("resident", key), merge::resident(&hub.resident, &hub.keyring, linked).unwrap())
        });
        let households = households.iter().map(|(token, members)| {
            let golden = merge::household(&hub.household, &hub.keyring, &hub.resident, members).unwrap();
            (name("household", token), golden)
        });
        (people.collect(), households.collect())
    }
}

/// Where each contribution goes, from all of them.
fn links(hub: &hub::hub::Hub, said: &[Contribution], claims: &[Claims]) -> Vec<Link> {
    let under = |key: Token| {
        let places: Vec<usize> = (0..said.len()).filter(|place| claims[*place].key == Some(key)).collect();
        let together: Vec<&Contribution> = places.iter().map(|place| &said[*place]).collect();
        places.into_iter().zip(resolve::agreement(&hub.resident, &together)).collect::<HashMap<usize, Standing>>()
    };
    let standing = |place: usize| claims[place].key.map_or(Standing::Joined, |key| under(key)[&place]);
    let meaning = |alias: &Token| -> AliasMeaning {
        let teachers = (0..said.len()).filter(|place| claims[*place].aliases.contains(alias));
        resolve::alias(
            teachers.filter(|place| standing(*place) == Standing::Joined).filter_map(|place| claims[place].key),
        )
    };
    (0..said.len())
        .map(|place| {
            let meanings: Vec<AliasMeaning> = claims[place].aliases.iter().map(meaning).collect();
            resolve::link(&claims[place], standing(place), &meanings)
        })
        .collect()
}

/// The last change of each entity, as `/v1/changes` would tell it: `None` where it has ended.
fn last_changes(hub: &Inside) -> BTreeMap<String, Option<Document>> {
    let versions = hub.hub().db.read(|conn| entity::changes(conn, 0, i64::from(i32::MAX))).unwrap();
    let told = versions.iter().map(|version| {
        let live = (version.state == "live").then(|| codec::decode(&version.document).unwrap());
        (Token::from_slice(&version.entity).unwrap().to_string(), live)
    });
    told.collect()
}

fn the_bulk_path_leaves_what_one_record_at_a_time_leaves(store: Store) {
    let cases = if store == Store::Sqlite { 24 } else { 12 };
    let mut runner =
        TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 40, ..Config::default() });
    let outcome = runner.run(&(world(), 1..7_usize, any::<bool>()), |((feeds, order), chunk, restarts)| {
        let mut hub = Inside::with(store, |config| config.work.chunk = chunk);
        let (mut reference, mut next) = (Reference::default(), [0; FEEDS]);
        for feed in order {
            let sent = delivery(feed, next[feed], &feeds[feed][next[feed]]);
            next[feed] += 1;
            let receipt = hub.deliver(&sent);
            reference.take(&hub, &sent, &receipt);
            let (residents, households) = reference.golden(&hub);
            prop_assert_eq!(hub.golden("resident"), residents.clone());
            prop_assert_eq!(hub.golden("household"), households.clone());
            let mut live: BTreeMap<String, Document> = residents;
            live.extend(households);
            for (entity, told) in last_changes(&hub) {
                prop_assert_eq!(told, live.remove(&entity), "the last change of {}", entity);
            }
            prop_assert!(live.is_empty(), "entities nobody was told of: {:?}", live.keys());
            if restarts {
                // What a process remembers of an empty store is gone, and all is looked up.
                hub.restart(|_| {});
            }
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
