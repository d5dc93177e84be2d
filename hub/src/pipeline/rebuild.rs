//! Rebuild: everything that is a function of the contributions made anew from them, under the merge rules of now. Entity ids
//! stay; an entity whose document comes out the same gets no version.

use serde::Serialize;

use super::apply::rules;
use super::golden::{self, Touched};
use crate::error::Result;
use crate::hub::Hub;
use crate::keyring::Token;
use crate::resolve;
use crate::store::{contribution, entity, writer};

const PAGE: i64 = 500;

/// What a rebuild came to.
#[derive(Debug, Default, Serialize)]
pub struct Rebuilt {
    /// Live contributions read.
    pub contributions: u64,
    /// Versions appended.
    pub versions: u64,
}

/// Rebuilds in pages, each its own transaction; readers see each entity either before or after.
pub fn rebuild(hub: &Hub, progress: &dyn Fn(u64)) -> Result<Rebuilt> {
    let lease = hub.writer()?;
    let mut rebuilt = Rebuilt::default();
    let mut after = Vec::new();
    loop {
        let (next, count, versions) = hub.db.apply(&lease, hub.now(), |change| {
            let page = contribution::page(change.conn, &after, PAGE)?;
            let mut touched = Touched::default();
            let mut anew = Vec::new();
            for row in &page {
                let claims = resolve::claims(&hub.resident, &hub.keyring, &row.contribution()?)?;
                let mut fresh = row.clone();
                fresh.key_token = claims.key.map(Token::to_vec);
                fresh.household = claims.household.map(Token::to_vec);
                if let Some(keyless) = claims.keyless.filter(|_| claims.aliases.is_empty()) {
                    fresh.link = keyless.to_owned();
                    fresh.entity = None;
                }
                touched.add(row, &row.document()?.aliases);
                touched.add(&fresh, &claims.aliases);
                anew.push((fresh, claims.aliases));
            }
            contribution::put(change.conn, &anew)?;
            let versions = golden::settle(&rules(hub), change, touched, "rebuild")?;
            Ok((page.last().map(|row| row.id.clone()), page.len() as u64, versions))
        })?;
        rebuilt.contributions += count;
        rebuilt.versions += versions;
        progress(count);
        match next {
            Some(last) => after = last,
            None => break,
        }
    }
    rebuilt.versions += entities_without_contributions(hub)?;
    let rules = format!("{}+{}", hub.resident.version(), hub.household.version());
    hub.db.apply(&lease, hub.now(), |change| writer::made_with(change.conn, &rules))?;
    Ok(rebuilt)
}

fn entities_without_contributions(hub: &Hub) -> Result<u64> {
    let lease = hub.writer()?;
    let (mut after, mut versions) = (Vec::new(), 0);
    loop {
        let (next, appended) = hub.db.apply(&lease, hub.now(), |change| {
            let page = entity::all_after(change.conn, &after, PAGE)?;
            let mut touched = Touched::default();
            for (row, _) in &page {
                touched.add_entity(row);
            }
            let appended = golden::settle(&rules(hub), change, touched, "rebuild")?;
            Ok((page.last().map(|(row, _)| row.id.clone()), appended))
        })?;
        versions += appended;
        match next {
            Some(last) => after = last,
            None => return Ok(versions),
        }
    }
}
