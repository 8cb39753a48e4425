//! A private PostgreSQL in a temporary folder, for tests and benchmarks; it ends with its handle.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "not hunter2";

pub(crate) struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

/// Where PostgreSQL's programs are: in the PATH, or where Debian has them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<_> = debian.map(|entry| entry.path().join("bin")).collect();
    debian.sort();
    let mut folders = debian.into_iter().rev().chain(std::env::split_paths(&path));
    folders.find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// PostgreSQL refuses to run as root.
fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

impl Cluster {
    /// Nothing where there is no PostgreSQL.
    pub(crate) fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = TempDir::new().expect("a temporary folder");
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        if is_root() {
            let whole = folder.path().to_string_lossy().into_owned();
            done(Command::new("chown").args(["postgres", &whole]))?;
        }
        let cluster = Self { folder, programs, port };
        let password = cluster.path("password");
        std::fs::write(&password, PASSWORD).expect("a file");
        let options = ["-A", "scram-sha-256", "-U", "hubs", "-E", "UTF8", "--locale=C", "-N"];
        let file = format!("--pwfile={}", password.display());
        done(cluster.program("initdb").args(options).arg(file).arg(cluster.path("data")))?;
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nfsync = off\n\
             synchronous_commit = off\nfull_page_writes = off\nautovacuum = off\nmax_wal_size = '4GB'\ntimezone = 'UTC'\n"
        );
        let mut file = std::fs::File::options()
            .append(true)
            .open(cluster.path("data/postgresql.conf"))
            .ok()?;
        file.write_all(settings.as_bytes()).ok()?;
        let log = cluster.path("log");
        done(
            cluster
                .program("pg_ctl")
                .arg("-D")
                .arg(cluster.path("data"))
                .arg("-l")
                .arg(log)
                .args(["-w", "start"]),
        )?;
        Some(cluster)
    }

    /// With a password, to the database that is there from the start.
    pub(crate) fn url(&self) -> String {
        self.url_with(PASSWORD, "postgres")
    }

    pub(crate) fn url_with(&self, password: &str, database: &str) -> String {
        let password = password.replace(' ', "%20");
        format!("postgres://hubs:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// The end of a server that others still ask.
    pub(crate) fn stop(&self) {
        let data = self.path("data");
        let _ =
            self.program("pg_ctl").arg("-D").arg(data).args(["-m", "immediate", "stop"]).output();
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn program(&self, name: &str) -> Command {
        let path: &Path = &self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(self.folder.path());
        command
    }
}

/// Whether a program worked.
fn done(command: &mut Command) -> Option<()> {
    // `pg_ctl start` leaves its output to the server: a pipe would stay open with it.
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success()).then_some(())
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}
