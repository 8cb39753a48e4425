//! FASJSON behind Kerberos: a real KDC and a real SPNEGO, on ports of their own. Only in builds with `--features kerberos`.

use crate::harness::{PATIENCE, have};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PYTHON: &str = "/usr/bin/python3";
const WIDGET: &str = r#"
    const REFRESH = "1h";
    fn data(widget) {
        let ralph = fas::user("ralph");
        #{ name: ralph.human_name, nobody: fas::user("nobody") == (), members: fas::members("infra").map(|m| m.username) }
    }
"#;
const ANSWERS: &str = r#"{
    "/v1/users/ralph/": { "result": { "username": "ralph", "human_name": "Ralph Bean", "is_private": false } },
    "/v1/me/": { "result": { "dn": "x", "service": "HTTP-client hubs" } },
    "/v1/groups/infra/members/": { "result": [{ "username": "ralph" }] }
}"#;

struct Realm {
    folder: TempDir,
    children: Vec<Child>,
}

impl Drop for Realm {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn program(name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin"]
        .map(|at| PathBuf::from(at).join(name))
        .into_iter()
        .find(|it| it.is_file())
}

fn is_there() -> bool {
    let python = Command::new(PYTHON).args(["-c", "import gssapi"]).stderr(Stdio::null()).status();
    ["krb5kdc", "kdb5_util", "kadmin.local", "kinit"].iter().all(|it| program(it).is_some())
        && python.is_ok_and(|status| status.success())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Realm {
    /// A KDC that knows the host's service, `hubs`, and a stranger.
    fn start() -> Option<Self> {
        if !have("kerberos", is_there()) {
            return None;
        }
        let (folder, port) = (TempDir::new().unwrap(), free_port());
        let at = folder.path().display();
        let client = format!(
            "[libdefaults]\n default_realm = HUBS.TEST\n clockskew = 1\n dns_lookup_kdc = false\n dns_canonicalize_hostname = false\n \
             rdns = false\n[realms]\n HUBS.TEST = {{\n  kdc = 127.0.0.1:{port}\n }}\n[domain_realm]\n localhost = HUBS.TEST\n"
        );
        let kdc = format!(
            "[realms]\n HUBS.TEST = {{\n  database_name = {at}/principal\n  key_stash_file = {at}/stash\n  \
             kdc_listen = 127.0.0.1:{port}\n  kdc_tcp_listen = 127.0.0.1:{port}\n }}\n[logging]\n kdc = FILE:{at}/kdc.log\n"
        );
        std::fs::write(folder.path().join("krb5.conf"), client).unwrap();
        std::fs::write(folder.path().join("kdc.conf"), kdc).unwrap();
        std::fs::write(folder.path().join("answers.json"), ANSWERS).unwrap();
        let mut realm = Self { folder, children: vec![] };
        realm.run("kdb5_util", &["create", "-s", "-P", "master", "-r", "HUBS.TEST"]);
        for (principal, keytab) in [
            ("HTTP/localhost", "http.keytab"),
            ("hubs", "hubs.keytab"),
            ("stranger", "stranger.keytab"),
            ("moved", "moved.keytab"),
        ] {
            realm.admin(&format!("addprinc -randkey {principal}"));
            realm.admin(&format!("ktadd -k {} {principal}", realm.path(keytab)));
        }
        // Its keytab is of yesterday.
        realm.admin("cpw -randkey moved");
        let kdc = realm.command("krb5kdc").arg("-n").spawn().unwrap();
        realm.children.push(kdc);
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "the KDC does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(realm)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name).unwrap_or_else(|| name.into()));
        self.around(&mut command);
        command
    }

    fn around(&self, command: &mut Command) {
        command
            .env("KRB5_CONFIG", self.path("krb5.conf"))
            .env("KRB5_KDC_PROFILE", self.path("kdc.conf"))
            .env("KRB5_KTNAME", self.path("http.keytab"))
            .env("KRB5CCNAME", format!("FILE:{}", self.path("nobody.ccache")))
            .env_remove("KRB5_CLIENT_KTNAME")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
    }

    fn run(&self, name: &str, arguments: &[&str]) {
        let status = self.command(name).args(arguments).status().unwrap();
        assert!(status.success(), "{name} {arguments:?}: {status}");
    }

    fn admin(&self, query: &str) {
        self.run("kadmin.local", &["-r", "HUBS.TEST", "-q", query]);
    }

    /// FASJSON at a port, and what it says that it was asked.
    fn fasjson(&mut self, more: &[&str]) -> (u16, BufReader<std::process::ChildStdout>) {
        let port = free_port();
        let mut command = self.command(PYTHON);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kerberos/server.py"));
        command.arg(port.to_string()).arg(self.path("answers.json")).args(more);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        self.children.push(child);
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        (port, said)
    }

    /// `hubs widget run` with this `[fas]`.
    fn hubs(&self, host: &str, port: u16, login: &str) -> Output {
        let site = self.folder.path().join("site");
        std::fs::create_dir_all(site.join("widgets")).unwrap();
        std::fs::create_dir_all(site.join("templates/widgets")).unwrap();
        std::fs::write(site.join("widgets/people.rhai"), WIDGET).unwrap();
        std::fs::write(site.join("templates/widgets/people.html"), "{{ name }}").unwrap();
        let settings = format!(
            "[sandbox]\nallow_private_addresses = true\n[fas]\nurl = \"http://{host}:{port}\"\n{login}\n"
        );
        std::fs::write(site.join("hubs.toml"), settings).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hubs"));
        self.around(&mut command);
        command.args(["widget", "run", "people"]).current_dir(&site);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
    }

    fn ticket(&self, principal: &str, lifetime: &str, ccache: &str) {
        let keytab = self.path(&format!("{principal}.keytab"));
        let ccache = format!("FILE:{}", self.path(ccache));
        self.run("kinit", &["-k", "-t", &keytab, "-c", &ccache, "-l", lifetime, principal]);
    }
}

#[test]
fn fasjson_is_asked_by_kerberos_and_negotiates_once() {
    let Some(mut realm) = Realm::start() else { return };
    let (port, mut said) = realm.fasjson(&[]);
    realm.ticket("hubs", "1h", "hubs.ccache");
    let keytab =
        format!("principal = \"hubs@HUBS.TEST\"\nkeytab = \"{}\"", realm.path("hubs.keytab"));
    let ccache = format!("ccache = \"FILE:{}\"", realm.path("hubs.ccache"));
    for login in [keytab, ccache] {
        let told = realm.hubs("localhost", port, &login);
        let (out, err) =
            (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
        assert!(told.status.success(), "{login}: {out}{err}");
        let data: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            data,
            serde_json::json!({ "name": "Ralph Bean", "nobody": true, "members": ["ralph"] })
        );
        let mut asked = String::new();
        for _ in 0..3 {
            said.read_line(&mut asked).unwrap();
        }
        let how: Vec<&str> = asked.lines().map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(how, ["negotiate", "session", "session"], "{asked}");
    }
}

#[test]
fn a_ticket_that_is_over_says_to_get_a_new_one_and_one_that_holds_is_told_by_its_owner() {
    let Some(mut realm) = Realm::start() else { return };
    realm.ticket("hubs", "1s", "short.ccache");
    let (port, _said) = realm.fasjson(&[]);
    let ccache = |name: &str| format!("ccache = \"FILE:{}\"", realm.path(name));
    let begun = Instant::now();
    // It ends after its second and the second by which clocks may differ.
    let told = loop {
        let told = realm.hubs("localhost", port, &ccache("short.ccache"));
        if !told.status.success() {
            break told;
        }
        assert!(begun.elapsed() < PATIENCE, "the ticket does not end");
    };
    let said = String::from_utf8_lossy(&told.stdout);
    assert!(said.contains("expired; get a new ticket with `kinit`, or set `keytab`"), "{said}");

    realm.ticket("hubs", "1h", "hubs.ccache");
    realm.hubs("localhost", port, &ccache("hubs.ccache"));
    let mut online = Command::new(env!("CARGO_BIN_EXE_hubs"));
    realm.around(&mut online);
    online.args(["check", "--online"]).current_dir(realm.folder.path().join("site"));
    let told = online.stdout(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&told.stdout);
    assert!(
        said.contains(&format!("fas         works  http://localhost:{port}/ as HTTP-client hubs")),
        "{said}"
    );
}

#[test]
fn what_is_wrong_with_a_login_by_kerberos_is_said_with_the_way_out() {
    let Some(mut realm) = Realm::start() else { return };
    let (port, _said) = realm.fasjson(&[]);
    let (unproven, _also) = realm.fasjson(&["unproven"]);
    realm.ticket("hubs", "1h", "hubs.ccache");
    let keytab = |name: &str| format!("keytab = \"{}\"", realm.path(name));
    let ccache = format!("ccache = \"FILE:{}\"", realm.path("hubs.ccache"));
    for (host, port, login, said) in [
        (
            "localhost",
            port,
            format!("ccache = \"FILE:{}\"", realm.path("none")),
            "get a ticket with `kinit`, or set `keytab`",
        ),
        (
            "localhost",
            port,
            keytab("none.keytab"),
            "look at `keytab`: whether hubs may read it, and whether it has the key of `principal`",
        ),
        (
            "localhost",
            port,
            keytab("moved.keytab"),
            "the key was changed since: make the keytab anew",
        ),
        (
            "localhost",
            port,
            format!("principal = \"somebody@HUBS.TEST\"\n{}", keytab("hubs.keytab")),
            "look at `keytab`: whether hubs may read it, and whether it has the key of `principal`",
        ),
        ("127.0.0.1", port, ccache.clone(), "there is no service `HTTP` of the host in `url`"),
        (
            "localhost",
            port,
            keytab("stranger.keytab"),
            "does not let hubs in by Kerberos (Invalid credentials (stranger@HUBS.TEST))",
        ),
        ("localhost", unproven, ccache, "the server does not prove that it is who it should be"),
    ] {
        let told = realm.hubs(host, port, &login);
        let err = String::from_utf8_lossy(&told.stdout);
        assert!(!told.status.success() && err.contains(said), "{host} {login}: {said}\n{err}");
    }
}
