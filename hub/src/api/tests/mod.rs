//! The API in process, over a store of its own: departments send files, workers are run by hand, and what comes back is
//! what a client would see.

mod agreements;
mod changes;
mod deliveries;
mod export;
mod openapi;
mod problems;
mod repair;
mod roles;

use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::{self, Bytes};
use chrono::NaiveDate;
use serde_json::Value;
use tempfile::TempDir;

use super::{State, app};
use crate::access;
use crate::config::{Agreement, Config};
use crate::hub::Hub;
use crate::identity::CitizenNumber;
use crate::work;

/// The feed these tests send.
pub const FEED: &str = "social-security/insured-persons";
pub const HERE: &str = "130108001001";
pub const THERE: &str = "130108001002";

/// A hub with its API and a token for each role.
pub struct World {
    pub hub: Arc<Hub>,
    pub administrator: String,
    /// Social security.
    pub department: String,
    /// Another department.
    pub other: String,
    /// Sees names and numbers of residents of [`HERE`].
    pub consumer: String,
    /// Its agreement is not configured.
    pub stranger: String,
    state: State,
    folder: TempDir,
}

/// An answer.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Told {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body of a 200.
    #[track_caller]
    pub fn good(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// The code of the problem of an answer with this status.
    #[track_caller]
    pub fn refused(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        for member in ["type", "title", "title_zh", "detail", "detail_zh", "code", "advice", "advice_zh"] {
            assert!(problem[member].is_string(), "{member} in {problem}");
        }
        problem["code"].as_str().expect("a code").to_owned()
    }
}

impl World {
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut config = Config::in_folder(folder.path());
        config.agreements.push(agreement("station", &[HERE], &["name", "id_no", "insurances"]));
        let hub = Arc::new(Hub::open(config).expect("a hub"));
        let token = |role: &str, subject: &str| access::create(&hub, role, subject, subject).expect("a token").1;
        Self {
            administrator: token("administrator", ""),
            department: token("department", "social-security"),
            other: token("department", "health"),
            consumer: token("consumer", "station"),
            stranger: token("consumer", "nobody"),
            state: State::new(hub.clone()),
            hub,
            folder,
        }
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: TestRequest) -> Told {
        let service = init_service(app(&self.state)).await;
        let answer = call_service(&service, request.to_request()).await;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Told { status, headers, body: read_body(answer).await }
    }

    pub async fn get(&self, token: &str, path: &str) -> Told {
        self.send(with_token(TestRequest::get().uri(path), token)).await
    }

    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Told {
        self.send(with_token(TestRequest::post().uri(path), token).set_json(body)).await
    }

    /// Sends a file of the feed and returns its receipt.
    pub async fn deliver(&self, file: &str) -> Told {
        self.deliver_with(file, &[]).await
    }

    pub async fn deliver_with(&self, file: &str, headers: &[(&str, &str)]) -> Told {
        self.deliver_bytes(file.as_bytes().to_vec(), "", headers).await
    }

    pub async fn deliver_bytes(&self, bytes: Vec<u8>, query: &str, headers: &[(&str, &str)]) -> Told {
        let path = format!("/v1/feeds/{FEED}/deliveries{query}");
        let mut request = with_token(TestRequest::post().uri(&path), &self.department).set_payload(bytes);
        for header in headers {
            request = request.insert_header(*header);
        }
        self.send(request).await
    }

    /// Does all that is due, where it may block as it does in a worker.
    pub async fn work(&self) {
        let hub = self.hub.clone();
        web::block(move || work::run_all(&hub)).await.expect("no panic").expect("the work is done");
    }

    /// Sends a file and applies it.
    pub async fn delivered(&self, file: &str) -> Value {
        let id = self.deliver(file).await.json()["id"].as_str().expect("an id").to_owned();
        self.work().await;
        self.get(&self.administrator, &format!("/v1/deliveries/{id}")).await.good()
    }

    /// The store's files as one text, to look for what must not be there.
    pub fn landing_files(&self) -> Vec<std::path::PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.path().join("landing")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else if entry.file_name() != "hub.landing" {
                    // The marker of the landing store itself is no landed byte.
                    files.push(entry.path());
                }
            }
        }
        files
    }
}

pub fn with_token(request: TestRequest, token: &str) -> TestRequest {
    if token.is_empty() { request } else { request.insert_header(("authorization", format!("Bearer {token}"))) }
}

pub fn agreement(id: &str, communities: &[&str], fields: &[&str]) -> Agreement {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    Agreement {
        id: id.to_owned(),
        entities: vec!["resident".to_owned()],
        fields: [("resident".to_owned(), texts(fields))].into(),
        communities: texts(communities),
        ..Agreement::default()
    }
}

/// The birth date of the `n`th person of these tests.
fn born(n: u16) -> NaiveDate {
    let first = NaiveDate::from_ymd_opt(1990, 1, 1).expect("a date");
    first + chrono::Days::new(u64::from(n / 400))
}

/// The number of the `n`th person of these tests.
pub fn number(n: u16) -> String {
    CitizenNumber::build("130108", born(n), 2 * (n % 400) + 1).expect("a number").as_str().to_owned()
}

/// A row of the feed: the `n`th person, living in a community.
pub fn row(n: u16, name: &str, community: &str) -> String {
    format!(
        "<ROW><ROWNO>{n}</ROWNO><BAC001>{n:016}</BAC001><AAC002>{}</AAC002><AAC003>{name}</AAC003><AAC004>1</AAC004>\
         <AAC161>CHN</AAC161><AAC005>01</AAC005><AAC058>01</AAC058><AAC147></AAC147><AAC006>{}</AAC006>\
         <AAC007>0</AAC007><AAE441>0</AAE441><AAE473></AAE473><BIC162></BIC162><AAC084>0</AAC084><AIC162>0</AIC162>\
         <AAC067>139{n:08}</AAC067><BAC062></BAC062><AAC009>10</AAC009><AAC301>{community}</AAC301>\
         <AAE006>Street {n}</AAE006><BAC301>130108</BAC301><AAC010></AAC010></ROW>",
        number(n),
        born(n).format("%Y%m%d")
    )
}

/// A file of the feed of a day of November 2026.
pub fn file(day: u8, rows: &[String]) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"GB2312\"?><DATA><HEAD><DATADATE>202511{day:02}</DATADATE><SEQ>1</SEQ>\
         <TOTAL>{}</TOTAL></HEAD><ROWS>{}</ROWS></DATA>",
        rows.len(),
        rows.concat()
    )
}
