//! Input that is wrong in every way we know: each time a clear reason in Chinese and in English, nothing applied that
//! should not be, and a hub that is still up and takes what is right.

mod content;
mod personal;
mod report;
mod requests;
mod size;
mod storage;
mod workbook;

use integration_tests::hub::{Answer, Hub, shape};
use integration_tests::world::{Delivery, Person, health_record, health_records};
use serde_json::Value;

/// More memory than this no input may cost, in kilobytes: far above a hub at rest, far below the inputs that are large.
const MEMORY_KB: u64 = 400 << 10;

/// What a delivery comes to.
#[derive(Debug, Clone, Copy)]
enum Comes {
    /// Held for a reason that nobody may overrule.
    Held(&'static str),
    /// Held for a reason that an administrator may overrule.
    Releasable(&'static str),
    /// Refused whole.
    Refused(&'static str),
    /// Applied, but for one row.
    Rejected(&'static str),
    /// Applied, but for one attribute of one row.
    Issue(&'static str),
}

/// Sends a delivery and looks at what it came to.
#[track_caller]
fn comes_to(hub: &Hub, case: &str, delivery: &Delivery, expected: Comes) -> Value {
    let found = hub.deliver(delivery);
    let (state, code, releasable) = match expected {
        Comes::Held(code) => ("held", code, Some(false)),
        Comes::Releasable(code) => ("held", code, Some(true)),
        Comes::Refused(code) => ("refused", code, Some(false)),
        Comes::Rejected(code) | Comes::Issue(code) => ("applied", code, None),
    };
    assert_eq!(found["state"], state, "{case}: {found}");
    let told = match releasable {
        Some(_) => found["reasons"].as_array().cloned().unwrap_or_default(),
        None => findings(hub, shape::delivery_id(&found)),
    };
    let reason = told.iter().find(|reason| reason["code"] == code);
    let reason = reason.unwrap_or_else(|| panic!("{case}: no {code} in {told:?}"));
    in_both_languages(case, &reason["zh"], &reason["en"]);
    match expected {
        Comes::Rejected(_) => {
            assert_eq!((&reason["kind"], &found["rejected"]), (&"rejection".into(), &1.into()), "{case}")
        }
        Comes::Issue(_) => assert_eq!((&reason["kind"], &found["rejected"]), (&"issue".into(), &0.into()), "{case}"),
        _ => {
            assert_eq!(reason["releasable"].as_bool(), releasable, "{case}: {reason}");
            assert_eq!((&found["applied"], &found["ended"]), (&0.into(), &0.into()), "{case}: {found}");
        }
    }
    found
}

/// What was wrong in a delivery, row by row.
fn findings(hub: &Hub, delivery: &str) -> Vec<Value> {
    let report = hub.administrator().get(&format!("/v1/deliveries/{delivery}/report")).good();
    shape::items(&report).to_vec()
}

/// The request is refused with this status and code, and with sentences in both languages.
#[track_caller]
fn is_refused(case: &str, answer: &Answer, (status, code): (u16, &str)) {
    assert_eq!(answer.status, status, "{case}: {answer}");
    let problem = answer.refused(status);
    assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &status.into()), "{case}: {problem}");
    in_both_languages(case, &problem["detail_zh"], &problem["detail"]);
    in_both_languages(case, &problem["advice_zh"], &problem["advice"]);
}

#[track_caller]
fn in_both_languages(case: &str, zh: &Value, en: &Value) {
    let han = |text: &str| text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
    assert!(zh.as_str().is_some_and(han), "{case}: no Chinese in {zh}");
    // A name of the feed's own, in Chinese, may stand in the English sentence.
    let english = |text: &str| text.chars().filter(char::is_ascii_alphabetic).count() > 8;
    assert!(en.as_str().is_some_and(english), "{case}: no English in {en}");
}

/// The process is up, answers, and takes a good delivery.
#[track_caller]
fn is_unharmed(hub: &mut Hub) {
    assert!(hub.is_running(), "the process ended:\n{}", hub.log_tail());
    assert_eq!(hub.anonymous().get("/healthz").status, 200);
    let good = health_record(&Person::nth(900), "13010800000000900", "2026-11-20T08:30:00");
    let taken = hub.deliver(&health_records("2026-11-20T09:00:00+08:00", 1, [good]));
    let counts = ["received", "applied", "unchanged"].map(|name| taken[name].as_i64().unwrap_or(-1));
    assert!(taken["state"] == "applied" && counts[0] == 1 && counts[1] + counts[2] == 1, "{taken}");
}

/// The most memory the process ever held is bounded, whatever came.
#[track_caller]
fn memory_is_bounded(hub: &Hub) {
    let (_, most) = hub.memory_kb();
    assert!(most > 0 && most < MEMORY_KB, "the hub held {most} KB");
}

/// Every file below a folder of the hub, with its length.
fn files_in(folder: &std::path::Path) -> Vec<(String, u64)> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return files };
    for entry in entries.flatten() {
        let found = entry.metadata().unwrap();
        if found.is_dir() {
            files.extend(files_in(&entry.path()));
        } else if entry.file_name() != "hub.landing" {
            // The marker of the landing store itself is no landed byte.
            files.push((entry.path().display().to_string(), found.len()));
        }
    }
    files.sort();
    files
}
