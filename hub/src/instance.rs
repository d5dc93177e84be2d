//! Which process this is, in leases. Owns the name and the one question that lets a restarted hub go on at once: is that holder known to be dead?

use crate::error::Result;
use crate::id;

/// Names this process: boot, process id, its start time, and a random end.
pub fn name() -> Result<String> {
    let pid = std::process::id();
    let start = start_time(pid).unwrap_or_default();
    Ok(format!("{}/{pid}/{start}/{}", boot(), id::random()?))
}

/// Whether the holder ran on this machine since its last start and runs no more. Of other machines nothing is known.
pub fn is_dead(holder: &str) -> bool {
    let mut parts = holder.split('/');
    let (Some(there), Some(pid), Some(start)) = (parts.next(), parts.next(), parts.next()) else { return false };
    if there.is_empty() || there != boot() {
        return false;
    }
    let Ok(pid) = pid.parse() else { return false };
    start_time(pid).is_none_or(|now| now != start)
}

fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Field 22 of `/proc/PID/stat`; a zombie counts as gone.
fn start_time(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = &stat[stat.rfind(')')? + 1..];
    let mut fields = after_name.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives() {
        assert!(!is_dead(&name().expect("a name")));
    }

    #[test]
    fn a_process_id_used_again_is_another_process() {
        let mut parts: Vec<String> = name().expect("a name").split('/').map(str::to_owned).collect();
        parts[2] = "1".to_owned();
        assert!(is_dead(&parts.join("/")));
    }

    #[test]
    fn of_another_machine_nothing_is_known() {
        assert!(!is_dead("another-boot/1/1/x"));
        assert!(!is_dead(""));
    }
}
