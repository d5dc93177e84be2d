//! A private PostgreSQL cluster, started once in a test process, and a database of its own for each case.
//!
//! Owns the cluster of Debian's server (any version below `/usr/lib/postgresql`), on loopback, in a temporary folder.
//! It never touches a cluster of the machine. A case that stops, fills or restores a cluster has one of its own
//! ([`Private`]).

mod private;

pub use private::{Private, Stopping};

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::guard::{self, Stop};
use crate::place;

/// The running cluster.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
}

/// What the cluster of this process must be good for; [`Postgres::for_measuring`] changes it before the start.
static SETTINGS: OnceLock<&[&str]> = OnceLock::new();

/// A database, dropped with this value.
#[derive(Debug)]
pub struct Database {
    name: String,
    /// How the hub reaches it.
    pub url: String,
}

impl Postgres {
    /// The cluster of this test process; starts it when it is first asked for. Panics with the reason if it cannot be had.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Postgres, String>> = OnceLock::new();
        match SHARED.get_or_init(Self::start) {
            Ok(postgres) => postgres,
            Err(reason) => panic!("no PostgreSQL: {reason}"),
        }
    }

    /// The cluster of a process that measures: it survives a power cut, and has the memory and the log a production
    /// server of this size would have. Asked for before anything else asks for the cluster.
    pub fn for_measuring() -> &'static Self {
        assert!(SETTINGS.set(&MEASURED).is_ok(), "the cluster of this process is for tests already");
        Self::shared()
    }

    /// A fresh, empty database.
    pub fn database(&self) -> Database {
        self.create("template1")
    }

    /// A copy of a database nobody is connected to.
    pub fn database_like(&self, other: &Database) -> Database {
        self.create(&other.name)
    }

    /// A folder the server can write to.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A program of the server's, without the user's own settings.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        without_settings(&mut command);
        command
    }

    fn create(&self, template: &str) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("hub_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
        self.run("postgres", &sql).unwrap_or_else(|reason| panic!("{reason}"));
        Database { url: self.url(&name), name }
    }

    fn start() -> Result<Self, String> {
        let programs = programs()?;
        let folder = place::temporary_folder("postgres").keep();
        let data = folder.join("data");
        let owner = Owner::of_server()?;
        owner.give(&folder)?;
        let postgres = Self { programs, folder, port: place::free_port() };
        postgres.initialise(&owner, &data, &[])?;
        let settings = SETTINGS.get_or_init(|| &TESTED);
        let child = postgres.launch(&owner, &data, settings)?;
        postgres.wait_until_it_answers(child, &postgres.log())?;
        Ok(postgres)
    }

    fn initialise(&self, owner: &Owner, data: &Path, more: &[&str]) -> Result<(), String> {
        let mut initdb = Command::new(self.programs.join("initdb"));
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        let made = owner
            .run_as(initdb.args(more).arg("--pgdata").arg(data).current_dir(&self.folder))
            .output()
            .map_err(|e| format!("initdb: {e}"))?;
        if !made.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)));
        }
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    fn launch(&self, owner: &Owner, data: &Path, settings: &[&str]) -> Result<Child, String> {
        let log = self.log();
        let mut server = Command::new(self.programs.join("postgres"));
        server.arg("-D").arg(data).args(["-p", &self.port.to_string()]).args(settings.iter().flat_map(|s| ["-c", s]));
        let output = std::fs::File::options().create(true).append(true).open(&log);
        let output = output.map_err(|e| format!("{}: {e}", log.display()))?;
        let child = owner
            .run_as(server.current_dir(&self.folder))
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(|e| e.to_string())?)
            .stderr(output)
            .spawn()
            .map_err(|e| format!("postgres: {e}"))?;
        guard::stop_after_us(child.id(), Stop::Quit);
        Ok(child)
    }

    fn wait_until_it_answers(&self, mut child: Child, log: &Path) -> Result<Child, String> {
        let started = Instant::now();
        loop {
            let Err(reason) = self.run("postgres", "SELECT 1") else { return Ok(child) };
            let ended = child.try_wait().map_err(|e| e.to_string())?;
            if ended.is_some() || started.elapsed() > Duration::from_secs(60) {
                return Err(format!("the server does not answer: {reason}\n{}", place::tail(log, 20)));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    fn run(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url(database), "-c", sql]);
        let output = without_settings(&mut psql).output().map_err(|e| format!("psql: {e}"))?;
        if !output.status.success() {
            return Err(format!("psql: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }
}

impl Database {
    /// Runs SQL and returns the rows, one a line, fields separated by `|`. Panics on an error.
    pub fn sql(&self, sql: &str) -> String {
        Postgres::shared().run(&self.name, sql).unwrap_or_else(|reason| panic!("{sql}: {reason}"))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // FORCE ends connections a killed hub has left. The cluster goes with the process, so an error costs only space.
        let _ = Postgres::shared().run("postgres", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// The cases kill the hub and not the database, so nothing here has to survive a power cut. A case about that starts
/// its transactions with `SET synchronous_commit` as the hub does anyway.
const TESTED: [&str; 8] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=300",
    "fsync=off",
    "full_page_writes=off",
    "shared_buffers=128MB",
    "max_wal_size=512MB",
    "log_min_messages=warning",
];

/// Everything a commit has promised is on the disk. Sizes are for a machine of a few cores and 16 GB or more.
const MEASURED: [&str; 9] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=300",
    "shared_buffers=1GB",
    "work_mem=64MB",
    "maintenance_work_mem=256MB",
    "max_wal_size=8GB",
    "checkpoint_timeout=15min",
    "log_min_messages=warning",
];

/// The newest installed server's folder of programs.
fn programs() -> Result<PathBuf, String> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").map_err(|e| format!("/usr/lib/postgresql: {e}"))?;
    versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .max_by_key(|bin| version(bin))
        .ok_or_else(|| "no server below /usr/lib/postgresql (apt-get install postgresql)".to_owned())
}

fn version(bin: &Path) -> u32 {
    bin.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse().ok()).unwrap_or(0)
}

/// Who runs the server: PostgreSQL refuses root, so root runs it as the user Debian's package has made.
#[derive(Debug)]
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn of_server() -> Result<Self, String> {
        if !is_root() {
            return Ok(Self(None));
        }
        let users = std::fs::read_to_string("/etc/passwd").map_err(|e| format!("/etc/passwd: {e}"))?;
        let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|f| f[0] == "postgres");
        let ids = fields.and_then(|f| Some((f.get(2)?.parse().ok()?, f.get(3)?.parse().ok()?)));
        ids.map(|ids| Self(Some(ids))).ok_or_else(|| "root cannot run it and there is no user postgres".to_owned())
    }

    fn give(&self, folder: &Path) -> Result<(), String> {
        let Some((user, group)) = self.0 else { return Ok(()) };
        if folder.is_dir() {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).map_err(|e| e.to_string())?;
        }
        chown(folder, Some(user), Some(group)).map_err(|e| format!("{}: {e}", folder.display()))
    }

    fn run_as<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        without_settings(command)
    }
}

/// The user's own settings for PostgreSQL's programs must not reach another cluster through them.
fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    command
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
