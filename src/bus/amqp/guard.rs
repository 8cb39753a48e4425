//! Looks at each frame before the AMQP library does, which believes what it reads: it would keep a body of any size in
//! memory, and headers within headers a thousand deep would overflow its stack and end the process.
//!
//! What nests too deep becomes bytes, and what is too long is cut off: long enough that its reader sees it was too long,
//! and refuses that one message. Nothing else is changed.

use crate::message::MAX_LINE_BYTES;
use std::collections::HashMap;
use std::io;

/// A broker sends frames of 128 KiB; RabbitMQ can be told to send longer ones.
const MAX_FRAME_BYTES: usize = 4 << 20;
/// One byte more than a message may have.
const MAX_BODY_BYTES: u64 = MAX_LINE_BYTES as u64 + 1;
/// Nobody nests headers deeper than this.
pub(super) const MAX_DEPTH: usize = 16;

/// Type, channel, size; behind the payload comes one byte more.
const FRAME_HEAD: usize = 7;
const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;

/// What of a body that is too long has yet to come.
#[derive(Debug)]
struct Rest {
    whole: u64,
    wanted: u64,
}

/// The frames of one connection, as they come.
#[derive(Debug, Default)]
pub(super) struct Guard {
    incoming: Vec<u8>,
    /// By channel.
    cut: HashMap<u16, Rest>,
}

impl Guard {
    /// Takes what came, and adds to `out` the frames that are whole now.
    pub(super) fn pass(&mut self, came: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.incoming.extend_from_slice(came);
        let mut incoming = std::mem::take(&mut self.incoming);
        let mut at = 0;
        while let Some(length) = frame_length(&incoming[at..])? {
            self.frame(&mut incoming[at..at + length], out)?;
            at += length;
        }
        incoming.drain(..at);
        self.incoming = incoming;
        Ok(())
    }

    fn frame(&mut self, frame: &mut [u8], out: &mut Vec<u8>) -> io::Result<()> {
        let channel = u16::from_be_bytes([frame[1], frame[2]]);
        let end = frame.len() - 1;
        match frame[0] {
            HEADER => {
                let payload = &mut frame[FRAME_HEAD..end];
                if let Some(rest) = shorten(payload) {
                    self.cut.insert(channel, rest);
                }
                flatten_headers(payload).ok_or_else(|| broken("headers that are no table"))?;
            }
            BODY if let Some(rest) = self.cut.get_mut(&channel) => {
                let length = frame.len() - FRAME_HEAD - 1;
                let kept = usize::try_from(rest.wanted).unwrap_or(length).min(length);
                rest.wanted -= kept as u64;
                rest.whole = rest.whole.saturating_sub(length as u64);
                if rest.whole == 0 {
                    self.cut.remove(&channel);
                }
                if kept > 0 {
                    let size = u32::try_from(kept).expect("shorter than its frame");
                    out.extend_from_slice(&frame[..3]);
                    out.extend_from_slice(&size.to_be_bytes());
                    out.extend_from_slice(&frame[FRAME_HEAD..FRAME_HEAD + kept]);
                    out.push(frame[end]);
                }
                return Ok(());
            }
            _ => {}
        }
        out.extend_from_slice(frame);
        Ok(())
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the broker sent {what}"))
}

/// Of the first frame, once it is there whole.
fn frame_length(bytes: &[u8]) -> io::Result<Option<usize>> {
    let Some(head) = bytes.first_chunk::<FRAME_HEAD>() else { return Ok(None) };
    if ![METHOD, HEADER, BODY, HEARTBEAT].contains(&head[0]) {
        return Err(broken("something that is not AMQP 0-9-1"));
    }
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    if size > MAX_FRAME_BYTES {
        return Err(broken(&format!("a frame of {size} bytes: {MAX_FRAME_BYTES} is the limit")));
    }
    let length = FRAME_HEAD + size + 1;
    Ok((bytes.len() >= length).then_some(length))
}

/// Writes a smaller size over that of a body that is too long.
fn shorten(header: &mut [u8]) -> Option<Rest> {
    let size = header.get_mut(4..12)?;
    let whole = u64::from_be_bytes(size.try_into().ok()?);
    if whole <= MAX_BODY_BYTES {
        return None;
    }
    size.copy_from_slice(&MAX_BODY_BYTES.to_be_bytes());
    Some(Rest { whole, wanted: MAX_BODY_BYTES })
}

/// Finds the table of headers in the header of a message: class, weight and size, then flags, then what they tell of.
fn flatten_headers(header: &mut [u8]) -> Option<()> {
    const CONTENT_TYPE: u16 = 1 << 15;
    const CONTENT_ENCODING: u16 = 1 << 14;
    const HEADERS: u16 = 1 << 13;
    let flags = u16::from_be_bytes(*header.get(12..)?.first_chunk()?);
    let mut at = 14;
    for flag in [CONTENT_TYPE, CONTENT_ENCODING] {
        if flags & flag != 0 {
            at += 1 + usize::from(*header.get(at)?);
        }
    }
    if flags & HEADERS == 0 { Some(()) } else { flatten(header, at) }
}

/// Makes bytes of tables and lists that nest too deep: both begin with their length, so that one letter does it. `None`
/// for what is no table.
fn flatten(bytes: &mut [u8], at: usize) -> Option<()> {
    let mut at = at;
    // Where each table and list ends that we are in, and whether its values have names.
    let mut within = Vec::with_capacity(MAX_DEPTH);
    let outermost = at + 4 + length(bytes, at)?;
    if outermost > bytes.len() {
        return None;
    }
    within.push((outermost, true));
    at += 4;
    while let Some(&(end, has_names)) = within.last() {
        if at == end {
            within.pop();
            continue;
        }
        if has_names {
            at += 1 + usize::from(*bytes.get(at)?);
        }
        let kind = *bytes.get(at)?;
        let kind_at = at;
        at += 1;
        let size = match kind {
            b'V' => 0,
            b't' | b'b' | b'B' => 1,
            b's' | b'U' | b'u' => 2,
            b'I' | b'i' | b'f' => 4,
            b'D' => 5,
            b'L' | b'l' | b'd' | b'T' => 8,
            b'S' | b'x' | b'F' | b'A' => 4 + length(bytes, at)?,
            _ => return None,
        };
        if at + size > end {
            return None;
        }
        if !matches!(kind, b'F' | b'A') {
            at += size;
        } else if within.len() < MAX_DEPTH {
            within.push((at + size, kind == b'F'));
            at += 4;
        } else {
            bytes[kind_at] = b'x';
            at += size;
        }
    }
    Some(())
}

fn length(bytes: &[u8], at: usize) -> Option<usize> {
    let length = u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?);
    usize::try_from(length).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
        let size = u32::try_from(payload.len()).unwrap();
        [&[kind][..], &channel.to_be_bytes(), &size.to_be_bytes(), payload, &[0xCE]].concat()
    }

    /// The header frame of a message with this table.
    fn header(body_size: u64, table: &[u8]) -> Vec<u8> {
        let length = u32::try_from(table.len()).unwrap().to_be_bytes();
        let head = [&[0, 60, 0, 0][..], &body_size.to_be_bytes(), &[0xE0, 0], b"\x04json\x05utf-8"];
        frame(HEADER, 1, &[&head.concat()[..], &length, table].concat())
    }

    fn nested(kind: u8, depth: usize) -> Vec<u8> {
        let mut value = b"V".to_vec();
        for _ in 0..depth {
            let inner = if kind == b'F' { [b"\x01k", &value[..]].concat() } else { value };
            let length = u32::try_from(inner.len()).unwrap().to_be_bytes();
            value = [&[kind][..], &length, &inner].concat();
        }
        [b"\x04deep", &value[..], b"\x01nI\0\0\0\x07"].concat()
    }

    /// What is left of frames, however they are cut into pieces.
    fn passed(frames: &[u8]) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        Guard::default().pass(frames, &mut all)?;
        for size in [1, 5, 4096] {
            let (mut guard, mut out) = (Guard::default(), Vec::new());
            for piece in frames.chunks(size) {
                guard.pass(piece, &mut out)?;
            }
            assert_eq!(out.len(), all.len(), "pieces of {size}");
            assert!(out == all, "pieces of {size}");
        }
        Ok(all)
    }

    #[test]
    fn what_is_sound_goes_through_as_it_is() {
        let table = b"\x01tt\x01\x01bb\x01\x01ss\0\x01\x01ii\0\0\0\x01\x01dd\0\0\0\0\0\0\0\0\x01DD\0\0\0\0\x01\x01xx\0\0\0\x02hi\x01SS\0\0\0\x01h\x01vV";
        let frames = [
            frame(METHOD, 1, b"deliver"),
            header(5, table),
            frame(BODY, 1, b"12345"),
            header(0, &nested(b'F', MAX_DEPTH - 1)),
            frame(HEARTBEAT, 0, b""),
            // Without headers, and with an encoding alone.
            frame(HEADER, 1, &[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0]),
            frame(HEADER, 1, &[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0x40, 0, 1, b'x']),
        ]
        .concat();
        assert!(passed(&frames).unwrap() == frames);
    }

    #[test]
    fn what_nests_too_deep_becomes_bytes() {
        for kind in [b'F', b'A'] {
            for depth in [MAX_DEPTH, 1_000, 15_000] {
                let given = header(0, &nested(kind, depth));
                let passed = passed(&given).unwrap();
                let changed: Vec<_> =
                    given.iter().zip(&passed).filter(|(given, passed)| given != passed).collect();
                assert_eq!(passed.len(), given.len());
                assert_eq!(changed, [(&kind, &b'x')], "{depth}");
            }
        }
    }

    #[test]
    fn a_body_that_is_too_long_is_cut_off_and_the_next_is_whole() {
        let piece = vec![b' '; 100_000];
        let whole = 40 * piece.len() as u64;
        let body = frame(BODY, 1, &piece).repeat(40);
        let next = [header(5, b""), frame(BODY, 1, b"12345")].concat();
        let other = frame(BODY, 2, b"another");
        let frames = [&header(whole, b"")[..], &other, &body, &next].concat();
        let mut out = Vec::new();
        Guard::default().pass(&frames, &mut out).unwrap();
        assert!(out.starts_with(&[header(MAX_BODY_BYTES, b""), other].concat()));
        assert!(out.ends_with(&next));
        let kept = out.split(|byte| *byte == b' ').count() - 1;
        assert_eq!(kept as u64, MAX_BODY_BYTES);
    }

    #[test]
    fn what_is_no_amqp_ends_the_connection() {
        let said = |bytes: &[u8]| passed(bytes).unwrap_err().to_string();
        assert_eq!(said(b"HTTP/1.1 400"), "the broker sent something that is not AMQP 0-9-1");
        assert_eq!(
            said(&[BODY, 0, 1, 0xFF, 0, 0, 0]),
            "the broker sent a frame of 4278190080 bytes: 4194304 is the limit"
        );
        for table in
            [&b"\x01kF\0\0\0\x09"[..], b"\x01k?", b"\x01kI\0", b"\x09k", b"\x01kF\xff\xff\xff\xff"]
        {
            assert_eq!(said(&header(0, table)), "the broker sent headers that are no table");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_frame_is_too_odd(payload: Vec<u8>, size: u64) {
            let mut out = Vec::new();
            let _ = Guard::default().pass(&frame(HEADER, 1, &payload), &mut out);
            let _ = Guard::default().pass(&header(size, &payload), &mut out);
        }
    }
}
