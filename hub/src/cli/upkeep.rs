//! `hub migrate`, `backup`, `restored` and `copy-store`: what keeps a store, beside the hub that works on it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{Common, print};
use crate::config::DatabaseConfig;
use crate::error::{Error, Kind, Result};
use crate::keyring::Keyring;
use crate::store::{Db, transfer};
use crate::{hub, instance, restore};

/// How to migrate.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Say what is pending and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Also take away what hubs of the release before still used; none of them may be at work
    #[arg(long)]
    contract: bool,
}

/// Where to copy the store to.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// A file that is not there yet
    file: PathBuf,
}

/// From where to where.
#[derive(Debug, Args)]
pub struct CopyArgs {
    /// `sqlite://PATH`; the configured store without it
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// `postgres://...`, a database without rows
    #[arg(long, value_name = "URL", required_unless_present = "unseal")]
    to: Option<String>,
    /// Copy nothing; open a sealed store again. What the copy has taken in since then is not there
    #[arg(long, conflicts_with = "to")]
    unseal: bool,
}

/// Applies what the store lacks, or lists it.
pub fn migrate(args: &MigrateArgs, common: &Common) -> Result<ExitCode> {
    let db = Db::open(&common.load()?.database, &instance::name()?)?;
    let applied = if args.dry_run { Vec::new() } else { db.migrate(args.contract)? };
    let pending = db.pending()?;
    if common.json {
        print::json(&json!({ "applied": applied, "pending": pending }))?;
        return Ok(ExitCode::SUCCESS);
    }
    applied.iter().for_each(|one| print::line(&format!("applied {}", one.name)));
    for one in &pending {
        let when = if one.contracts { " (hub migrate --contract, once no older hub is at work)" } else { "" };
        print::line(&format!("pending {}{when}", one.name));
    }
    if applied.is_empty() && pending.is_empty() {
        print::line("the store is up to date");
    }
    Ok(ExitCode::SUCCESS)
}

/// Copies the embedded store to a file.
pub fn backup(args: &BackupArgs, common: &Common) -> Result<ExitCode> {
    let db = Db::open(&common.load()?.database, &instance::name()?)?;
    db.backup(&args.file)?;
    if common.json {
        print::json(&json!({ "file": args.file }))?;
    } else {
        print::line(&format!(
            "{} holds the store; copy the landing folder after it, and keep the secret",
            args.file.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Begins a new epoch in a restored store.
pub fn restored(common: &Common) -> Result<ExitCode> {
    let found = restore::restored(&common.load()?)?;
    if common.json {
        print::json(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    print::line(&format!("epoch {}, last seq {}", found.epoch, found.last_seq));
    for name in &found.without_delivery {
        print::line(&format!("landed after the moment that was restored: {name}"));
    }
    for id in &found.without_bytes {
        print::line(&format!("its bytes are gone, refuse it and ask for it again: {id}"));
    }
    print::line("start the hub; consumers begin again from /v1/residents, relays after `hub relay reset AGREEMENT`");
    Ok(ExitCode::SUCCESS)
}

/// Copies an embedded store to PostgreSQL, or opens a sealed one again.
pub fn copy_store(args: &CopyArgs, common: &Common) -> Result<ExitCode> {
    let config = common.load()?;
    let at = |url: &str| DatabaseConfig { url: url.to_owned(), ..DatabaseConfig::default() };
    let from = args.from.as_deref().map_or_else(|| config.database.clone(), at);
    if let Some(path) = from.url.strip_prefix("sqlite://").filter(|path| !std::path::Path::new(path).exists()) {
        return Err(
            Error::new(Kind::Invalid, format!("there is no store {path}")).coded("copy-source", "源数据库不存在。")
        );
    }
    let me = instance::name()?;
    let from = Db::open(&from, &me)?;
    let Some(to) = &args.to else {
        from.unseal()?;
        print::line("the store is open again");
        return Ok(ExitCode::SUCCESS);
    };
    let keyring = Keyring::open(&config.secret.file)?;
    let now = hub::system_time();
    from.left_alone(&me, keyring.id(), now)?;
    let to = Db::open(&at(to), &me)?;
    to.prepare()?;
    // Each row is read, and read back.
    let bar = print::bar(2 * transfer::rows(&from)?, "copy-store");
    let copied = transfer::transfer(&from, &to, now, &|count| bar.inc(count))?;
    bar.finish_and_clear();
    if common.json {
        print::json(&copied)?;
    } else {
        let row = |table: &transfer::Table| vec![table.table.clone(), table.rows.to_string(), table.digest.clone()];
        print::table(&["table", "rows", "digest"], &copied.tables.iter().map(row).collect::<Vec<_>>());
        print::line(&format!(
            "epoch {}; now set database.url to the copy, everything else in hub.toml stays",
            copied.epoch
        ));
    }
    Ok(ExitCode::SUCCESS)
}
