//! The binary `hub`.

use std::process::ExitCode;

fn main() -> ExitCode {
    hub::cli::main()
}
