//! The drop folder: files taken once they are complete, never twice, never by a detour.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use integration_tests::hub::{Hub, shape};
use integration_tests::store::Store;
use integration_tests::world::{
    Person, health_record, health_records_ndjson, insured, insured_persons, registered, registered_residents,
};
use serde_json::{Value, json};

use super::wait_for;

const INSURED: &str = "social-security/insured-persons";
const HEALTH: &str = "health/resident-health-records";
const REGISTER: &str = "public-security/registered-residents";

/// The folder of a feed, made as an administrator makes it.
fn folder(hub: &Hub, feed: &str) -> PathBuf {
    let folder = hub.drop_folder().join(feed);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Writes under another name first, as the instructions to departments say.
fn drop_file(folder: &Path, name: &str, bytes: &[u8]) {
    let part = folder.join(format!("{name}.part"));
    fs::write(&part, bytes).unwrap();
    fs::rename(part, folder.join(name)).unwrap();
}

fn receipt(folder: &Path, name: &str) -> Value {
    let path = folder.join(format!("{name}.receipt.json"));
    wait_for(&format!("the receipt of {name}"), || serde_json::from_slice(&fs::read(&path).ok()?).ok())
}

fn refusal(folder: &Path, name: &str) -> Value {
    let path = folder.join(format!("{name}.refused.json"));
    wait_for(&format!("the refusal of {name}"), || serde_json::from_slice(&fs::read(&path).ok()?).ok())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[track_caller]
fn applied(hub: &Hub, receipt: &Value) -> Value {
    let found = hub.decided(receipt["delivery"].as_str().unwrap());
    assert_eq!(found["state"], "applied", "{found}");
    found
}

#[test]
fn a_file_is_taken_once_it_has_its_name_and_leaves_a_receipt() {
    let hub = Hub::started(Store::Sqlite);
    let insured_folder = folder(&hub, INSURED);
    let good = insured_persons("20261101", 1, [insured(&Person::nth(1), "1001")]);
    fs::write(insured_folder.join("half.xml.part"), &good.bytes[..20]).unwrap();
    fs::write(insured_folder.join(".hidden.xml"), &good.bytes).unwrap();
    drop_file(&insured_folder, "night.xml", &good.bytes);
    let found = applied(&hub, &receipt(&insured_folder, "night.xml"));
    assert_eq!((&found["channel"], &found["file_name"]), (&json!("drop"), &json!("night.xml")), "{found}");
    wait_for("the end of the data", || (!insured_folder.join("night.xml").exists()).then_some(()));
    assert_eq!(names(&insured_folder), [".hidden.xml", "half.xml.part", "night.xml.receipt.json"]);

    let register = folder(&hub, REGISTER);
    let people = registered_residents("20261101", [registered(&Person::nth(2), "001", "户主")]);
    drop_file(&register, "czrk_20261101.txt.zst", &zstd::encode_all(people.bytes.as_slice(), 3).unwrap());
    let found = applied(&hub, &receipt(&register, "czrk_20261101.txt.zst"));
    assert_eq!(found["as_of"], "2026-11-01T00:00:00+08:00", "told by the file's name: {found}");
}

#[test]
fn a_file_that_needs_words_beside_it_waits_for_its_ok() {
    let hub = Hub::started(Store::Sqlite);
    let health = folder(&hub, HEALTH);
    let record = health_record(&Person::nth(1), "13010800000000001", "2026-11-01T08:30:00");
    let lines = health_records_ndjson("2026-11-01T09:00:00+08:00", 1, [record]);
    drop_file(&health, "hour.json", &lines.bytes);
    // Another file that came later has been through: the first one was seen and left alone.
    let insured_folder = folder(&hub, INSURED);
    drop_file(&insured_folder, "later.xml", &insured_persons("20261101", 1, [insured(&Person::nth(1), "1001")]).bytes);
    applied(&hub, &receipt(&insured_folder, "later.xml"));
    assert_eq!(names(&health), ["hour.json"]);

    drop_file(&health, "hour.json.ok", b"total=1\nas_of=2026-11-01T09:00:00+08:00\nsequence=3\n");
    let found = applied(&hub, &receipt(&health, "hour.json"));
    assert_eq!((&found["declared_total"], &found["sequence"]), (&json!(1), &json!(3)), "{found}");
    wait_for("the end of the .ok file", || (names(&health) == ["hour.json.receipt.json"]).then_some(()));
}

#[test]
fn a_file_the_door_refuses_stays_with_the_reason_beside_it() {
    let hub = Hub::started(Store::Sqlite);
    let register = folder(&hub, REGISTER);
    let people = registered_residents("20261101", [registered(&Person::nth(2), "001", "户主")]);
    drop_file(&register, "residents.txt", &people.bytes);
    let refused = refusal(&register, "residents.txt");
    assert!(refused["zh"].as_str().is_some_and(|zh| zh.contains("数据时点")), "{refused}");
    assert!(refused["en"].as_str().is_some_and(|en| en.contains("name")), "{refused}");
    drop_file(&register, "czrk_20261102.txt.gz", b"this is no gzip");
    assert_eq!(refusal(&register, "czrk_20261102.txt.gz")["code"], "body-unreadable");
    assert!(register.join("residents.txt").exists() && register.join("czrk_20261102.txt.gz").exists());
    assert_eq!(hub.administrator().get("/v1/deliveries").good()["items"], json!([]));

    let health = folder(&hub, HEALTH);
    drop_file(&health, "hour.json.ok", b"total=many\nas_of=2026-11-01\n");
    drop_file(&health, "hour.json", b"[]");
    assert_eq!(refusal(&health, "hour.json")["code"], "ok-file");
    // Mended, it is taken, and the reason goes.
    drop_file(&register, "czrk_20261102.txt.gz", &gzip(&people.bytes));
    applied(&hub, &receipt(&register, "czrk_20261102.txt.gz"));
    wait_for("the end of the reason", || {
        (!names(&register).contains(&"czrk_20261102.txt.gz.refused.json".to_owned())).then_some(())
    });
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_link_leads_nowhere() {
    let hub = Hub::started(Store::Sqlite);
    let insured_folder = folder(&hub, INSURED);
    let good = |date: &str| insured_persons(date, 1, [insured(&Person::nth(1), "1001")]).bytes;
    let outside = hub.folder().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret.xml"), good("20261101")).unwrap();
    let victim = outside.join("victim.txt");
    fs::write(&victim, "unharmed").unwrap();
    // To a file of the machine, to a folder, in place of a feed's folder, and where the hub writes by itself.
    symlink(outside.join("secret.xml"), insured_folder.join("link.xml")).unwrap();
    symlink(&outside, insured_folder.join("folder.xml")).unwrap();
    let population = hub.drop_folder().join("family-planning");
    fs::create_dir_all(&population).unwrap();
    symlink(&outside, population.join("population")).unwrap();
    symlink(&outside, hub.drop_folder().join("civil-affairs")).unwrap();
    symlink(&victim, insured_folder.join("night.xml.receipt.new")).unwrap();
    symlink(&victim, insured_folder.join("night.xml.receipt.json")).unwrap();
    let health = folder(&hub, HEALTH);
    symlink("/dev/zero", health.join("hour.json.ok")).unwrap();
    drop_file(&health, "hour.json", b"[]");
    symlink("/dev/zero", insured_folder.join("night.xml.refused.json")).unwrap();
    fs::create_dir(insured_folder.join("..data")).unwrap();

    drop_file(&insured_folder, "night.xml", &good("20261102"));
    wait_for("the file beside the links", || (!insured_folder.join("night.xml").exists()).then_some(()));
    let deliveries = hub.administrator().get("/v1/deliveries").good();
    let names: Vec<&Value> = shape::items(&deliveries).iter().map(|delivery| &delivery["file_name"]).collect();
    assert_eq!(names, ["night.xml"], "{deliveries}");
    applied(&hub, &json!({"delivery": shape::items(&deliveries)[0]["id"]}));
    assert!(outside.join("secret.xml").exists());
    assert_eq!(fs::read_to_string(victim).unwrap(), "unharmed");
    assert!(hub.memory_kb().1 < 400 << 10);
}

/// Old Windows machines name files in GBK; the receipt must stand beside them all the same.
#[test]
fn a_name_that_is_no_utf8_is_a_name() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let hub = Hub::started(Store::Sqlite);
    let health = folder(&hub, HEALTH);
    let name = encoding_rs::GBK.encode("健康档案.json").0.into_owned();
    let lines =
        health_records_ndjson("", 1, [health_record(&Person::nth(1), "13010800000000001", "2026-11-01T08:30:00")]);
    fs::write(health.join(OsStr::from_bytes(&name)), lines.bytes).unwrap();
    let ok = [name.as_slice(), b".ok"].concat();
    fs::write(health.join(OsStr::from_bytes(&ok)), "total=1\nas_of=2026-11-01\n").unwrap();
    let receipt = health.join(OsStr::from_bytes(&[name.as_slice(), b".receipt.json"].concat()));
    let receipt: Value = wait_for("the receipt", || serde_json::from_slice(&fs::read(&receipt).ok()?).ok());
    applied(&hub, &receipt);
}

/// kill -9 between landing and removal: a hub that starts again on a file it has landed already does not land it twice.
#[test]
fn a_file_is_landed_once_though_the_hub_is_killed_at_any_moment() {
    let mut hub = Hub::started(Store::Sqlite);
    let insured_folder = folder(&hub, INSURED);
    let rows = |date: &str| {
        (1..=200).map(|n| insured(&Person::nth(n), &n.to_string()).with("AAE006", date)).collect::<Vec<_>>()
    };
    for day in 1..=6 {
        let date = format!("202611{day:02}");
        drop_file(&insured_folder, &format!("{date}.xml"), &insured_persons(&date, 1, rows(&date)).bytes);
        let receipt = insured_folder.join(format!("{date}.xml.receipt.json"));
        // Earlier and earlier after the moment the hub may have seen it, so that some kills strike in between.
        for _ in 0..(300 - day * 40) {
            if receipt.exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        hub.kill9();
        if day % 2 == 0 && receipt.exists() {
            // As if the kill had struck before the removal: the same file, written at the same moment.
            fs::remove_file(&receipt).unwrap();
        }
        hub.start_again();
    }
    wait_for("the last file", || (!names(&insured_folder).iter().any(|name| name.ends_with(".xml"))).then_some(()));
    let deliveries = hub.administrator().get("/v1/deliveries").good();
    let mut files: Vec<String> =
        shape::items(&deliveries).iter().map(|delivery| delivery["file_name"].as_str().unwrap().to_owned()).collect();
    for delivery in shape::items(&deliveries) {
        applied(&hub, &json!({"delivery": delivery["id"]}));
    }
    files.sort();
    assert_eq!(files, (1..=6).map(|day| format!("202611{day:02}.xml")).collect::<Vec<_>>());
    assert_eq!(hub.json(&["verify"])["differences"], 0);
}

/// The moment between landing and removal itself: the data is still there with all it had when it was landed.
#[test]
fn a_file_that_was_landed_and_not_removed_is_removed_and_not_landed_again() {
    let mut hub = Hub::started(Store::Sqlite);
    let insured_folder = folder(&hub, INSURED);
    let file = insured_folder.join("night.xml");
    let kept = hub.folder().join("kept.xml");
    fs::write(&kept, insured_persons("20261101", 1, [insured(&Person::nth(1), "1001")]).bytes).unwrap();
    // The same file under two names: what is removed can be put back as it was, with its time.
    fs::hard_link(&kept, &file).unwrap();
    let first = receipt(&insured_folder, "night.xml");
    applied(&hub, &first);
    wait_for("the end of the data", || (!file.exists()).then_some(()));
    hub.kill9();
    fs::remove_file(insured_folder.join("night.xml.receipt.json")).unwrap();
    fs::hard_link(&kept, &file).unwrap();
    hub.start_again();
    assert_eq!(receipt(&insured_folder, "night.xml")["delivery"], first["delivery"]);
    wait_for("the end of the data", || (!file.exists()).then_some(()));
    let deliveries = hub.administrator().get("/v1/deliveries").good();
    assert_eq!(shape::items(&deliveries).len(), 1, "{deliveries}");
}
