//! The hub's binary.
//!
//! Cargo builds the binary of another package for no test, so it is asked to, once in a test process, with the
//! selection of `make test`: there it is fresh already and this takes a second. A program (the benchmark) takes the one
//! beside itself. `HUB_TEST_BINARY` names another one.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::place;

/// The hub's binary; panics with the reason if it cannot be had.
pub fn path() -> PathBuf {
    static PATH: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PATH.get_or_init(find_or_build).clone().unwrap_or_else(|reason| panic!("no binary of the hub: {reason}"))
}

fn find_or_build() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("HUB_TEST_BINARY") {
        return Ok(path.into());
    }
    let beside = place::profile_folder().join("hub");
    if place::is_program() && beside.exists() {
        return Ok(beside);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--workspace", "--bins", "--tests", "--target-dir"]).arg(place::target());
    if place::profile_folder().ends_with("release") {
        build.arg("--release");
    }
    let output = build.current_dir(place::workspace()).output().map_err(|e| format!("cargo: {e}"))?;
    let path = place::profile_folder().join("hub");
    if output.status.success() && path.exists() {
        return Ok(path);
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}
