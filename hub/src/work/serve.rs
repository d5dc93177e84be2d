//! `hub serve`: everything at once, until it is asked to stop.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::{Workers, schedule};
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::store::writer::EPOCH_OVER;

const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(200);
/// SIGXFSZ: a file at the limit of `ulimit -f` must be an error of that write and not the end of the hub.
const FILE_TOO_LARGE: i32 = 25;

/// Runs workers, schedule, relay and API until SIGTERM, SIGINT or the API's end.
pub async fn serve(hub: Arc<Hub>) -> Result<()> {
    let failed = |error: std::io::Error| Error::new(Kind::Internal, "listening for signals").because(error);
    let _ignored = signal(SignalKind::from_raw(FILE_TOO_LARGE)).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let workers = Workers::start(&hub)?;
    let mut scheduler = schedule::start(&hub).await?;
    let relay = crate::relay::start(&hub)?;
    let ended = tokio::select! {
        result = crate::api::serve(hub.clone()) => result,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        () = outdated(&hub) => Err(Error::new(Kind::Unavailable, "the store was restored and has a new epoch; start this hub again")
            .coded(EPOCH_OVER, "数据库已恢复并进入新时期，请重新启动本节点。")),
    };
    tracing::info!("stopping");
    if let Err(error) = scheduler.shutdown().await {
        tracing::warn!(error = %error, "the schedule did not stop");
    }
    relay.stop(PATIENCE);
    workers.stop(PATIENCE);
    hub.give_back()?;
    ended
}

/// Waits until the store is another than the one this hub has opened: its cursors would be of an epoch that is over.
async fn outdated(hub: &Hub) {
    while !hub.is_outdated() {
        tokio::time::sleep(LOOK).await;
    }
}
