//! A small HTTP client for the cases: every answer is returned, whatever its status.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Request, Response};
use ureq::{Agent, AsSendBody, Body, SendBody};

use super::Answer;
use crate::world::Delivery;

/// A client with one token or none.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    token: Option<String>,
    agent: Agent,
}

impl Client {
    pub(super) fn new(port: u16, token: Option<String>) -> Self {
        // A connection each: the next request must not find the connection of a hub that was killed.
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_global(Some(Duration::from_secs(300)))
            .build()
            .new_agent();
        Self { base: format!("http://127.0.0.1:{port}"), token, agent }
    }

    /// Where the hub listens, for what this client cannot do (a raw socket, curl).
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The token, for the same.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// GET.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], SendBody::none()).unwrap_or_else(|e| panic!("GET {path}: {e}"))
    }

    /// GET of another form of the answer.
    #[track_caller]
    pub fn get_as(&self, path: &str, accept: &str) -> Answer {
        self.send("GET", path, &[("accept", accept)], SendBody::none()).unwrap_or_else(|e| panic!("GET {path}: {e}"))
    }

    /// GET of a hub that may be away.
    pub fn try_get(&self, path: &str) -> Option<Answer> {
        self.send("GET", path, &[], SendBody::none()).ok()
    }

    /// POST of JSON.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// POST of bytes with headers.
    #[track_caller]
    pub fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_post(path, headers, body).unwrap_or_else(|e| panic!("POST {path}: {e}"))
    }

    /// POST of bytes to a hub that may be killed meanwhile.
    pub fn try_post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, ureq::Error> {
        let mut body = body;
        self.send("POST", path, headers, body.as_body())
    }

    /// POST of a body that is made while it is sent, in chunks without a length before them.
    pub fn stream(&self, path: &str, headers: &[(&str, &str)], body: &mut dyn Read) -> Result<Answer, ureq::Error> {
        let mut body = body;
        self.send("POST", path, headers, SendBody::from_reader(&mut body))
    }

    /// Sends a delivery; the answer is its receipt.
    #[track_caller]
    pub fn deliver(&self, delivery: &Delivery) -> Answer {
        self.try_deliver(delivery).unwrap_or_else(|e| panic!("delivery to {}: {e}", delivery.feed))
    }

    /// Sends a delivery to a hub that may be killed meanwhile.
    pub fn try_deliver(&self, delivery: &Delivery) -> Result<Answer, ureq::Error> {
        self.try_post(&delivery.path(), &delivery.headers(), &delivery.bytes)
    }

    /// Asks what a delivery would do, without doing it.
    #[track_caller]
    pub fn inspect(&self, delivery: &Delivery) -> Answer {
        self.post_with(&format!("{}?dry_run=1", delivery.path()), &delivery.headers(), &delivery.bytes)
    }

    /// Server-sent events, line by line as they come.
    #[track_caller]
    pub fn follow(&self, path: &str) -> impl Iterator<Item = String> + use<> {
        let accept = [("accept", "text/event-stream")];
        let answer = self.run("GET", path, &accept, SendBody::none()).unwrap_or_else(|e| panic!("GET {path}: {e}"));
        assert_eq!(answer.status().as_u16(), 200, "GET {path}");
        BufReader::new(answer.into_body().into_reader()).lines().map_while(Result::ok)
    }

    /// Sends a delivery whose connection breaks after `tenths` tenths of the announced bytes.
    pub fn break_off(&self, delivery: &Delivery, tenths: usize) {
        let address = self.base.trim_start_matches("http://");
        let mut head = format!("POST {} HTTP/1.1\r\nHost: {address}\r\n", delivery.path());
        if let Some(token) = &self.token {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        for (name, value) in delivery.headers() {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", delivery.bytes.len());
        let mut connection = TcpStream::connect(address).expect("the hub listens");
        connection.write_all(head.as_bytes()).expect("the hub reads");
        connection.write_all(&delivery.bytes[..delivery.bytes.len() * tenths / 10]).expect("the hub reads");
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: SendBody<'_>,
    ) -> Result<Answer, ureq::Error> {
        let mut answer = self.run(method, path, headers, body)?;
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let body = answer.body_mut().with_config().limit(u64::MAX).read_to_vec()?;
        Ok(Answer { status: answer.status().as_u16(), headers, body, asked: format!("{method} {path}") })
    }

    fn run(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: SendBody<'_>,
    ) -> Result<Response<Body>, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.agent.run(request.body(body)?)
    }
}
