//! A row of datanommer, as the message that it was.

use crate::datanommer::DatanommerError as Error;
use crate::message::{Description, Message, Wire, parse_json};
use jiff::Timestamp;
use serde_json::{Map, Value};
use sqlx::{Row as _, postgres::PgRow};
use std::{fmt::Display, sync::Arc};

pub(super) fn message(row: &PgRow) -> Result<Message, Error> {
    let number: i32 = row.try_get("id")?;
    let unfit = |what: &str, why: &dyn Display| Error::Row {
        by: "datanommer",
        what: format!("{what} of id {number}: {why}"),
    };
    let topic: String = row.try_get("topic")?;
    let headers: Option<String> = row.try_get("headers")?;
    let headers = headers.map(|text| parse_json(text.as_bytes())).transpose();
    let mut headers = match headers.map_err(|why| unfit("headers", &why))? {
        Some(Value::Object(headers)) => headers,
        _ => Map::new(),
    };
    // datanommer keeps no word on the bus; these are headers of the new one only.
    let is_modern = ["fedora_messaging_schema", "sent-at"].iter().any(|h| headers.contains_key(*h));
    let wire = if is_modern { Wire::FedoraMessaging } else { Wire::Fedmsg };
    if let (Wire::Fedmsg, Some(sender)) = (wire, row.try_get::<Option<String>, _>("agent_name")?) {
        headers.insert("username".into(), sender.into());
    }
    let body = parse_json(row.try_get::<&str, _>("msg")?.as_bytes());
    let id: Option<String> = row.try_get("msg_id")?;
    let topic = crate::message::Topic::from(topic);
    Ok(Message {
        id: id.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("datanommer-{number}")),
        sent_at: Timestamp::from_microsecond(row.try_get("micros")?)
            .map_err(|why| unfit("timestamp", &why))?,
        wire,
        body: Arc::new(body.map_err(|why| unfit("msg", &why))?),
        headers: Arc::new(headers),
        description: Description {
            title: topic.suffix().into(),
            usernames: row.try_get("users")?,
            packages: row.try_get("packages")?,
            ..Description::default()
        },
        topic,
    })
}
