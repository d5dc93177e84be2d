//! splink, the best open tool, on the same sets: installed from PyPI into a folder of its own, or left out with a line.
//!
//! Owns its script. Its thresholds are chosen as its manual shows; it has no labels either.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Result;
use super::febrl::{self, Case};

/// Versions the script is written for.
const PACKAGE: &str = "splink>=4,<5";

/// An installed tool.
#[derive(Debug)]
pub struct Tool {
    python: PathBuf,
    script: PathBuf,
}

/// Installs it, if that can be done.
pub fn install() -> Option<Tool> {
    match try_install() {
        Ok(tool) => Some(tool),
        Err(fault) => {
            eprintln!("bench-link: splink cannot be installed and is left out: {fault}");
            None
        }
    }
}

fn try_install() -> Result<Tool> {
    let folder = febrl::folder().join("splink");
    let python = folder.join("bin/python");
    if !folder.join("ready").exists() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).status()?;
        let args = ["-m", "pip", "install", "--quiet", PACKAGE];
        if !made.success() || !Command::new(&python).args(args).status()?.success() {
            return Err("pip has failed".into());
        }
        std::fs::write(folder.join("ready"), PACKAGE)?;
    }
    let script = folder.join("measure.py");
    std::fs::write(&script, include_str!("measure_splink.py"))?;
    Ok(Tool { python, script })
}

impl Tool {
    /// Its F1 on a case.
    pub fn measure(&self, sets: &Path, case: &Case) -> Result<f64> {
        let files = case.files.iter().map(|file| sets.join(file));
        let id = if case.with_id { "with-id" } else { "without-id" };
        let output = Command::new(&self.python).arg(&self.script).arg(id).args(files).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(said.lines().last().unwrap_or("it has failed").to_owned().into());
        }
        let said = String::from_utf8_lossy(&output.stdout);
        Ok(said.lines().last().unwrap_or_default().trim().parse()?)
    }
}
