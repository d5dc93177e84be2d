//! Marriages: a person's registry events, folded per spouse by registration date, operation and certificate, to the
//! list `marriages` and to the civil-affairs claim on `marital`.
//!
//! The registry's status column is the status *before* and is never read. A death is no event here: who is widowed is
//! what other departments say, below the registry.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::reference::Named;
use super::{Claim, Decision, Linked, rules};
use crate::contribution::Contribution;
use crate::entity::{EntitySchema, Merge, Rule};
use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::resolve::same_form;

/// The attribute that the fold claims.
pub(super) const MARITAL: &str = "marital";
/// The attribute that the fold makes.
const MARRIAGES: &str = "marriages";

/// GB/T 2261.2: married, first marriage, remarried, remarried to the former spouse, divorced.
const MARRIED: &str = "20";
const FIRST_MARRIAGE: &str = "21";
const REFINES_MARRIED: [&str; 3] = [FIRST_MARRIAGE, "22", "23"];
const DIVORCED: &str = "40";

/// One registration as one contribution tells it.
#[derive(Debug)]
struct Event<'a> {
    from: &'a Contribution,
    changed_at: i64,
    registered_on: String,
    operation: String,
    certificate: String,
    spouse: Named,
}

impl Event<'_> {
    /// What makes it the same event wherever it is told; without a certificate number all that is known of it.
    fn identity(&self) -> (String, String, Option<(String, String)>) {
        let spouse = || self.spouse.shown().unwrap_or_default().to_string();
        let known = self.certificate.is_empty().then(|| (self.registered_on.clone(), spouse()));
        (self.certificate.clone(), self.operation.clone(), known)
    }

    /// Its place among all events of a person.
    fn order(&self) -> (&str, &str, &str) {
        (&self.registered_on, &self.operation, &self.certificate)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Married,
    Divorced,
    Annulled,
}

/// One marriage of a couple.
#[derive(Debug)]
struct Marriage<'a, 'e> {
    state: State,
    since: Option<&'e str>,
    until: Option<&'e str>,
    certificate: &'e str,
    /// The event that made the state.
    decided_by: &'e Event<'a>,
}

/// What the events of one person come to.
#[derive(Debug, Default)]
pub(super) struct Fold<'a> {
    marriages: Vec<Claim<'a>>,
    standing: Option<Claim<'a>>,
    /// Whether more than one marriage of this person is known, so that none of them is the first for sure.
    several: bool,
}

/// Folds the marriage events of a person's contributions.
pub(super) fn fold<'a>(schema: &EntitySchema, keyring: &Keyring, linked: &[Linked<'a>]) -> Result<Fold<'a>> {
    let input = schema
        .attributes()
        .find(|attribute| matches!(&attribute.merge, Some(merge) if merge.rule == Rule::MarriageFold));
    let Some(input) = input else { return Ok(Fold::default()) };
    let events = events(&input.name, keyring, linked)?;
    let mut marriages: Vec<(Value, Marriage)> = Vec::new();
    for (couple, events) in by_couple(&events) {
        let spouse = shown_spouse(couple, &events);
        marriages.extend(marriages_of(&events).into_iter().map(|marriage| (spouse.clone(), marriage)));
    }
    marriages.sort_by_cached_key(|(spouse, marriage)| {
        (marriage.since.or(marriage.until).map(str::to_owned), spouse.to_string(), marriage.certificate.to_owned())
    });
    let valid = || marriages.iter().map(|(_, marriage)| marriage).filter(|marriage| marriage.state != State::Annulled);
    let standing = valid().max_by_key(|marriage| marriage.decided_by.order()).map(|marriage| {
        let code = if marriage.state == State::Married { MARRIED } else { DIVORCED };
        claim(marriage, Value::String(code.to_owned()))
    });
    let several = valid().count() > 1;
    let marriages = marriages.iter().map(|(spouse, marriage)| claim(marriage, shown(spouse, marriage))).collect();
    Ok(Fold { marriages, standing, several })
}

impl<'a> Fold<'a> {
    /// The list `marriages`: annulled ones stay in it, as annulled.
    pub(super) fn decision(&self) -> Decision<'a> {
        let claims = self.marriages.iter().map(|claim| Claim { wins: true, ..claim.clone() }).collect();
        Decision { attribute: MARRIAGES.to_owned(), list: true, claims }
    }

    /// Decides `marital` among the claims of departments and the fold's own.
    ///
    /// Where the fold wins with "married" and a department says which kind of marriage, that is shown: it refines and
    /// does not contradict. A first marriage is no refinement where the registry knows more than one.
    pub(super) fn marital(&self, merge: &Merge, mut claims: Vec<Claim<'a>>) -> Decision<'a> {
        claims.extend(self.standing.clone());
        rules::rank(merge, &mut claims);
        let own = |claim: &Claim| {
            self.standing.as_ref().is_some_and(|own| own.from.id == claim.from.id && own.value == claim.value)
        };
        if claims.first().is_some_and(|best| own(best) && *best.value == MARRIED) {
            let refines = |claim: &Claim| {
                let code = claim.value.as_str().unwrap_or_default();
                REFINES_MARRIED.contains(&code) && !(self.several && code == FIRST_MARRIAGE)
            };
            if let Some(place) = claims.iter().position(refines) {
                claims[..=place].rotate_right(1);
            }
        }
        if let Some(best) = claims.first_mut() {
            best.wins = true;
        }
        Decision { attribute: MARITAL.to_owned(), list: false, claims }
    }
}

/// All events in order, each once: told twice (same certificate and operation), the source that changed last counts.
fn events<'a>(attribute: &str, keyring: &Keyring, linked: &[Linked<'a>]) -> Result<Vec<Event<'a>>> {
    let mut events = Vec::new();
    for (from, _) in linked {
        let told = from.attributes.get(attribute).and_then(Value::as_array);
        for event in told.into_iter().flatten() {
            events.push(event_of(keyring, from, from.changed_at(attribute), event)?);
        }
    }
    events.sort_by_cached_key(|event| {
        (event.identity(), Reverse(event.changed_at), event.from.feed.clone(), event.from.id)
    });
    events.dedup_by(|later, kept| later.identity() == kept.identity());
    events.sort_by(|a, b| a.order().cmp(&b.order()));
    Ok(events)
}

fn event_of<'a>(keyring: &Keyring, from: &'a Contribution, changed_at: i64, event: &Value) -> Result<Event<'a>> {
    let text = |field: &str| event.get(field).and_then(Value::as_str).map(str::trim).unwrap_or_default().to_owned();
    Ok(Event {
        from,
        changed_at,
        registered_on: text("registered_on"),
        operation: text("operation"),
        certificate: text("certificate_no"),
        spouse: Named::read(keyring, event.get("spouse").unwrap_or(&Value::Null))?,
    })
}

/// Whom a couple's events name: a key, or the form of a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Couple {
    Key(Token),
    Name(String),
}

/// Events per spouse. An event that names the spouse without a good number belongs to the one keyed spouse of that
/// name, if there is exactly one: a divorce row with a mistyped number still ends the marriage.
fn by_couple<'a, 'e>(events: &'e [Event<'a>]) -> BTreeMap<Couple, Vec<&'e Event<'a>>> {
    let form = |event: &Event| event.spouse.name.as_deref().map(same_form).unwrap_or_default();
    let mut keys: BTreeMap<String, BTreeSet<Token>> = BTreeMap::new();
    for event in events {
        keys.entry(form(event)).or_default().extend(event.spouse.key);
    }
    let mut couples: BTreeMap<Couple, Vec<&Event>> = BTreeMap::new();
    for event in events {
        let name = form(event);
        let only = keys.get(&name).filter(|keys| keys.len() == 1 && !name.is_empty()).and_then(BTreeSet::first);
        let couple = event.spouse.key.or(only.copied()).map_or(Couple::Name(name), Couple::Key);
        couples.entry(couple).or_default().push(event);
    }
    couples
}

/// The marriages of one couple, from its events in order.
fn marriages_of<'a, 'e>(events: &[&'e Event<'a>]) -> Vec<Marriage<'a, 'e>> {
    let mut marriages: Vec<Marriage> = Vec::new();
    for event in events {
        let current = marriages.iter_mut().rev().find(|marriage| marriage.state != State::Annulled);
        let open = current.as_ref().is_some_and(|marriage| marriage.state == State::Married);
        match (event.operation.as_str(), current) {
            ("IA", Some(marriage)) if open => marriage.restate(event),
            ("IB", Some(marriage)) if open => marriage.close(State::Divorced, event),
            ("IB", Some(marriage)) => marriage.restate(event),
            ("IA", _) => marriages.push(Marriage::known_by(State::Married, event)),
            ("IB", None) => marriages.push(Marriage::known_by(State::Divorced, event)),
            ("ID", _) => annul(&mut marriages, event),
            ("IC", Some(marriage)) => marriage.certificate = &event.certificate,
            ("ICA", Some(marriage)) if open => marriage.certificate = &event.certificate,
            ("ICB", Some(marriage)) if !open => marriage.certificate = &event.certificate,
            _ => {}
        }
    }
    marriages
}

/// Undoes the couple's last marriage: it counts as if it had not been, and what was before it holds again. Annulled
/// already, a second annulment only restates it and never reaches the marriage before.
fn annul<'a, 'e>(marriages: &mut Vec<Marriage<'a, 'e>>, event: &'e Event<'a>) {
    match marriages.last_mut() {
        Some(marriage) if marriage.state == State::Annulled => {}
        Some(marriage) => marriage.close(State::Annulled, event),
        None => marriages.push(Marriage::known_by(State::Annulled, event)),
    }
}

impl<'a, 'e> Marriage<'a, 'e> {
    /// A marriage first heard of by `event`; if that ends it, nobody knows since when it was.
    fn known_by(state: State, event: &'e Event<'a>) -> Self {
        let date = Some(event.registered_on.as_str()).filter(|date| !date.is_empty());
        let (since, until) = if state == State::Married { (date, None) } else { (None, date) };
        Self { state, since, until, certificate: &event.certificate, decided_by: event }
    }

    fn close(&mut self, state: State, event: &'e Event<'a>) {
        self.state = state;
        self.until = Some(event.registered_on.as_str()).filter(|date| !date.is_empty());
        self.restate(event);
    }

    /// Registered again: the newer certificate is shown, the state stays as it is.
    fn restate(&mut self, event: &'e Event<'a>) {
        self.certificate = &event.certificate;
        self.decided_by = event;
    }
}

fn claim<'a>(marriage: &Marriage<'a, '_>, value: Value) -> Claim<'a> {
    let decided_by = marriage.decided_by;
    Claim { from: decided_by.from, value: Cow::Owned(value), changed_at: decided_by.changed_at, wins: false }
}

/// The couple's key, and the spouse's name as the latest event tells it.
fn shown_spouse(couple: Couple, events: &[&Event]) -> Value {
    let key = match couple {
        Couple::Key(key) => Some(key),
        Couple::Name(_) => None,
    };
    let name = events.iter().rev().find_map(|event| event.spouse.name.clone());
    Named { key, name }.shown().unwrap_or_else(|| Value::Object(Map::new()))
}

fn shown(spouse: &Value, marriage: &Marriage) -> Value {
    let state = match marriage.state {
        State::Married => "married",
        State::Divorced => "divorced",
        State::Annulled => "annulled",
    };
    let text = |name: &str, text: &str| (name.to_owned(), Value::String(text.to_owned()));
    let mut fields = Map::new();
    fields.insert("spouse".to_owned(), spouse.clone());
    fields.extend([text("state", state)]);
    fields.extend(marriage.since.map(|date| text("since", date)));
    fields.extend(marriage.until.map(|date| text("until", date)));
    fields.extend(
        Some(marriage.certificate).filter(|number| !number.is_empty()).map(|number| text("certificate_no", number)),
    );
    Value::Object(fields)
}
