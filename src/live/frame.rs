//! What goes over the wire: an announcement as one event, and the ids by which a client says where it was.

use crate::hub::InstanceId;
use bytes::Bytes;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

pub(super) const HEARTBEAT: &[u8] = b":\n\n";

/// How long a browser waits before it connects again.
const RETRY: Duration = Duration::from_secs(3);

/// The first frame of a stream, with the id from which it goes on, where the client is not behind.
pub(super) fn opening(id: Option<EventId>) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("retry: {}\n{id}\n", RETRY.as_millis()).into()
}

/// Moves a client's `Last-Event-ID` on; no script hears of it.
pub(super) fn caught_up(id: EventId) -> Bytes {
    format!("id: {id}\n\n").into()
}

/// What happened to a hub or one of its widgets, with the JSON that browsers get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    pub kind: Kind,
    pub data: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Widget(InstanceId),
    Removed(InstanceId),
    /// Something is wrong with a widget's files, or no longer is: whoever may edit it looks at what.
    Problem(InstanceId),
    Hub,
}

/// What an event is about: of each subject a client needs only the newest.
#[derive(PartialEq, Eq)]
enum Subject {
    Widget(InstanceId),
    Problem(InstanceId),
    Hub,
}

impl Kind {
    /// Whether the newer of the two is all that a client needs.
    pub(super) fn replaces(self, older: Kind) -> bool {
        self.subject() == older.subject()
    }

    fn subject(self) -> Subject {
        match self {
            Self::Widget(id) | Self::Removed(id) => Subject::Widget(id),
            Self::Problem(id) => Subject::Problem(id),
            Self::Hub => Subject::Hub,
        }
    }

    fn event(self) -> &'static str {
        match self {
            Self::Widget(_) => "widget",
            Self::Removed(_) => "removed",
            Self::Problem(_) => "problem",
            Self::Hub => "hub",
        }
    }
}

impl Announcement {
    /// Says which widget, and nothing of what is wrong: every reader of the hub hears it.
    pub fn problem(id: InstanceId) -> Self {
        Self { kind: Kind::Problem(id), data: format!("{{\"id\":{id}}}").into() }
    }

    pub(super) fn encode(&self, id: impl fmt::Display) -> Bytes {
        let head = format!("id: {id}\nevent: {}\n", self.kind.event());
        let mut frame = Vec::with_capacity(head.len() + self.data.len() + 16);
        frame.extend_from_slice(head.as_bytes());
        // A line break would end the field, and what follows it could pass for an event of ours.
        for line in self.data.split(|byte| matches!(byte, b'\n' | b'\r')) {
            frame.extend_from_slice(b"data: ");
            frame.extend_from_slice(line);
            frame.push(b'\n');
        }
        frame.push(b'\n');
        frame.into()
    }
}

/// `<epoch>-<sequence>`, the epoch in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EventId {
    pub(super) epoch: u64,
    pub(super) sequence: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch, self.sequence)
    }
}

impl FromStr for EventId {
    /// Whoever sends such an id has seen nothing of ours: there is nothing to explain.
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, sequence) = text.split_once('-').ok_or(())?;
        Ok(Self {
            epoch: u64::from_str_radix(epoch, 16).map_err(drop)?,
            sequence: sequence.parse().map_err(drop)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(kind: Kind, data: &'static str) -> Bytes {
        Announcement { kind, data: data.into() }.encode(EventId { epoch: 0xab, sequence: 7 })
    }

    #[test]
    fn an_event_is_id_kind_and_data() {
        assert_eq!(
            encoded(Kind::Widget(InstanceId(3)), r#"{"id":3}"#),
            "id: ab-7\nevent: widget\ndata: {\"id\":3}\n\n"
        );
        assert_eq!(encoded(Kind::Hub, "{}"), "id: ab-7\nevent: hub\ndata: {}\n\n");
        assert_eq!(
            encoded(Kind::Removed(InstanceId(3)), ""),
            "id: ab-7\nevent: removed\ndata: \n\n"
        );
    }

    #[test]
    fn a_problem_replaces_an_older_one_of_its_widget_and_not_the_widget() {
        let (widget, problem) = (Kind::Widget(InstanceId(3)), Kind::Problem(InstanceId(3)));
        assert!(
            problem.replaces(problem) && !problem.replaces(widget) && !widget.replaces(problem)
        );
        assert!(!problem.replaces(Kind::Problem(InstanceId(4))) && !problem.replaces(Kind::Hub));
        let frame = Announcement::problem(InstanceId(3)).encode("ab-7");
        assert_eq!(frame, "id: ab-7\nevent: problem\ndata: {\"id\":3}\n\n");
    }

    #[test]
    fn line_breaks_in_the_data_cannot_forge_an_event() {
        for data in ["{\n\nevent: hub\ndata: {}\n\n}", "{\r\revent: hub\r\n\r\n}"] {
            let frame = encoded(Kind::Widget(InstanceId(3)), data);
            let text = std::str::from_utf8(&frame).unwrap();
            let body = text.strip_suffix("\n\n").unwrap();
            assert!(!body.contains("\n\n") && !body.contains('\r'), "{text:?}");
            assert_eq!(body.lines().filter(|line| line.starts_with("event:")).count(), 1);
        }
    }

    #[test]
    fn an_id_is_read_back_and_nothing_else_is() {
        let id = EventId { epoch: u64::MAX, sequence: 12 };
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in
            ["", "-", "ab", "ab-", "-1", "xyz-1", "ab--1", "ab-1-2", "ab-99999999999999999999"]
        {
            assert_eq!(bad.parse::<EventId>(), Err(()), "{bad}");
        }
    }
}
