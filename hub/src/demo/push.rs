//! One department pushes one file over HTTP, as any department would, and follows the delivery to its end.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use serde_json::Value;

use super::stage::Stage;
use super::{Repeated, Shown};
use crate::city::CityDelivery;
use crate::cli::print;
use crate::error::{Error, Kind, Result};
use crate::store::{contribution, entity};

/// What the hub answered.
pub enum Pushed {
    /// A delivery of its own.
    First(Shown),
    /// It had come before.
    Again(Repeated),
}

/// Pushes and follows.
pub fn push(stage: &Stage, delivery: &CityDelivery, started: Instant) -> Result<Pushed> {
    let before = counts(stage)?;
    let (status, receipt) = send(stage, delivery)?;
    let id = receipt["id"].as_str().unwrap_or_default().to_owned();
    let decided = followed(stage, &id)?;
    if status == 200 {
        let after = counts(stage)?;
        return Ok(Pushed::Again(Repeated {
            feed: delivery.feed.to_owned(),
            day: delivery.day,
            first_delivery_answered: true,
            contributions: after.0 - before.0,
            entities: after.1 - before.1,
            changes: after.2 - before.2,
        }));
    }
    let count = |name: &str| decided[name].as_i64().unwrap_or(-1);
    Ok(Pushed::First(Shown {
        feed: delivery.feed.to_owned(),
        day: delivery.day,
        received: count("received"),
        applied: count("applied"),
        unchanged: count("unchanged"),
        stale: count("stale"),
        rejected: count("rejected"),
        issues: count("issues"),
        seconds: (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        state: decided["state"].as_str().unwrap_or_default().to_owned(),
        occasion: format!("{:?}", delivery.occasion).to_lowercase(),
    }))
}

/// Contributions, entities and the last `seq`.
fn counts(stage: &Stage) -> Result<(i64, i64, i64)> {
    stage.hub.db.read(|conn| {
        let entities = entity::count(conn, "resident", None)? + entity::count(conn, "household", None)?;
        Ok((contribution::total(conn)?, entities, entity::sequence(conn)?.1))
    })
}

/// The file is made while it is sent: neither side ever holds it whole.
fn send(stage: &Stage, delivery: &CityDelivery) -> Result<(u16, Value)> {
    let failed = |error: io::Error| Error::new(Kind::Internal, "making a file of the city").because(error);
    let (reader, mut writer) = io::pipe().map_err(failed)?;
    let made = delivery.clone();
    let maker = std::thread::spawn(move || {
        let mut buffered = io::BufWriter::with_capacity(64 << 10, &mut writer);
        made.write(&mut buffered)?;
        buffered.flush()
    });
    let bar = print::bar(delivery.total, &format!("day {} {}", delivery.day, delivery.feed));
    let mut body = Counted { inner: reader, bar: bar.clone(), bytes: 0 };
    let url = format!("{}/v1/feeds/{}/deliveries", stage.url, delivery.feed);
    let department = delivery.feed.split('/').next().unwrap_or_default();
    let mut request = stage
        .client
        .post(&url)
        .header("Authorization", &format!("Bearer {}", stage.department_token(department)))
        .header("Content-Type", delivery.content_type);
    for (name, value) in delivery.headers() {
        request = request.header(name, &value);
    }
    let answer = request.send(ureq::SendBody::from_reader(&mut body));
    bar.finish_and_clear();
    let mut answer =
        answer.map_err(|error| Error::new(Kind::Unavailable, "pushing to the demo's hub").because(error))?;
    drop(body);
    maker.join().map_err(|_| Error::new(Kind::Internal, "the maker of a file panicked"))?.map_err(failed)?;
    let status = answer.status().as_u16();
    let text = answer
        .body_mut()
        .read_to_string()
        .map_err(|error| Error::new(Kind::Unavailable, "the receipt").because(error))?;
    if status >= 300 {
        return Err(Error::new(Kind::Internal, format!("{}: the hub answered {status}: {text}", delivery.feed)));
    }
    let receipt =
        serde_json::from_str(&text).map_err(|error| Error::new(Kind::Internal, "the receipt").because(error))?;
    Ok((status, receipt))
}

fn followed(stage: &Stage, id: &str) -> Result<Value> {
    loop {
        let found = stage.get(&format!("/v1/deliveries/{id}"))?;
        if matches!(found["state"].as_str(), Some("applied" | "held" | "refused")) {
            return Ok(found);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

struct Counted<R> {
    inner: R,
    bar: ProgressBar,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes += count as u64;
        // Rows are not visible here; a row of the city has some 300 bytes.
        self.bar.set_position((self.bytes / 300).min(self.bar.length().unwrap_or(0)));
        Ok(count)
    }
}
