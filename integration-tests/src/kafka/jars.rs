//! Kafka's jars: brought by Maven from `integration-tests/kafka/pom.xml` into cargo's target folder, once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::place;

/// The folder with the jars; `HUB_TEST_KAFKA_JARS` names one where Maven is not to be used.
pub(super) fn folder() -> Result<PathBuf, String> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOLDER.get_or_init(find_or_bring).clone()
}

fn find_or_bring() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os("HUB_TEST_KAFKA_JARS") {
        return Ok(folder.into());
    }
    let pom = place::workspace().join("integration-tests/kafka/pom.xml");
    let wanted = std::fs::read(&pom).map_err(|e| format!("{}: {e}", pom.display()))?;
    let folder = place::target().join("kafka-libs");
    let complete = folder.join("pom.xml");
    if std::fs::read(&complete).is_ok_and(|had| had == wanted) {
        return Ok(folder);
    }
    bring(&pom, &folder)?;
    // Written last: a folder without it is a download that was cut off.
    std::fs::write(&complete, wanted).map_err(|e| format!("{}: {e}", complete.display()))?;
    Ok(folder)
}

fn bring(pom: &Path, folder: &Path) -> Result<(), String> {
    eprintln!("bringing Kafka's jars by Maven");
    let _ = std::fs::remove_dir_all(folder);
    let output = Command::new("mvn")
        .args(["--batch-mode", "--quiet", "--no-transfer-progress", "--file"])
        .arg(pom)
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", folder.display()))
        .output()
        .map_err(|e| format!("mvn: {e} (apt-get install maven)"))?;
    if !output.status.success() {
        return Err(format!("mvn could not bring the jars: {}", String::from_utf8_lossy(&output.stdout)));
    }
    Ok(())
}
