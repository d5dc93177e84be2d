//! Nothing outlives the test process, however it ends.
//!
//! Owns one small shell that holds the reading end of a pipe. When the test process is gone (end, abort, kill -9), the
//! pipe ends, and the shell stops what was named to it and removes the folders. It never ends a process that was not
//! started and named here.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

const SCRIPT: &str = r#"
stops=
while read -r word rest; do
  case $word in
    stop) stops="$stops $rest" ;;
    forget)
      kept=
      for stop in $stops; do [ "${stop%:*}" = "$rest" ] || kept="$kept $stop"; done
      stops=$kept ;;
    remove) set -- "$@" "$rest" ;;
  esac
done
for stop in $stops; do kill -s "${stop#*:}" "${stop%:*}"; done
for stop in $stops; do
  tries=50
  while [ $tries -gt 0 ] && kill -0 "${stop%:*}"; do sleep 0.1; tries=$((tries - 1)); done
  kill -s KILL "${stop%:*}"
done
rm -rf -- "$@"
"#;

/// The signal that makes a server end when the test process has ended.
#[derive(Debug, Clone, Copy)]
pub enum Stop {
    /// PostgreSQL's immediate shutdown: its children go with it.
    Quit,
    /// For what has no children.
    Kill,
}

/// Stops the process when the test process is gone.
pub fn stop_after_us(pid: u32, stop: Stop) {
    let signal = match stop {
        Stop::Quit => "QUIT",
        Stop::Kill => "KILL",
    };
    tell(&format!("stop {pid}:{signal}"));
}

/// The process has ended and was waited for: its number may be another's now.
pub fn forget(pid: u32) {
    tell(&format!("forget {pid}"));
}

/// Removes the folder when the test process is gone.
pub fn remove_after_us(folder: &Path) {
    tell(&format!("remove {}", folder.display()));
}

fn tell(line: &str) {
    static GUARD: OnceLock<Mutex<Child>> = OnceLock::new();
    let guard = GUARD.get_or_init(|| Mutex::new(start()));
    let mut guard = guard.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let pipe = guard.stdin.as_mut().expect("a piped stdin");
    writeln!(pipe, "{line}").expect("the guard of the test process is gone");
}

fn start() -> Child {
    // A group of its own: Ctrl-C ends the tests, and the guard after them.
    Command::new("sh")
        .args(["-c", SCRIPT])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh starts")
}
