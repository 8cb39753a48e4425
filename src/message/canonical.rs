//! A JSON object as Python signs it: `json.dumps(…, sort_keys=True, separators=(",", ":"))`, byte for byte.
//!
//! The text is rewritten in one pass and never becomes values: an integer of any size, `1.0` beside `1`, `NaN` and half a
//! surrogate pair would not survive that, and a signature is over exactly those. Objects that are in order already, as
//! fedmsg sends them, are not moved. Takes what Python's `json.loads` takes, except that nesting is bounded.

use std::{cmp::Ordering, ops::Range, str::from_utf8};

/// As deep as `serde_json` reads, at least: what is deeper is no message anyway.
const DEEPEST: usize = 128;

/// No JSON object, as Python reads them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no JSON object that could be signed: {what} at byte {at}")]
pub struct CanonicalError {
    what: &'static str,
    at: usize,
}

/// An object: its members by key, each with its value in canonical form.
#[derive(Debug, Clone)]
pub struct Canonical {
    out: Vec<u8>,
    members: Vec<Member>,
}

/// Where in the output a key (without its quotes) and its value stand.
#[derive(Debug, Clone)]
struct Member {
    key: Range<usize>,
    value: Range<usize>,
}

impl Canonical {
    pub fn read(text: &[u8]) -> Result<Self, CanonicalError> {
        let text = from_utf8(text)
            .map_err(|e| CanonicalError { what: "no UTF-8", at: e.valid_up_to() })?
            .as_bytes();
        let mut scanner = Scanner { text, at: 0, out: Vec::with_capacity(text.len()) };
        scanner.space();
        let mut members = scanner.members(1)?;
        scanner.space();
        if scanner.at != text.len() {
            return Err(scanner.unfit("something behind the object"));
        }
        order(&mut members, &scanner.out);
        Ok(Self { out: scanner.out, members })
    }

    /// The canonical text of a value.
    pub fn value(&self, key: &str) -> Option<&str> {
        let found = self.place(key).ok()?;
        from_utf8(&self.out[self.members[found].value.clone()]).ok()
    }

    /// A value that is text. What Python could not encode either (half a surrogate pair) is none.
    pub fn text(&self, key: &str) -> Option<String> {
        serde_json::from_str(self.value(key)?).ok()
    }

    pub fn remove(&mut self, key: &str) {
        if let Ok(found) = self.place(key) {
            self.members.remove(found);
        }
    }

    /// Sets a value, which is canonical JSON itself. The key is plain ASCII.
    pub fn set(&mut self, key: &str, value: &str) {
        let mut push = |text: &str| {
            let start = self.out.len();
            self.out.extend_from_slice(text.as_bytes());
            start..self.out.len()
        };
        let member = Member { key: push(key), value: push(value) };
        match self.place(key) {
            Ok(found) => self.members[found] = member,
            Err(between) => self.members.insert(between, member),
        }
    }

    /// The whole object.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.out.len() + 2);
        write_object(&self.out, &self.members, &mut bytes);
        bytes
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.members.binary_search_by(|it| by_code_point(&self.out[it.key.clone()], key.as_bytes()))
    }
}

fn write_object(from: &[u8], members: &[Member], to: &mut Vec<u8>) {
    to.push(b'{');
    for (n, member) in members.iter().enumerate() {
        to.extend_from_slice(if n == 0 { b"\"" } else { b",\"" });
        to.extend_from_slice(&from[member.key.clone()]);
        to.extend_from_slice(b"\":");
        to.extend_from_slice(&from[member.value.clone()]);
    }
    to.push(b'}');
}

/// Rewrites from `text` into `out`.
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    out: Vec<u8>,
}

impl Scanner<'_> {
    fn unfit(&self, what: &'static str) -> CanonicalError {
        CanonicalError { what, at: self.at }
    }

    fn next(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.next(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, word: &[u8]) -> bool {
        let there = self.text[self.at..].starts_with(word);
        if there {
            self.at += word.len();
        }
        there
    }

    fn value(&mut self, depth: usize) -> Result<(), CanonicalError> {
        match self.next() {
            Some(b'"') => self.string(),
            Some(b'{') => self.nested(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'-' | b'0'..=b'9') if !self.text[self.at..].starts_with(b"-I") => self.number(),
            _ => {
                let words: [&[u8]; 6] =
                    [b"true", b"false", b"null", b"NaN", b"Infinity", b"-Infinity"];
                let word = words.into_iter().find(|word| self.takes(word));
                self.out.extend_from_slice(word.ok_or_else(|| self.unfit("no value"))?);
                Ok(())
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), CanonicalError> {
        self.enter(depth)?;
        self.at += 1;
        self.out.push(b'[');
        self.space();
        if !self.takes(b"]") {
            loop {
                self.space();
                self.value(depth)?;
                self.space();
                if self.takes(b"]") {
                    break;
                }
                if !self.takes(b",") {
                    return Err(self.unfit("no `,` or `]`"));
                }
                self.out.push(b',');
            }
        }
        self.out.push(b']');
        Ok(())
    }

    /// An object within another: put in order where it stands.
    fn nested(&mut self, depth: usize) -> Result<(), CanonicalError> {
        let start = self.out.len();
        let mut members = self.members(depth)?;
        if order(&mut members, &self.out) {
            let mut ordered = Vec::with_capacity(self.out.len() - start);
            write_object(&self.out, &members, &mut ordered);
            self.out.truncate(start);
            self.out.append(&mut ordered);
        }
        Ok(())
    }

    /// Writes an object as it comes, and says what is where.
    fn members(&mut self, depth: usize) -> Result<Vec<Member>, CanonicalError> {
        self.enter(depth)?;
        if !self.takes(b"{") {
            return Err(self.unfit("no object"));
        }
        self.out.push(b'{');
        let mut members = Vec::new();
        self.space();
        if !self.takes(b"}") {
            loop {
                self.space();
                members.push(self.member(depth)?);
                self.space();
                if self.takes(b"}") {
                    break;
                }
                if !self.takes(b",") {
                    return Err(self.unfit("no `,` or `}`"));
                }
                self.out.push(b',');
            }
        }
        self.out.push(b'}');
        Ok(members)
    }

    fn member(&mut self, depth: usize) -> Result<Member, CanonicalError> {
        let start = self.out.len();
        self.string()?;
        let key = start + 1..self.out.len() - 1;
        self.space();
        if !self.takes(b":") {
            return Err(self.unfit("no `:`"));
        }
        self.out.push(b':');
        self.space();
        let start = self.out.len();
        self.value(depth)?;
        Ok(Member { key, value: start..self.out.len() })
    }

    fn enter(&self, depth: usize) -> Result<(), CanonicalError> {
        if depth > DEEPEST { Err(self.unfit("more than 128 levels")) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<(), CanonicalError> {
        if !self.takes(b"\"") {
            return Err(self.unfit("no text"));
        }
        self.out.push(b'"');
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.iter().take_while(|c| is_plain(**c)).count();
            self.out.extend_from_slice(&rest[..plain]);
            self.at += plain;
            match self.next() {
                Some(b'"') => {
                    self.at += 1;
                    self.out.push(b'"');
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(b'\x7f'..) => {
                    let rest = from_utf8(&self.text[self.at..]);
                    let letter = rest.ok().and_then(|rest| rest.chars().next());
                    let letter = letter.ok_or_else(|| self.unfit("no UTF-8"))?;
                    self.at += letter.len_utf8();
                    letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| self.unit(*unit));
                }
                Some(_) => return Err(self.unfit("a control character in a text")),
                None => return Err(self.unfit("a text without end")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), CanonicalError> {
        let unit = match self.text.get(self.at + 1) {
            Some(plain @ (b'"' | b'\\' | b'/')) => u16::from(*plain),
            Some(b'b') => 8,
            Some(b't') => 9,
            Some(b'n') => 10,
            Some(b'f') => 12,
            Some(b'r') => 13,
            Some(b'u') => {
                let unit = self.text.get(self.at + 2..self.at + 6).and_then(hex);
                self.at += 4;
                unit.ok_or_else(|| self.unfit("no four digits behind `\\u`"))?
            }
            _ => return Err(self.unfit("an escape that JSON has not")),
        };
        self.at += 2;
        self.unit(unit);
        Ok(())
    }

    /// Half of a surrogate pair is written as what it is, whether or not the other half follows.
    fn unit(&mut self, unit: u16) {
        let short: &[u8] = match unit {
            0x22 => b"\\\"",
            0x5c => b"\\\\",
            8 => b"\\b",
            9 => b"\\t",
            10 => b"\\n",
            12 => b"\\f",
            13 => b"\\r",
            0x20..0x7f => return self.out.extend(unit.to_le_bytes().first()),
            _ => return self.out.extend_from_slice(format!("\\u{unit:04x}").as_bytes()),
        };
        self.out.extend_from_slice(short);
    }

    fn number(&mut self) -> Result<(), CanonicalError> {
        let start = self.at;
        self.takes(b"-");
        if !self.takes(b"0") && self.digits() == 0 {
            return Err(self.unfit("no digit"));
        }
        let whole = self.at;
        if self.takes(b".") && self.digits() == 0 {
            return Err(self.unfit("no digit"));
        }
        if self.takes(b"e") || self.takes(b"E") {
            let _ = self.takes(b"+") || self.takes(b"-");
            if self.digits() == 0 {
                return Err(self.unfit("no digit"));
            }
        }
        let spelled = &self.text[start..self.at];
        if self.at == whole {
            self.out.extend_from_slice(if spelled == b"-0" { b"0" } else { spelled });
        } else {
            let number = from_utf8(spelled).ok().and_then(|text| text.parse().ok());
            let number: f64 = number.ok_or_else(|| self.unfit("no number"))?;
            self.out.extend_from_slice(repr(number).as_bytes());
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let digits = self.text[self.at..].iter().take_while(|c| c.is_ascii_digit()).count();
        self.at += digits;
        digits
    }
}

/// Sorts by code point; of members with one key the last stays, as in a Python `dict`. False when nothing had to be done.
fn order(members: &mut Vec<Member>, out: &[u8]) -> bool {
    let compare = |a: &Member, b: &Member| by_code_point(&out[a.key.clone()], &out[b.key.clone()]);
    if members.is_sorted_by(|a, b| compare(a, b) == Ordering::Less) {
        return false;
    }
    // Stable, so that the last of its kind comes first once all is turned round.
    members.sort_by(compare);
    members.reverse();
    members.dedup_by(|a, b| compare(a, b) == Ordering::Equal);
    members.reverse();
    true
}

/// Compares two canonical texts, escapes and all, by what they mean. Mostly nothing is escaped.
fn by_code_point(a: &[u8], b: &[u8]) -> Ordering {
    if a.contains(&b'\\') || b.contains(&b'\\') {
        code_points(a).cmp(code_points(b))
    } else {
        a.cmp(b)
    }
}

fn code_points(canonical: &[u8]) -> impl Iterator<Item = u32> {
    let unit = |at: usize| match canonical.get(at..)? {
        [b'\\', b'u', digits @ ..] => Some((u32::from(digits.get(..4).and_then(hex)?), at + 6)),
        [b'\\', letter, ..] => Some((u32::from(short(*letter)), at + 2)),
        [plain, ..] => Some((u32::from(*plain), at + 1)),
        [] => None,
    };
    let mut at = 0;
    std::iter::from_fn(move || {
        let (first, behind) = unit(at)?;
        at = behind;
        if let (0xd800..0xdc00, Some((second @ 0xdc00..0xe000, behind))) = (first, unit(behind)) {
            at = behind;
            return Some(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
        }
        Some(first)
    })
}

fn short(letter: u8) -> u8 {
    match letter {
        b'b' => 8,
        b't' => 9,
        b'n' => 10,
        b'f' => 12,
        b'r' => 13,
        itself => itself,
    }
}

fn hex(digits: &[u8]) -> Option<u16> {
    let digits = from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_hexdigit))?;
    u16::from_str_radix(digits, 16).ok()
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// As Python's `repr` has it: the shortest digits that mean the number, with an exponent below 1e-4 and from 1e16 on.
fn repr(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    let spelled = format!("{:e}", number.abs());
    let (mantissa, exponent) = spelled.split_once('e').expect("so it is asked for");
    let exponent: i32 = exponent.parse().expect("it is a number");
    let digits = mantissa.replace('.', "");
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let fraction =
        |digits: &str| if digits.is_empty() { String::new() } else { format!(".{digits}") };
    match usize::try_from(exponent) {
        Ok(zeros) if zeros < 16 => {
            let digits = format!("{digits:0<width$}", width = zeros + 2);
            format!("{sign}{}.{}", &digits[..=zeros], &digits[zeros + 1..])
        }
        Err(_) if exponent >= -4 => {
            let width = digits.len() + usize::try_from(-exponent - 1).unwrap_or_default();
            format!("{sign}0.{digits:0>width$}")
        }
        _ => {
            let direction = if exponent < 0 { '-' } else { '+' };
            let size = exponent.unsigned_abs();
            format!("{sign}{}{}e{direction}{size:02}", &digits[..1], fraction(&digits[1..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        match Canonical::read(text.as_bytes()) {
            Ok(read) => String::from_utf8(read.to_bytes()).unwrap(),
            Err(why) => why.to_string(),
        }
    }

    #[test]
    fn the_worked_example_has_the_bytes_that_python_signs() {
        let given = r#"{"topic": "org.fedoraproject.dev.hubs.widget.edit", "msg": {"widget": {"idx": 7, "title": "Köln ✓"}, "ratio": 0.5, "b": null, "a": [true, 1.0, 1e22]}, "timestamp": 1700000000, "i": 1, "msg_id": "2023-6fd61ff2-2ca8-4b0a-9f2e-0d6b7f6f2b11", "username": "apache", "crypto": "x509"}"#;
        let text = canonical(given);
        assert_eq!(text.len(), 264);
        assert_eq!(
            text,
            r#"{"crypto":"x509","i":1,"msg":{"a":[true,1.0,1e+22],"b":null,"ratio":0.5,"widget":{"idx":7,"title":"K\u00f6ln \u2713"}},"msg_id":"2023-6fd61ff2-2ca8-4b0a-9f2e-0d6b7f6f2b11","timestamp":1700000000,"topic":"org.fedoraproject.dev.hubs.widget.edit","username":"apache"}"#
        );
        assert_eq!(canonical(&text), text);
    }

    #[test]
    fn values_are_spelled_as_python_spells_them() {
        for (given, spelled) in [
            ("1E5", "100000.0"),
            ("1e15", "1000000000000000.0"),
            ("123456789012345678", "123456789012345678"),
            ("1e16", "1e+16"),
            ("0.0001", "0.0001"),
            ("0.00012345", "0.00012345"),
            ("0.00001", "1e-05"),
            ("-1.5e-7", "-1.5e-07"),
            ("-0", "0"),
            ("-0.0", "-0.0"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("1e999", "Infinity"),
            ("[NaN , -Infinity,Infinity]", "[NaN,-Infinity,Infinity]"),
            (r#""\/\u000A\u0041\uD83Dx""#, r#""/\nA\ud83dx""#),
            ("\"\u{7f}😀\"", r#""\u007f\ud83d\ude00""#),
            (r#"{"b": {"d":1,"c":2}, "a": 1, "b": []}"#, r#"{"a":1,"b":[]}"#),
            // By code point, not by UTF-16 unit: U+FFFD comes before U+1F600.
            (
                r#"{"😀":1,"\ufffd":2,"\ud83d":3,"a\nb":4,"a b":5,"aA":6}"#,
                r#"{"a\nb":4,"a b":5,"aA":6,"\ud83d":3,"\ufffd":2,"\ud83d\ude00":1}"#,
            ),
        ] {
            assert_eq!(canonical(&format!(r#"{{"x":{given}}}"#)), format!(r#"{{"x":{spelled}}}"#));
        }
        let long = "9".repeat(5000);
        assert_eq!(canonical(&format!("{{\"x\":{long}}}")), format!("{{\"x\":{long}}}"));
    }

    #[test]
    fn what_python_does_not_read_is_refused_with_its_place() {
        for (given, why) in [
            ("[1]", "no object at byte 0"),
            ("{\"x\":01}", "no `,` or `}` at byte 6"),
            ("{\"x\":1.}", "no digit at byte 7"),
            ("{\"x\":+1}", "no value at byte 5"),
            ("{\"x\" 1}", "no `:` at byte 5"),
            ("{\"x\":1,}", "no text at byte 7"),
            ("{\"x\":\"\n\"}", "a control character in a text at byte 6"),
            ("{\"x\":\"\\x\"}", "an escape that JSON has not at byte 6"),
            ("{\"x\":\"", "a text without end at byte 6"),
            ("{} {}", "something behind the object at byte 3"),
        ] {
            assert_eq!(canonical(given), format!("no JSON object that could be signed: {why}"));
        }
        let deep = format!("{{\"x\":{}", "[".repeat(100_000));
        assert!(canonical(&deep).contains("more than 128 levels"));
    }

    #[test]
    fn members_are_found_set_and_taken_out() {
        let mut object = Canonical::read(br#"{"b":1,"topic":"x\u00e9","a":2}"#).unwrap();
        assert_eq!(object.text("topic").as_deref(), Some("xé"));
        assert_eq!((object.value("a"), object.text("a")), (Some("2"), None));
        object.remove("b");
        object.set("a", "3");
        object.set("c", "[]");
        assert_eq!(object.to_bytes(), br#"{"a":3,"c":[],"topic":"x\u00e9"}"#);
    }

    proptest::proptest! {
        #[test]
        fn whatever_arrives_is_read_or_refused_and_stays_as_it_was_put(
            bytes: Vec<u8>, text in r#"\{"([\[{}\]:,"\\\\uNaInfity0-9de.+ -]|\\u[dD]8)*\}"#
        ) {
            for given in [&bytes[..], text.as_bytes()] {
                if let Ok(read) = Canonical::read(given) {
                    let once = read.to_bytes();
                    let twice = Canonical::read(&once).unwrap().to_bytes();
                    proptest::prop_assert_eq!(once, twice);
                }
            }
        }

        #[test]
        fn a_number_means_what_it_meant(number: f64) {
            if number.is_finite() {
                proptest::prop_assert_eq!(repr(number).parse::<f64>().unwrap().to_bits(), number.to_bits());
            }
        }
    }
}
