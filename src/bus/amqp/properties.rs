//! AMQP's tables to JSON and back: what stands in the headers of a message and in the arguments of a queue.

use lapin::types::{AMQPValue, DecimalValue, FieldTable, ShortString};
use serde_json::{Map, Value};

/// The guard has seen to it that there are few levels.
pub(super) fn to_json(table: &FieldTable) -> Map<String, Value> {
    table.inner().iter().map(|(key, item)| (key.to_string(), value(item))).collect()
}

fn value(item: &AMQPValue) -> Value {
    match item {
        AMQPValue::Boolean(it) => (*it).into(),
        AMQPValue::ShortShortInt(it) => (*it).into(),
        AMQPValue::ShortShortUInt(it) => (*it).into(),
        AMQPValue::ShortInt(it) => (*it).into(),
        AMQPValue::ShortUInt(it) => (*it).into(),
        AMQPValue::LongInt(it) => (*it).into(),
        AMQPValue::LongUInt(it) => (*it).into(),
        AMQPValue::LongLongInt(it) => (*it).into(),
        AMQPValue::Float(it) => f64::from(*it).into(),
        AMQPValue::Double(it) => (*it).into(),
        AMQPValue::DecimalValue(DecimalValue { scale, value }) => {
            (f64::from(*value) / 10_f64.powi((*scale).into())).into()
        }
        AMQPValue::ShortString(it) => it.as_str().into(),
        AMQPValue::LongString(it) => String::from_utf8_lossy(it.as_bytes()).into(),
        AMQPValue::ByteArray(it) => String::from_utf8_lossy(it.as_slice()).into(),
        AMQPValue::Timestamp(it) => (*it).into(),
        AMQPValue::FieldArray(items) => items.as_slice().iter().map(value).collect(),
        AMQPValue::FieldTable(table) => to_json(table).into(),
        AMQPValue::Void => Value::Null,
    }
}

/// A key that is too long for AMQP is left out.
pub(super) fn to_table(map: &Map<String, Value>) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in map {
        if let Ok(key) = ShortString::try_new(key.as_str()) {
            table.insert(key, to_amqp(value));
        }
    }
    table
}

/// Numbers become what Python's pika makes of them: a whole number takes no more bytes than it needs.
fn to_amqp(value: &Value) -> AMQPValue {
    match value {
        Value::Null => AMQPValue::Void,
        Value::Bool(it) => AMQPValue::Boolean(*it),
        Value::String(it) => AMQPValue::LongString(it.as_str().into()),
        Value::Array(items) => {
            AMQPValue::FieldArray(items.iter().map(to_amqp).collect::<Vec<_>>().into())
        }
        Value::Object(map) => AMQPValue::FieldTable(to_table(map)),
        Value::Number(number) => match number.as_i64() {
            Some(number) => {
                i32::try_from(number).map_or(AMQPValue::LongLongInt(number), AMQPValue::LongInt)
            }
            None => AMQPValue::Double(number.as_f64().unwrap_or_default()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn headers_come_back_as_they_were() {
        let headers = json!({
            "sent-at": "2024-06-01T12:00:00+00:00", "priority": 0, "fedora_messaging_user_ralph": true,
            "big": 5_000_000_000_i64, "half": 0.5, "none": null, "list": ["a", { "b": [1] }],
        });
        let headers = headers.as_object().unwrap();
        assert_eq!(to_json(&to_table(headers)), *headers);
    }

    #[test]
    fn what_json_has_no_word_for_is_text_a_number_or_nothing() {
        let mut table = FieldTable::default();
        table.insert("bytes".into(), AMQPValue::ByteArray(b"\xff!".as_slice().into()));
        table.insert("time".into(), AMQPValue::Timestamp(7));
        table.insert(
            "decimal".into(),
            AMQPValue::DecimalValue(DecimalValue { scale: 2, value: 125 }),
        );
        table.insert("nan".into(), AMQPValue::Double(f64::NAN));
        let read = Value::Object(to_json(&table));
        assert_eq!((&read["bytes"], &read["time"]), (&json!("\u{fffd}!"), &json!(7)));
        assert_eq!((&read["decimal"], &read["nan"]), (&json!(1.25), &Value::Null));
    }

    #[test]
    fn a_key_that_is_too_long_is_left_out() {
        let headers = json!({ "x".repeat(256): 1, "x": 2 });
        assert_eq!(to_table(headers.as_object().unwrap()).inner().len(), 1);
    }
}
