//! Which records that nothing else places a transaction may move, and what becomes of them.

use std::collections::BTreeSet;

use super::golden::Rules;
use super::groups::{Grouped, Pool, Turnover};
use super::links::{self, Decisions, Touched};
use super::reading::Reading;
use super::shift::Keyed;
use super::standings::Standings;
use super::working::{Held, Working};
use crate::entity::RESIDENT;
use crate::error::Result;
use crate::keyring::Token;
use crate::matching::{Matcher, cells};
use crate::resolve::{self, Placing};
use crate::store::Conn;

/// Which records are asked about besides those that have come into the pool or left it.
pub struct Asked<'a> {
    /// How the number of loose records under each tag changes.
    pub turnover: Turnover,
    /// What is found otherwise than it is stored.
    pub keyed: &'a Keyed,
    /// Those for whom people known by their numbers say another thing than before.
    pub others: BTreeSet<usize>,
    /// Those whose place is asked for by itself.
    pub again: &'a BTreeSet<Token>,
}

/// Whether a contribution is one that nothing places but others like it.
pub fn is_pooled(held: &Held) -> bool {
    held.row.is_live() && is_pooled_by(&held.row.link)
}

fn is_pooled_by(link: &str) -> bool {
    matches!(resolve::placing(link), Some(Placing::Waits | Placing::Group))
}

/// Groups again those records in the pool that the transaction may move.
pub fn regroup(
    (rules, active): (&Rules, &Matcher),
    conn: &mut Conn,
    (working, touched, decisions): (&mut Working, &mut Touched, &mut Decisions),
    Asked { turnover, keyed, mut others, again }: Asked<'_>,
    standings: &mut Standings,
) -> Result<()> {
    let mut pool = Pool::new((rules, active), working, (turnover, keyed), &is_pooled)?;
    let moves = Moves::of((rules, active), working, again)?;
    for (id, reading) in &moves.left {
        others.extend(pool.like(conn, working, (Some(*id), reading))?.into_iter().map(|(place, _)| place));
    }
    others.extend(moves.taken_out);
    others.extend(pool.crossing(conn, working)?);
    others.retain(|place| is_pooled(working.at(*place)));
    let grouped = pool.regrouped(conn, (working, decisions), (&moves.come, others))?;
    standings.more(conn, working, grouped.keys())?;
    for (place, Grouped { resident, like }) in grouped {
        let placing = if resident.is_some() { Placing::Group } else { Placing::Waits };
        let (entity, token) = resident.unzip();
        links::relink_loose(working, place, (placing, entity, token), touched)?;
        standings.by_records(working, place, resident.is_some(), like)?;
    }
    Ok(())
}

/// Who comes into the pool and who leaves it; whoever says another thing than before does both.
#[derive(Default)]
struct Moves {
    come: BTreeSet<usize>,
    left: Vec<(Token, Reading)>,
    /// Written again, the same as before, and taken out of their groups by that.
    taken_out: BTreeSet<usize>,
}

impl Moves {
    fn of((rules, active): (&Rules, &Matcher), working: &Working, again: &BTreeSet<Token>) -> Result<Self> {
        let mut moves = Self::default();
        for place in working.places().filter(|place| working.at(*place).row.kind == RESIDENT) {
            let held = working.at(place);
            let was_in = held.was.as_ref().is_some_and(|(link, _)| is_pooled_by(link));
            let is_in = is_pooled(held);
            if !was_in && !is_in {
                continue;
            }
            let said = cells(working.said(place)?);
            let before = working.before(place)?.map_or_else(|| said.clone(), |before| cells(&before));
            if is_in && (!was_in || before != said || again.contains(&held.row.token()?)) {
                moves.come.insert(place);
            } else if is_in && held.was.as_ref().is_some_and(|(_, entity)| *entity != held.row.entity) {
                moves.taken_out.insert(place);
            }
            if was_in && (!is_in || before != said) {
                moves.left.push((held.row.token()?, Reading::of_cells(rules.keyring, active, &before)?));
            }
        }
        Ok(moves)
    }
}
