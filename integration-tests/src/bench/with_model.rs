//! The first load of a store that places by likeness, beside that of one that does not: what the keys of likeness cost
//! records whose numbers are good.

use std::fs;
use std::path::PathBuf;

use hub::config::Config;
use hub::hub::Hub;
use hub::matching::Frozen;
use hub::pipeline::tune;
use hub::store::matching;
use integration_tests::Postgres;

use super::city::{self, INSURED};
use super::figure::{Bound, Figure, Target};
use super::install::Install;
use super::options::Plan;
use super::{Result, say};

const PG: Target = Target { key: "load_with_model_pg", unit: "s", bound: Bound::RatioAtMost(1.3) };
const SQLITE: Target = Target { key: "load_with_model_sqlite", unit: "s", bound: Bound::RatioAtMost(1.3) };

/// What this file measures.
pub const TARGETS: [Target; 2] = [PG, SQLITE];

/// Residents a model is learned from.
const LEARNED_FROM: u64 = 5_000;

/// Measures the group.
pub fn measure(plan: &Plan) -> Result<Vec<Figure>> {
    let model = learned(plan)?;
    let mut figures = Vec::new();
    if plan.wants(PG.key) {
        let (plain, with) = (Postgres::shared().database(), Postgres::shared().database());
        for database in [&plain, &with] {
            install(plan, "pg-bare", &database.url)?.migrate()?;
        }
        activate(plan, &with.url, &model)?;
        figures.push(by_turns(plan, PG, |is_with| {
            let store = Postgres::shared().database_like(if is_with { &with } else { &plain });
            store.sql("CHECKPOINT");
            let hub = install(plan, "pg-run", &store.url)?;
            let taken = hub.ingest(&plan.night()?.insured)?;
            hub.remove()?;
            Ok(taken.seconds)
        })?);
    }
    if plan.wants(SQLITE.key) {
        let url = |name: &str| format!("sqlite://{}", file(plan, name).display());
        for name in ["plain", "with"] {
            install(plan, name, &url(name))?.migrate()?;
        }
        activate(plan, &url("with"), &model)?;
        figures.push(by_turns(plan, SQLITE, |is_with| {
            let hub = install(plan, "run", &url("run"))?;
            fs::copy(file(plan, if is_with { "with" } else { "plain" }), file(plan, "run"))?;
            let taken = hub.ingest(&plan.night()?.insured)?;
            hub.remove()?;
            Ok(taken.seconds)
        })?);
    }
    Ok(figures)
}

fn by_turns(plan: &Plan, target: Target, load: impl Fn(bool) -> Result<f64>) -> Result<Figure> {
    let (mut values, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..plan.runs {
        for (is_with, seen) in [(false, &mut limits), (true, &mut values)] {
            let seconds = load(is_with)?;
            plan.say(&format!("{}, with a model {is_with}: {seconds:.2} s", target.key));
            seen.push(seconds);
        }
    }
    let note = format!("{} records; the limit is the same load without a model", plan.night()?.insured.rows);
    Ok(Figure::of_pairs(target, &values, &limits, note))
}

/// A model of a small city.
fn learned(plan: &Plan) -> Result<Frozen> {
    let sent = city::first_day(LEARNED_FROM.min(plan.residents), &[INSURED], &plan.folder().join("learned"))?;
    let url = format!("sqlite://{}", file(plan, "learned").display());
    let small = install(plan, "learned", &url)?;
    small.migrate()?;
    for sent in &sent {
        small.ingest(sent)?;
    }
    let hub = opened(plan, &url)?;
    let tuned = tune::tune(&hub, "bench", true, &|_| ())?;
    say(&format!("a model learned from {} records", tuned.learned_from));
    let frozen = hub.db.read(|conn| matching::frozen(conn, tuned.version))?;
    hub.give_back()?;
    Ok(frozen)
}

/// Makes a model the active one of an empty store.
fn activate(plan: &Plan, url: &str, model: &Frozen) -> Result<()> {
    let hub = opened(plan, url)?;
    let lease = hub.writer()?;
    hub.db.apply(&lease, hub.now(), |change| {
        let version = matching::begin_model(change.conn, model, "bench", change.now)?;
        matching::activate(change.conn, version)
    })?;
    Ok(hub.give_back()?)
}

fn opened(plan: &Plan, url: &str) -> Result<Hub> {
    let mut config = Config::in_folder(plan.folder());
    url.clone_into(&mut config.database.url);
    config.secret.file = plan.secret();
    Ok(Hub::open(config)?)
}

fn install(plan: &Plan, name: &str, url: &str) -> Result<Install> {
    Install::new(plan.folder().join(format!("model-{name}")), url, &plan.secret(), "")
}

fn file(plan: &Plan, name: &str) -> PathBuf {
    plan.folder().join(format!("model-{name}")).join("hub.db")
}
