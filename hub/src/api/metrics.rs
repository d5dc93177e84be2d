//! `/metrics` in the text form of Prometheus: counts of the store, and this process's requests. No label names a person
//! or an entity.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::{HttpResponse, web};

use super::auth::Caller;
use super::extract::blocking;
use super::problem::Answer;
use crate::arrival::Punctuality;
use crate::hub::Hub;
use crate::status::{self, Status};

/// Requests this process has answered, by method, route and status.
#[derive(Debug, Default)]
pub struct Requests {
    counts: Mutex<BTreeMap<Answered, (u64, Duration)>>,
}

/// Method, route and status.
type Answered = (String, String, u16);

impl Requests {
    /// Counts an answered request. `route` is the pattern, never the path.
    pub fn count(&self, method: &str, route: &str, status: u16, took: Duration) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = counts.entry((method.to_owned(), route.to_owned(), status)).or_default();
        entry.0 += 1;
        entry.1 += took;
    }
}

/// Metrics for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "status", responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn metrics(hub: web::Data<Hub>, requests: web::Data<Requests>, caller: Caller) -> Answer<HttpResponse> {
    caller.administrator()?;
    let status = blocking(&hub, status::status).await?;
    let text = [store(&status), answered(&requests)].concat();
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text))
}

/// One metric in the text form.
struct Metric<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl<'a> Metric<'a> {
    fn new(text: &'a mut String, name: &'static str, kind: &str, help: &str) -> Self {
        // Writing to a string cannot fail.
        let _whole = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Self { text, name }
    }

    fn value(&mut self, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _whole = writeln!(self.text, "{}{labels} {value}", self.name);
    }
}

fn store(status: &Status) -> String {
    let mut text = String::new();
    let mut entities = Metric::new(&mut text, "hub_entities", "gauge", "Live entities by kind.");
    entities.value(&[("kind", "resident")], status.dataset.residents);
    entities.value(&[("kind", "household")], status.dataset.households);
    Metric::new(&mut text, "hub_communities", "gauge", "Communities with a resident.")
        .value(&[], status.dataset.communities);
    Metric::new(&mut text, "hub_unresolved", "gauge", "Source records that belong to nobody yet.")
        .value(&[], status.dataset.unresolved);
    Metric::new(&mut text, "hub_last_seq", "counter", "The last seq.").value(&[], status.last_seq);
    Metric::new(&mut text, "hub_writer", "gauge", "Whether this process may change the dataset.")
        .value(&[], u8::from(status.writer.here));
    by(&mut text, ("hub_deliveries", "Deliveries by state."), "state", &status.deliveries);
    by(&mut text, ("hub_jobs", "Jobs by state."), "state", &status.jobs);
    by(&mut text, ("hub_open_rejections", "Open rejections by feed."), "feed", &status.open_rejections);
    let mut late = Metric::new(&mut text, "hub_feed_late", "gauge", "Feeds that are late (1) or missing (2).");
    for feed in &status.feeds {
        let late_by = match feed.punctuality {
            Punctuality::Missing => 2,
            Punctuality::Late => 1,
            _ => 0,
        };
        late.value(&[("feed", &feed.feed)], late_by);
    }
    let mut seq = Metric::new(&mut text, "hub_relay_seq", "gauge", "The last seq that has left by Kafka.");
    status.relays.iter().for_each(|relay| seq.value(&[("agreement", &relay.agreement)], relay.seq));
    let mut state = Metric::new(&mut text, "hub_relay_state", "gauge", "1 for the state the relay is in.");
    status.relays.iter().for_each(|relay| state.value(&[("agreement", &relay.agreement), ("state", &relay.state)], 1));
    text
}

fn by(text: &mut String, (name, help): (&'static str, &str), label: &str, counts: &BTreeMap<String, i64>) {
    let mut metric = Metric::new(text, name, "gauge", help);
    counts.iter().for_each(|(value, count)| metric.value(&[(label, value)], count));
}

fn answered(requests: &Requests) -> String {
    let counts = requests.counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut text = String::new();
    let mut total =
        Metric::new(&mut text, "hub_http_requests_total", "counter", "Requests by method, route and status.");
    for ((method, route, status), (count, _)) in &counts {
        total.value(&[("method", method), ("route", route), ("status", &status.to_string())], count);
    }
    let mut seconds = Metric::new(&mut text, "hub_http_request_seconds_total", "counter", "Seconds spent on them.");
    for ((method, route, status), (_, took)) in &counts {
        let took = took.as_secs_f64();
        seconds.value(&[("method", method), ("route", route), ("status", &status.to_string())], took);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_break_out_of_its_quotes() {
        let requests = Requests::default();
        requests.count("GET", "a\"b\\c\nd", 200, Duration::from_millis(1_500));
        let text = answered(&requests);
        let line = r#"hub_http_requests_total{method="GET",route="a\"b\\c\nd",status="200"} 1"#;
        assert!(text.lines().any(|found| found == line), "{text}");
        assert!(text.contains("} 1.5\n"), "{text}");
    }
}
