//! The binary `hub`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

// Rows are made by one thread and dropped by another: the C library's allocator spent nearly half of a load on that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    hub::cli::main()
}
