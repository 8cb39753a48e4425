//! One line of a recording, the two frames of fedmsg, or what AMQP delivers, to a [`Message`]; and back to a line.
//!
//! Three formats, told apart per line: a fedmsg envelope, the same as datagrepper hands it out (a float time, source
//! fields added), and the line that `fedora-messaging` records. Field by field: docs/ARCHITECTURE.md, "Messages".

use super::{Description, Message, Topic, Wire};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A longer line or frame is refused unread: Fedora's brokers refuse such messages too.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// Longest topic that a broker carries (AMQP routing key).
const MAX_TOPIC_BYTES: usize = 255;

/// Before the hash that stands for an id.
const UNNAMED: &str = "unnamed-";

impl Message {
    /// Whether its sender gave it an id: without one, two messages that say the same are not told apart.
    pub fn is_named(&self) -> bool {
        !self.id.starts_with(UNNAMED)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("a message of {0} bytes: {MAX_LINE_BYTES} is the limit")]
    TooLong(usize),
    #[error("no JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("a JSON {0} where an object with a `topic` was due")]
    NoObject(&'static str),
    #[error("no `topic`: a message has one, as text")]
    NoTopic,
    #[error("`topic` has {0} bytes: 255 is the limit")]
    LongTopic(usize),
    #[error("neither `msg` (fedmsg) nor `body` (Fedora Messaging): the payload is missing")]
    NoPayload,
    #[error("a body that is a JSON {0}, where Fedora Messaging sends an object")]
    BodyKind(&'static str),
    #[error("its body is said to be `{0}`: only UTF-8 is read")]
    Encoding(String),
    #[error("{0} frames where fedmsg sends two, topic and envelope")]
    Frames(usize),
    #[error("its envelope says `{0}`, another topic than its first frame")]
    OtherTopic(String),
}

impl WireError {
    /// For counters: few, short, the same for every message with the same fault.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLong(_) => "too long",
            Self::Json(_) => "no JSON",
            Self::NoObject(_) | Self::BodyKind(_) => "no object",
            Self::NoTopic => "no topic",
            Self::LongTopic(_) => "long topic",
            Self::NoPayload => "no payload",
            Self::Encoding(_) => "encoding",
            Self::Frames(_) => "frames",
            Self::OtherTopic(_) => "topic mismatch",
        }
    }
}

/// One line of a recording in any of the formats.
pub fn parse_line(line: &[u8]) -> Result<Message, WireError> {
    if line.len() > MAX_LINE_BYTES {
        return Err(WireError::TooLong(line.len()));
    }
    match parse_json(line)? {
        Value::Object(envelope) => from_object(envelope),
        other => Err(WireError::NoObject(kind_of(&other))),
    }
}

/// The frames of one ZeroMQ message of fedmsg. An envelope that is no object, or lacks a topic, is the payload itself.
pub fn parse_frames(frames: &[Vec<u8>]) -> Result<Message, WireError> {
    let [topic, envelope] = frames else { return Err(WireError::Frames(frames.len())) };
    if envelope.len() > MAX_LINE_BYTES {
        return Err(WireError::TooLong(envelope.len()));
    }
    let topic = String::from_utf8_lossy(topic);
    match parse_json(envelope)? {
        Value::Object(object) if object.contains_key("topic") => {
            let message = from_object(object)?;
            // Subscriptions go by the first frame; who sends two topics wants to get past one of them.
            if message.topic.as_str() != topic {
                return Err(WireError::OtherTopic(message.topic.into()));
            }
            Ok(message)
        }
        payload => {
            let mut object = Map::new();
            object.insert("topic".into(), topic.into());
            object.insert("msg".into(), payload);
            from_object(object)
        }
    }
}

/// What an AMQP broker delivers: the routing key, the properties that Fedora Messaging uses, and the body.
#[derive(Debug, Clone, Default)]
pub struct Properties<'a> {
    pub topic: &'a str,
    pub id: Option<&'a str>,
    pub content_encoding: Option<&'a str>,
    pub headers: Map<String, Value>,
}

/// A message of Fedora Messaging as AMQP delivers it.
pub fn parse_delivery(properties: Properties<'_>, body: &[u8]) -> Result<Message, WireError> {
    if body.len() > MAX_LINE_BYTES {
        return Err(WireError::TooLong(body.len()));
    }
    if let Some(encoding) = properties.content_encoding
        && !["", "utf-8", "utf8", "ascii", "us-ascii"]
            .contains(&encoding.to_ascii_lowercase().as_str())
    {
        return Err(WireError::Encoding(encoding.chars().take(40).collect()));
    }
    let body = parse_json(body)?;
    if !body.is_object() {
        return Err(WireError::BodyKind(kind_of(&body)));
    }
    let mut envelope = Map::new();
    envelope.insert("topic".into(), properties.topic.into());
    envelope.insert("id".into(), properties.id.into());
    envelope.insert("headers".into(), properties.headers.into());
    envelope.insert("body".into(), body);
    from_object(envelope)
}

/// The message as its own bus writes it into a recording: one JSON object, which [`parse_line`] reads again. Of fedmsg
/// without what only its signature is about.
pub fn to_line(message: &Message) -> Value {
    match message.wire {
        Wire::Fedmsg => {
            let micros = message.sent_at.as_microsecond();
            #[expect(
                clippy::cast_precision_loss,
                reason = "a float of seconds is fedmsg's own format"
            )]
            let timestamp = match micros % 1_000_000 {
                0 => json!(micros / 1_000_000),
                _ => json!(micros as f64 / 1e6),
            };
            let mut headers = (*message.headers).clone();
            let username = headers.remove("username");
            let mut line = json!({
                "topic": message.topic,
                "msg": message.body,
                "msg_id": message.id,
                "timestamp": timestamp,
                "headers": headers,
            });
            if let Some(username) = username {
                line["username"] = username;
            }
            line
        }
        // Of what fedora-messaging refuses to read there is nothing: `headers` and `body` are objects, `id` is text.
        Wire::FedoraMessaging => json!({
            "topic": message.topic,
            "headers": message.headers,
            "id": message.id,
            "body": message.body,
            "queue": null,
            "priority": message.headers.get("priority").and_then(Value::as_u64).unwrap_or(0),
        }),
    }
}

fn from_object(mut envelope: Map<String, Value>) -> Result<Message, WireError> {
    let Some(Value::String(topic)) = envelope.remove("topic") else {
        return Err(WireError::NoTopic);
    };
    if topic.len() > MAX_TOPIC_BYTES {
        return Err(WireError::LongTopic(topic.len()));
    }
    if topic.is_empty() {
        return Err(WireError::NoTopic);
    }
    let topic = Topic::from(topic);
    let mut headers = match envelope.remove("headers") {
        Some(Value::Object(headers)) => headers,
        _ => Map::new(),
    };
    let (wire, body) = match (envelope.remove("msg"), envelope.remove("body")) {
        (Some(msg), _) => (Wire::Fedmsg, msg),
        (None, Some(body)) => (Wire::FedoraMessaging, body),
        (None, None) => return Err(WireError::NoPayload),
    };
    // The only word of fedmsg on its sender that is outside the payload: an operating system's user, not an account.
    if let (Wire::Fedmsg, Some(Value::String(sender))) = (wire, envelope.remove("username")) {
        headers.insert("username".into(), sender.into());
    }
    let text = |value: Option<Value>| match value {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    let (id, sent_at) = match wire {
        Wire::Fedmsg => (
            text(envelope.remove("msg_id")),
            envelope.get("timestamp").and_then(Value::as_f64).and_then(from_seconds),
        ),
        Wire::FedoraMessaging => (
            text(envelope.remove("id")),
            headers.get("sent-at").and_then(Value::as_str).and_then(from_iso),
        ),
    };
    let id = id.unwrap_or_else(|| {
        let seen = format!("{topic} {sent_at:?} {body}");
        format!("{UNNAMED}{:032x}", xxhash_rust::xxh3::xxh3_128(seen.as_bytes()))
    });
    let description = Description {
        title: topic.suffix().into(),
        usernames: named(&headers, "fedora_messaging_user_"),
        packages: named(&headers, "fedora_messaging_rpm_"),
        ..Description::default()
    };
    Ok(Message {
        id,
        topic,
        sent_at: sent_at.unwrap_or_else(Timestamp::now),
        wire,
        body: Arc::new(body),
        headers: Arc::new(headers),
        description,
    })
}

/// Seconds since 1970, with fraction. `None` for what no clock says.
fn from_seconds(seconds: f64) -> Option<Timestamp> {
    let micros = (seconds * 1e6).round();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast saturates, and the range is checked behind it"
    )]
    (micros.is_finite()).then(|| Timestamp::from_microsecond(micros as i64).ok()).flatten()
}

/// ISO 8601, which is UTC where it names no offset.
fn from_iso(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| TimeZone::UTC.to_timestamp(text.parse().ok()?).ok())
}

/// JSON as Python writes it: `NaN` and `Infinity` bare, and halves of surrogate pairs, which no other reader takes.
pub fn parse_json(text: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(text).or_else(|why| match without_pythonisms(text) {
        Some(text) => serde_json::from_slice(&text),
        None => Err(why),
    })
}

/// `null` for what is no number, U+FFFD for a lone surrogate; nothing when there was nothing to replace.
fn without_pythonisms(text: &[u8]) -> Option<Vec<u8>> {
    let (mut out, mut at, mut in_string) = (Vec::with_capacity(text.len()), 0, false);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (length, replacement): (usize, Option<&[u8]>) = match rest {
            [b'"', ..] => {
                in_string = !in_string;
                (1, None)
            }
            [b'\\', b'u', ..] if in_string => {
                match (surrogate(rest), rest.get(6..).and_then(surrogate)) {
                    (Some(Half::High), Some(Half::Low)) => (12, None),
                    (Some(_), _) => (6, Some(b"\\ufffd")),
                    (None, _) => (2, None),
                }
            }
            [b'\\', _, ..] if in_string => (2, None),
            [b'N', b'a', b'N', ..] if !in_string => (3, Some(b"null")),
            [b'-', b'I', ..] if !in_string && rest.starts_with(b"-Infinity") => (9, Some(b"null")),
            [b'I', ..] if !in_string && rest.starts_with(b"Infinity") => (8, Some(b"null")),
            _ => (1, None),
        };
        out.extend_from_slice(replacement.unwrap_or(&rest[..length]));
        at += length;
    }
    (out != text).then_some(out)
}

enum Half {
    High,
    Low,
}

/// Which half of a surrogate pair an escape `\udXXX` is.
fn surrogate(escape: &[u8]) -> Option<Half> {
    let [b'\\', b'u', b'd' | b'D', digit, _, _, ..] = escape else { return None };
    match digit {
        b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => Some(Half::High),
        b'c'..=b'f' | b'C'..=b'F' => Some(Half::Low),
        _ => None,
    }
}

/// The names that headers give, one header each: `fedora_messaging_user_lmacken = true`. A null user is nobody.
fn named(headers: &Map<String, Value>, prefix: &str) -> Vec<String> {
    // `Map` is sorted by key, so the names come sorted.
    headers
        .iter()
        .filter(|(_, on)| on.as_bool() != Some(false))
        .filter_map(|(key, _)| key.strip_prefix(prefix))
        .filter(|name| !name.is_empty() && *name != "None")
        .map(Into::into)
        .collect()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_becomes_the_same_kind_of_message() {
        let fedmsg = parse_line(
            br#"{"topic":"org.fedoraproject.prod.fas.user.create","msg":{"user":"ralph"},"timestamp":1700000000,"msg_id":"2023-1","i":1,"username":"apache"}"#,
        )
        .unwrap();
        assert_eq!(fedmsg.wire, Wire::Fedmsg);
        assert_eq!(fedmsg.headers["username"], "apache");
        assert_eq!(fedmsg.sent_at.to_string(), "2023-11-14T22:13:20Z");
        let grepped = parse_line(
            br#"{"topic":"org.fedoraproject.prod.fas.user.create","msg":{"user":"ralph"},"timestamp":1700000000.25,"msg_id":"2023-1","source_name":"datanommer","source_version":"1","headers":{}}"#,
        )
        .unwrap();
        assert_eq!(grepped.sent_at.to_string(), "2023-11-14T22:13:20.25Z");
        let modern = parse_line(
            br#"{"topic":"org.fedoraproject.prod.copr.build.end","id":"7","queue":null,"body":{"user":"ralph"},"headers":{"sent-at":"2024-06-01T12:00:00+00:00","fedora_messaging_user_ralph":true,"fedora_messaging_user_None":true,"fedora_messaging_rpm_python-requests":true}}"#,
        )
        .unwrap();
        assert_eq!(modern.wire, Wire::FedoraMessaging);
        assert_eq!(modern.sent_at.to_string(), "2024-06-01T12:00:00Z");
        assert_eq!(modern.description.usernames, ["ralph"]);
        assert_eq!(modern.description.packages, ["python-requests"]);
    }

    #[test]
    fn what_is_no_message_is_refused_by_name() {
        let said = |line: &[u8]| parse_line(line).unwrap_err().to_string();
        assert_eq!(said(b"[1]"), "a JSON array where an object with a `topic` was due");
        assert_eq!(said(br#"{"msg":{}}"#), "no `topic`: a message has one, as text");
        assert_eq!(
            said(br#"{"topic":"a.b.c"}"#),
            "neither `msg` (fedmsg) nor `body` (Fedora Messaging): the payload is missing"
        );
        assert!(said(b"{").starts_with("no JSON: "));
        assert!(said(&vec![b' '; MAX_LINE_BYTES + 1]).contains("1048576 is the limit"));
        assert!(
            said(format!(r#"{{"topic":"{}","msg":{{}}}}"#, "x".repeat(256)).as_bytes())
                .contains("255")
        );
    }

    #[test]
    fn two_frames_are_fedmsg_and_three_are_not() {
        let topic = b"org.fedoraproject.dev.x.y".to_vec();
        let bare = parse_frames(&[topic.clone(), b"{\"n\":1}".to_vec()]).unwrap();
        assert_eq!(bare.topic.as_str(), "org.fedoraproject.dev.x.y");
        assert_eq!(bare.body["n"], 1);
        let said = parse_frames(&[topic.clone(), topic, vec![]]).unwrap_err().to_string();
        assert_eq!(said, "3 frames where fedmsg sends two, topic and envelope");
    }

    #[test]
    fn a_second_topic_in_the_envelope_is_refused() {
        let envelope = br#"{"topic":"org.fedoraproject.dev.a.b","msg":{}}"#.to_vec();
        assert!(parse_frames(&[b"org.fedoraproject.dev.a.b".to_vec(), envelope.clone()]).is_ok());
        let why = parse_frames(&[b"org.fedoraproject.dev".to_vec(), envelope]).unwrap_err();
        assert_eq!(why.reason(), "topic mismatch");
        assert_eq!(
            why.to_string(),
            "its envelope says `org.fedoraproject.dev.a.b`, another topic than its first frame"
        );
    }

    #[test]
    fn json_is_read_as_python_writes_it() {
        let body = |payload: &str| {
            let line = format!(r#"{{"topic":"a.b.c.d","msg":{payload}}}"#);
            parse_line(line.as_bytes()).map(|message| message.body.to_string())
        };
        for (written, read) in [
            (r"[NaN,-Infinity,Infinity,-1]", r"[null,null,null,-1]"),
            (r#"["NaN",NaN,"\"NaN\\",NaN]"#, r#"["NaN",null,"\"NaN\\",null]"#),
            (
                r#"["\ud83d\ude00","\ud83d","\ude00x","\uD83Dn"]"#,
                "[\"😀\",\"\u{fffd}\",\"\u{fffd}x\",\"\u{fffd}n\"]",
            ),
            (r#"["\\ud83d",NaN]"#, r#"["\\ud83d",null]"#),
        ] {
            assert_eq!(body(written).unwrap(), read, "{written}");
        }
        assert!(body("[Nan]").is_err());
    }

    #[test]
    fn a_delivery_is_the_message_that_its_line_would_be() {
        let headers =
            json!({ "sent-at": "2024-06-01T12:00:00+00:00", "fedora_messaging_user_ralph": true });
        let line = json!({ "topic": "org.fedoraproject.prod.copr.build.end", "id": "7", "body": { "n": 1 }, "headers": headers });
        let properties = |encoding| Properties {
            topic: "org.fedoraproject.prod.copr.build.end",
            id: Some("7"),
            content_encoding: encoding,
            headers: headers.as_object().unwrap().clone(),
        };
        let delivered = parse_delivery(properties(Some("UTF-8")), br#"{"n": 1}"#).unwrap();
        assert_eq!(delivered, parse_line(line.to_string().as_bytes()).unwrap());
        let refused = |properties, body: &[u8]| {
            let why = parse_delivery(properties, body).unwrap_err();
            (why.reason(), why.to_string())
        };
        assert_eq!(
            refused(properties(None), b"[1]"),
            (
                "no object",
                "a body that is a JSON array, where Fedora Messaging sends an object".into()
            )
        );
        assert_eq!(refused(properties(None), b"{").0, "no JSON");
        assert_eq!(refused(properties(None), b"\xff").0, "no JSON");
        assert_eq!(refused(properties(None), &vec![b' '; MAX_LINE_BYTES + 1]).0, "too long");
        assert_eq!(
            refused(properties(Some("gzip")), b"{}"),
            ("encoding", "its body is said to be `gzip`: only UTF-8 is read".into())
        );
        assert_eq!(refused(Properties::default(), b"{}").0, "no topic");
    }

    #[test]
    fn a_line_that_is_written_is_read_as_the_same_message() {
        for line in [
            r#"{"topic":"org.fedoraproject.prod.fas.user.create","msg":{"user":"ralph"},"timestamp":1700000000,"msg_id":"2023-1","i":1,"username":"apache"}"#,
            r#"{"topic":"org.fedoraproject.prod.fas.user.create","msg":{},"timestamp":1700000000.25,"msg_id":"2023-1","headers":{"a":1}}"#,
            r#"{"topic":"org.fedoraproject.prod.copr.build.end","id":"7","queue":"q","priority":3,"body":{"user":"ralph"},"headers":{"sent-at":"2024-06-01T12:00:00+00:00","priority":3}}"#,
            r#"{"topic":"a.b.c.d","body":{},"id":"1","headers":{"sent-at":"2024-06-01T12:00:00+00:00"}}"#,
        ] {
            let message = parse_line(line.as_bytes()).unwrap();
            let written = to_line(&message);
            assert_eq!(parse_line(written.to_string().as_bytes()).unwrap(), message, "{written}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_arrives_is_read_or_refused(bytes: Vec<u8>, text in r#"([\[{}\]:,"\\\\uNaInfity0-9d-]|topic|msg)*"#) {
            for line in [&bytes[..], text.as_bytes()] {
                let _ = parse_line(line);
                let _ = parse_frames(&[b"a.b.c.d".to_vec(), line.to_vec()]);
            }
        }

        #[test]
        fn good_json_is_left_alone(text: String, number: f64) {
            let json = serde_json::json!([text, number, null]).to_string();
            proptest::prop_assert_eq!(without_pythonisms(json.as_bytes()), None);
        }
    }

    #[test]
    fn a_time_without_an_offset_is_utc() {
        for at in ["2024-06-01T12:00:00", "2024-06-01T12:00:00Z", "2024-06-01T14:00:00+02:00"] {
            assert_eq!(from_iso(at).unwrap().to_string(), "2024-06-01T12:00:00Z", "{at}");
        }
        assert_eq!(from_iso("yesterday"), None);
    }

    #[test]
    fn a_message_without_an_id_keeps_the_same_one() {
        let line = br#"{"topic":"org.fedoraproject.prod.git.x","msg":{"a":1},"timestamp":1}"#;
        assert_eq!(parse_line(line).unwrap().id, parse_line(line).unwrap().id);
    }
}
