//! fedmsg over ZeroMQ, from a publisher that is not ours: two frames from Python.

mod own;
mod peer;
mod publishing;
mod signed;

use crate::harness::{TestHouse, have};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Binds a port, says which, and publishes each line that it reads, as fedmsg does; a subscription is waited for.
const PUBLISHER: &str = r#"
import json, sys, zmq
context = zmq.Context()
socket = context.socket(zmq.XPUB)
port = socket.bind_to_random_port("tcp://127.0.0.1")
print(port, flush=True)
socket.recv()
print("subscribed", flush=True)
for line in sys.stdin:
    frames = json.loads(line)
    socket.send_multipart([frame.encode() for frame in frames])
    print("sent", flush=True)
"#;

/// A publisher in another process.
pub(crate) struct Publisher {
    child: Child,
    input: ChildStdin,
    output: BufReader<std::process::ChildStdout>,
}

impl Publisher {
    pub(crate) fn start() -> Self {
        let mut child = Command::new("python3")
            .args(["-c", PUBLISHER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) =
            (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    pub(crate) fn says(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    pub(crate) fn publish(&mut self, frames: &[&str]) {
        writeln!(self.input, "{}", serde_json::to_string(frames).unwrap()).unwrap();
        assert_eq!(self.says(), "sent");
    }
}

pub(crate) fn have_publisher() -> bool {
    let asked = Command::new("python3").args(["-c", "import zmq"]).output();
    have("python-zmq", asked.is_ok_and(|output| output.status.success()))
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_two_frames_redraws_and_malformed_ones_stop_nothing() {
    if !have_publisher() {
        return;
    }
    let mut publisher = Publisher::start();
    let port = publisher.says();
    let configuration = format!(
        "[bus.fedmsg]\nendpoints = [\"tcp://127.0.0.1:{port}\"]\nvalidate_signatures = false\n\
         [[hub]]\nname = \"infra\"\n[[hub.widget]]\nwidget = \"feed\"\nconfig = {{ users = [\"ralph\"] }}\n"
    );
    let house = TestHouse::with(&[("hubs.toml", &configuration)]).await;
    house.instance("infra", "feed").await;
    let mut ear = house.listen("infra").await;
    assert_eq!(publisher.says(), "subscribed");
    let topic = "org.fedoraproject.prod.fedbadges.badge.award";
    publisher.publish(&[topic]);
    publisher.publish(&[topic, "no json"]);
    publisher.publish(&[topic, "{}", "{}"]);
    let award = serde_json::json!({
        "topic": topic, "msg_id": "2014-3df2f1a2", "timestamp": 1_400_000_000, "i": 1, "username": "apache",
        "msg": {
            "user": { "username": "ralph", "badges_user_id": 1 },
            "badge": { "name": "Something on your mind", "badge_id": "something-on-your-mind", "description": "…", "image_url": "https://example.org/x.png" }
        }
    });
    publisher.publish(&[topic, &award.to_string()]);
    let event = ear.next().await;
    assert_eq!(event.data["invalidated_by"]["id"], "2014-3df2f1a2");
    assert!(
        event.data["html"].as_str().unwrap().contains("Something on your mind"),
        "{}",
        event.data["html"]
    );
}
