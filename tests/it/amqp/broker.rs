//! A private RabbitMQ in a temporary folder, one for all tests of a run. Each test has a vhost of its own in it.

use crate::harness::have;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Instant;
use tempfile::TempDir;

pub(crate) struct Broker {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
    tls_port: u16,
    /// Ends the broker when this process ends: its keeper waits for the other end of a pipe.
    _keeper: Mutex<Child>,
}

/// Starts the broker, waits for the end of its input, and leaves nothing behind.
const KEEPER: &str = r#"
cd "$2"
setsid "$1/rabbitmq-server" > out 2>&1 < /dev/null &
cat > /dev/null
# It is a script and its children: the whole group.
kill -9 -$!
wait $! 2> /dev/null
cd /
rm -rf "$2"
"#;

/// A CA, a certificate of the broker for `localhost`, one of the user `hubs`, and one of another CA.
const CERTIFICATES: &str = r#"
set -e
cd "$1"
printf 'basicConstraints=critical,CA:true\n' > ca.ext
printf 'subjectAltName=DNS:localhost\n' > broker.ext
printf 'extendedKeyUsage=clientAuth\n' > client.ext
ca() { openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -keyout $1.key -out $1.pem; }
signed() {
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$3" -keyout $2.key -out $2.csr
    openssl x509 -req -in $2.csr -CA $1.pem -CAkey $1.key -CAcreateserial -days 2 -extfile $4.ext -out $2.pem
}
ca ca; ca other
signed ca broker localhost broker
signed ca client hubs client
signed ca stranger nobody client
"#;

static BROKER: OnceLock<Option<Broker>> = OnceLock::new();

/// Nothing, once it has been said, where there is no RabbitMQ.
pub(crate) fn broker() -> Option<&'static Broker> {
    let broker = BROKER.get_or_init(Broker::start).as_ref();
    have("rabbitmq", broker.is_some());
    broker
}

/// Where RabbitMQ's own scripts are: those in the PATH of Debian want to be another user.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::iter::once(PathBuf::from("/usr/lib/rabbitmq/bin"));
    debian.chain(std::env::split_paths(&path)).find(|folder| {
        ["rabbitmq-server", "rabbitmqctl"].iter().all(|name| folder.join(name).is_file())
    })
}

/// A port that was free a moment ago.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Broker {
    fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = TempDir::new().unwrap().keep();
        let made =
            Command::new("sh").args(["-c", CERTIFICATES, "sh"]).arg(&folder).output().ok()?;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let (port, tls_port, at) = (port(), port(), folder.display());
        let configuration = format!(
            "listeners.tcp.1 = 127.0.0.1:{port}\nlisteners.ssl.1 = 127.0.0.1:{tls_port}\n\
             ssl_options.cacertfile = {at}/ca.pem\nssl_options.certfile = {at}/broker.pem\nssl_options.keyfile = {at}/broker.key\n\
             ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = false\nssl_cert_login_from = common_name\n\
             auth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = EXTERNAL\nlog.console = false\n"
        );
        std::fs::write(folder.join("rabbitmq.conf"), configuration).unwrap();
        std::fs::write(folder.join("plugins"), "[rabbitmq_auth_mechanism_ssl].").unwrap();
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "sh"]).arg(&programs).arg(&folder).stdin(Stdio::piped());
        let keeper = surroundings(&mut keeper, &folder, port).spawn().ok()?;
        let broker = Self { folder, programs, port, tls_port, _keeper: Mutex::new(keeper) };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", tls_port)).is_err() {
            assert!(begun.elapsed().as_secs() < 90, "RabbitMQ does not start: {}", broker.log());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        // The user whose name is in the certificate, as Fedora's `fedora`.
        broker.eval("rabbit_auth_backend_internal:add_user(<<\"hubs\">>, <<\"not hunter2\">>, <<\"test\">>)");
        Some(broker)
    }

    fn log(&self) -> String {
        let mut text = String::new();
        let _ =
            std::fs::File::open(self.folder.join("out")).map(|mut f| f.read_to_string(&mut text));
        text
    }

    /// Runs an expression of Erlang in the broker, and returns what it says.
    pub(crate) fn eval(&self, expression: &str) -> String {
        let mut command = Command::new(self.programs.join("rabbitmqctl"));
        command.args(["--quiet", "eval", &format!("{expression}.")]);
        let output = surroundings(&mut command, &self.folder, self.port).output().unwrap();
        let (said, why) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{expression}: {said}{why}");
        said.trim().to_owned()
    }

    /// A vhost for one test, in which `guest` and `hubs` may do what they like.
    pub(crate) fn vhost(&'static self, name: &str) -> Vhost {
        let permit = |user: &str| {
            let any = "<<\".*\">>";
            format!(
                "rabbit_auth_backend_internal:set_permissions(<<\"{user}\">>, <<\"{name}\">>, {any}, {any}, {any}, <<\"test\">>)"
            )
        };
        let add = format!("rabbit_vhost:add(<<\"{name}\">>, <<\"test\">>)");
        self.eval(&format!("{add}, {}, {}", permit("guest"), permit("hubs")));
        Vhost { broker: self, name: name.into() }
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

fn surroundings<'c>(command: &'c mut Command, folder: &Path, port: u16) -> &'c mut Command {
    let at = |name: &str| folder.join(name);
    command
        .env("HOME", folder)
        .env("RABBITMQ_NODENAME", format!("hubs-test-{port}@localhost"))
        .env("RABBITMQ_DIST_PORT", (self::port()).to_string())
        .env("RABBITMQ_MNESIA_BASE", at("mnesia"))
        .env("RABBITMQ_LOG_BASE", at("log"))
        .env("RABBITMQ_PID_FILE", at("pid"))
        .env("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf"))
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", at("advanced.config"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("plugins"))
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
}

pub(crate) struct Vhost {
    pub(crate) broker: &'static Broker,
    pub(crate) name: String,
}

impl Vhost {
    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/{}", self.broker.port, self.name)
    }

    pub(crate) fn tls_url(&self, user: &str) -> String {
        format!("amqps://{user}@localhost:{}/{}", self.broker.tls_port, self.name)
    }

    /// How many messages a queue has: ready, and delivered but not acknowledged.
    pub(crate) fn messages(&self, queue: &str) -> String {
        self.of_queue(queue, "[messages_ready, messages_unacknowledged]")
    }

    pub(crate) fn consumers(&self, queue: &str) -> usize {
        let said = self.of_queue(queue, "[consumers]");
        said.trim_start_matches("[{consumers,").trim_end_matches("}]").parse().unwrap_or_default()
    }

    fn of_queue(&self, queue: &str, what: &str) -> String {
        let name = format!("rabbit_misc:r(<<\"{}\">>, queue, <<\"{queue}\">>)", self.name);
        self.broker.eval(&format!(
            "case rabbit_amqqueue:lookup({name}) of {{ok, Q}} -> rabbit_amqqueue:info(Q, {what}); Other -> Other end"
        ))
    }
}
