//! What must hold whatever arrives. Each function takes the bytes of one message from outside and panics where it does not.

use hubs::message::{Canonical, parse_frames, parse_json, parse_line};
use serde_json::Value;

/// Nothing that comes by a bus or in a body panics, and the same is said of it each time. What comes over AMQP is
/// decoded by the same reader.
pub(crate) fn message(data: &[u8]) {
    let (once, twice) = (parse_line(data), parse_line(data));
    match (once, twice) {
        (Ok(once), Ok(twice)) => assert_eq!(once.id, twice.id),
        (Err(once), Err(twice)) => assert_eq!(once.to_string(), twice.to_string()),
        _ => panic!("read once, refused once"),
    }
    let mut cut = data.splitn(2, |byte| *byte == 0).map(<[u8]>::to_vec);
    let frames: Vec<Vec<u8>> = cut.by_ref().collect();
    let _ = parse_frames(&frames);
}

/// A signature is over the canonical text, scripts see what the reader makes of the message: both must mean the same. And
/// what is canonical stays as it is.
pub(crate) fn canonical(data: &[u8]) {
    let Ok(read) = Canonical::read(data) else { return };
    let text = read.to_bytes();
    assert!(text.is_ascii());
    let again = Canonical::read(&text).expect("canonical text is JSON").to_bytes();
    assert_eq!(text, again);
    // Halves of surrogate pairs are different to Python and one and the same to us: keys may fall together.
    let halves = text.windows(3).any(|three| three == b"\\ud");
    if let (Ok(meant), Ok(signed), false) = (parse_json(data), parse_json(&text), halves) {
        assert!(same(&meant, &signed), "{meant} is signed as {signed}");
    }
}

/// Numbers in another spelling may differ in their last bit, and Python knows no whole -0.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= a.abs() * 1e-15 || (a == 0.0 && b == 0.0),
            _ => false,
        },
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}
