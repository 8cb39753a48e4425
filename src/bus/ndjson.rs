//! One message a line, in pieces as they come: a request's body, a file.

use crate::message::{MAX_LINE_BYTES, Message, WireError, parse_line};

/// A line and what it is. Blank lines are counted and passed over.
#[derive(Debug)]
pub struct Line {
    /// From 1.
    pub number: usize,
    /// As it came, without its end; empty when it was too long to keep.
    pub text: Vec<u8>,
    pub message: Result<Message, WireError>,
}

/// Cuts a stream of bytes into lines. Holds at most one line of [`MAX_LINE_BYTES`], however long a line goes on.
#[derive(Debug, Default)]
pub struct Lines {
    number: usize,
    begun: Vec<u8>,
    /// Bytes of the current line, those that were thrown away included.
    length: usize,
}

impl Lines {
    /// The lines that this piece ends.
    pub fn push(&mut self, piece: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for part in piece.split_inclusive(|&byte| byte == b'\n') {
            let (part, ends) = part.strip_suffix(b"\n").map_or((part, false), |part| (part, true));
            self.keep(part);
            if ends {
                lines.extend(self.end());
            }
        }
        lines
    }

    /// The last line, when nothing ended it.
    pub fn finish(mut self) -> Option<Line> {
        self.end()
    }

    fn keep(&mut self, part: &[u8]) {
        self.length += part.len();
        if self.length > MAX_LINE_BYTES {
            self.begun = Vec::new();
        } else {
            self.begun.extend_from_slice(part);
        }
    }

    fn end(&mut self) -> Option<Line> {
        self.number += 1;
        let (text, length) = (std::mem::take(&mut self.begun), std::mem::take(&mut self.length));
        let number = self.number;
        if length > MAX_LINE_BYTES {
            return Some(Line { number, text, message: Err(WireError::TooLong(length)) });
        }
        (!text.trim_ascii().is_empty()).then(|| Line { number, message: parse_line(&text), text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[u8] =
        br#"{"topic":"org.fedoraproject.prod.fas.user.create","msg":{},"msg_id":"1"}"#;

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut read: Vec<Line> = pieces.iter().flat_map(|piece| lines.push(piece)).collect();
        read.extend(lines.finish());
        let said = |line: Line| match line.message {
            Ok(message) => format!("{}: {}", line.number, message.id),
            Err(why) => format!("{}: {why}", line.number),
        };
        read.into_iter().map(said).collect()
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let text = [ONE, b"\r\n\n  \n", b"{nonsense}\n", ONE].concat();
        let expected = ["1: 1", "4: no JSON: key must be a string at line 1 column 2", "5: 1"]
            .map(String::from);
        assert_eq!(read(&[&text]), expected);
        for size in [1, 2, 7, 50] {
            assert_eq!(read(&text.chunks(size).collect::<Vec<_>>()), expected, "pieces of {size}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_not_kept_and_the_next_is_read() {
        let piece = vec![b'x'; 64 * 1024];
        let mut lines = Lines::default();
        for _ in 0..100 {
            assert!(lines.push(&piece).is_empty());
            assert!(lines.begun.capacity() <= 2 * MAX_LINE_BYTES);
        }
        let rest = lines.push(&[b"\n", ONE, b"\n"].concat());
        assert_eq!(
            rest[0].message.as_ref().unwrap_err().to_string(),
            "a message of 6553600 bytes: 1048576 is the limit"
        );
        assert_eq!(rest[1].message.as_ref().unwrap().id, "1");
        assert!(lines.finish().is_none());
    }
}
