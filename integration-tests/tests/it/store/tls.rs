//! PostgreSQL by TLS: the hub checks whom it talks to, and says nothing to anybody else.

use std::path::Path;
use std::process::Command;

use integration_tests::hub::Hub;
use integration_tests::place;
use integration_tests::postgres::Private;
use integration_tests::store::Store;

use super::night;

/// A certificate of its own signing for the name `localhost`, and its key.
fn certificate(folder: &Path, name: &str) {
    let (key, certificate) = (format!("{name}.key"), format!("{name}.crt"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args([
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ])
        .current_dir(folder)
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A cluster that takes connections by TLS only, and the folder with its certificate and another one.
fn secured() -> (Private, tempfile::TempDir) {
    let mut cluster = Private::initialised(&["ssl=on"]);
    let (data, certificates) = (cluster.data(), place::temporary_folder("certificates"));
    for name in ["server", "other"] {
        certificate(certificates.path(), name);
    }
    for file in ["server.key", "server.crt"] {
        std::fs::copy(certificates.path().join(file), data.join(file)).unwrap();
        cluster.owned(&data.join(file));
    }
    Command::new("chmod").arg("600").arg(data.join("server.key")).status().unwrap();
    std::fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n").unwrap();
    cluster.start();
    cluster.sql("postgres", "CREATE DATABASE hub");
    (cluster, certificates)
}

#[test]
fn a_hub_checks_the_certificate_and_the_name_of_its_database() {
    let (cluster, certificates) = secured();
    let of = |name: &str| format!("sslmode = \"verify-full\"\nsslrootcert = {:?}", certificates.path().join(name));
    let at = |host: &str| format!("postgres://postgres@{host}:{}/hub", cluster.port());
    let mut hub = Hub::on(Store::Postgres).at(&at("localhost")).database(&of("server.crt")).start();
    assert_eq!(hub.deliver(&night("20261101", 3))["applied"], 3);
    let connections = |ssl: &str| {
        cluster.sql("hub", &format!(
            "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name LIKE 'hub-%' AND {ssl}"
        ))
    };
    assert_ne!(connections("ssl"), "0");
    assert_eq!(connections("NOT ssl"), "0");
    assert!(hub.stop().success());

    for (why, host, database, says) in [
        ("an authority that did not sign", "localhost", of("other.crt"), "certificate verify failed"),
        ("a name that is not in the certificate", "127.0.0.1", of("server.crt"), "does not match host name"),
        ("no TLS at all", "localhost", "sslmode = \"disable\"".to_owned(), "no encryption"),
        ("a word libpq does not know", "localhost", "sslmode = \"full\"".to_owned(), "database.sslmode"),
    ] {
        hub.reconfigure(|_| Hub::on(Store::Postgres).at(&at(host)).database(&database));
        let (status, log) = hub.start_in_vain();
        assert!(!status.success() && log.contains(says), "{why}: {log}");
    }
    let by_url = format!(
        "{}?sslmode=verify-ca&sslrootcert={}",
        at("127.0.0.1"),
        certificates.path().join("server.crt").display()
    );
    hub.reconfigure(|_| Hub::on(Store::Postgres).at(&by_url));
    hub.start_again();
    assert_eq!(hub.json(&["verify"])["differences"], 0);
}
