//! TLS: with a certificate and its key the server speaks nothing else.

use std::path::Path;
use std::process::Command;

use integration_tests::hub::Hub;
use integration_tests::{place, store::Store};

/// A certificate of its own signing, and its key, in PEM files.
fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(folder)
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn a_hub_with_a_certificate_speaks_tls_only() {
    let folder = place::temporary_folder("tls");
    certificate(folder.path());
    let at = |name: &str| folder.path().join(name).display().to_string();
    let mut hub = Hub::started(Store::Sqlite);
    let (administrator, plain) = (hub.administrator(), hub.anonymous());
    assert!(hub.stop().success());
    hub.reconfigure(|setup| setup.tls(&at("certificate.pem"), &at("key.pem")));
    hub.start_again();
    assert!(plain.try_get("/healthz").is_none_or(|answer| answer.status >= 400), "nothing is answered in the clear");
    let secure = |arguments: &[&str], path: &str| {
        let url = format!("{}{path}", administrator.base().replace("http://", "https://"));
        let output = Command::new("curl")
            .args(["-sS", "-i", "--cacert", &at("certificate.pem")])
            .args(arguments)
            .arg(url)
            .output();
        String::from_utf8_lossy(&output.expect("curl runs").stdout).into_owned()
    };
    let answer = secure(&[], "/healthz");
    assert!(answer.contains(" 200 ") && answer.ends_with("ok\n"), "{answer}");
    assert!(secure(&[], "/v1/feeds").contains(" 401 "));
    let token = format!("Authorization: Bearer {}", administrator.token().unwrap());
    let answer = secure(&["-H", &token], "/v1/feeds");
    assert!(answer.contains(" 200 ") && answer.contains("social-security/insured-persons"), "{answer}");
    assert_eq!(secure(&["--tls-max", "1.1"], "/healthz"), "", "old versions are not spoken");
    hub.kill9();

    hub.reconfigure(|setup| setup.tls(&at("certificate.pem"), &at("certificate.pem")));
    let (status, log) = hub.start_in_vain();
    assert!(!status.success() && log.contains("tls_"), "{log}");
}
