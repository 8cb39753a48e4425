//! How diagnostics and failures look: for a person with the source line and a caret, for a program as JSON.

use super::Format;
use crate::diagnostic::{Diagnostic, Severity};
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

/// Problems that keep a command from running; printed whole.
#[derive(Debug, thiserror::Error)]
pub(super) struct Problems(pub(super) Vec<Diagnostic>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&all.join("\n"))
    }
}

/// One diagnostic: with excerpt and help for a person, on one line for a program.
pub(super) fn diagnostic(
    out: &mut impl Write,
    problem: &Diagnostic,
    format: Format,
) -> io::Result<()> {
    if format == Format::Json {
        serde_json::to_writer(&mut *out, problem)?;
        return writeln!(out);
    }
    out.write_all(shown(problem).as_bytes())
}

/// One diagnostic for a person who reads stdout.
pub(super) fn shown(problem: &Diagnostic) -> String {
    let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    human(problem, colours)
}

fn human(problem: &Diagnostic, colours: bool) -> String {
    let (word, colour) = match problem.severity {
        Severity::Error => ("error", "\x1b[1;31m"),
        Severity::Warning => ("warning", "\x1b[1;33m"),
    };
    let (on, off) = if colours { (colour, "\x1b[0m") } else { ("", "") };
    let mut text = format!("{on}{word}{off}: {}\n", problem.message);
    if let Some(place) = problem.place() {
        let _ = writeln!(text, "  --> {place}");
    }
    if let Some(frame) = problem.frame() {
        for line in frame.lines() {
            let _ = writeln!(text, "   {line}");
        }
    }
    if let Some(help) = &problem.help {
        let _ = writeln!(text, "  help: {help}");
    }
    text
}

/// A command could not be run: its chain of reasons, and the exit code for it.
pub(super) fn failure(error: &anyhow::Error) -> ExitCode {
    let mut out = io::stderr().lock();
    let problems = error
        .downcast_ref::<Problems>()
        .map(|Problems(all)| all)
        .or_else(|| error.downcast_ref::<crate::server::Misplaced>().map(|misplaced| &misplaced.0));
    let _ = match problems {
        Some(problems) => problems.iter().try_for_each(|problem| {
            let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            out.write_all(human(problem, colours).as_bytes())
        }),
        None => writeln!(out, "error: {error:#}"),
    };
    ExitCode::from(2)
}

/// One line beside the answer, on stderr.
pub(super) fn complaint(text: &str) {
    // Where stderr is closed nobody reads it.
    let _ = writeln!(io::stderr(), "error: {text}");
}

/// Takes out what could steer a terminal: texts of messages are other people's.
pub(super) struct Plain<W>(pub(super) W);

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let steers = |byte: &u8| byte.is_ascii_control() && *byte != b'\n';
        for piece in bytes.split(steers) {
            self.0.write_all(piece)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// One line beside the answer that is no complaint, on stderr.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// `12 µs`, `3.1 ms`, `1.2 s`: three digits that count.
pub(super) fn duration(time: Duration) -> String {
    let nanos = time.as_nanos();
    let (unit, per) = match nanos {
        0..1_000 => return format!("{nanos} ns"),
        1_000..1_000_000 => ("µs", 1e3),
        1_000_000..1_000_000_000 => ("ms", 1e6),
        _ => ("s", 1e9),
    };
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let amount = nanos as f64 / per;
    let digits = if amount < 10.0 { 2 } else { usize::from(amount < 100.0) };
    format!("{amount:.digits$} {unit}")
}

/// `30s`, `15m`, `6h`, `2d`, as scripts write it.
pub(super) fn period(time: Duration) -> String {
    let seconds = time.as_secs();
    let fits = [(86_400, "d"), (3_600, "h"), (60, "m")]
        .into_iter()
        .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    match fits {
        Some((unit, letter)) => format!("{}{letter}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

/// `1,204`.
pub(super) fn number(number: u64) -> String {
    crate::render::commas(i64::try_from(number).unwrap_or(i64::MAX))
}

/// `512 bytes`, `48 KiB`, `32 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_024 => count(usize::try_from(bytes).unwrap_or_default(), "byte"),
        1_024..1_048_576 => format!("{} KiB", bytes.div_ceil(1_024)),
        _ => format!("{} MiB", bytes.div_ceil(1_048_576)),
    }
}

/// `1 problem`, `3 problems`.
pub(super) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_left_out() {
        let mut out = Vec::new();
        write!(Plain(&mut out), "a\x1b[2Jb\r\nc\td").unwrap();
        assert_eq!(out, b"a[2Jb\ncd");
    }

    #[test]
    fn figures_are_short() {
        let times = [750, 12_300, 3_140_000, 250_000_000, 1_200_000_000].map(Duration::from_nanos);
        assert_eq!(times.map(duration), ["750 ns", "12.3 µs", "3.14 ms", "250 ms", "1.20 s"]);
        let periods = [30, 900, 21_600, 172_800, 5_400].map(Duration::from_secs);
        assert_eq!(periods.map(period), ["30s", "15m", "6h", "2d", "90m"]);
        assert_eq!(
            [1, 512, 1_025, 33_554_432].map(bytes),
            ["1 byte", "512 bytes", "2 KiB", "32 MiB"]
        );
    }

    #[test]
    fn a_person_sees_place_source_caret_and_help() {
        let problem = Diagnostic::error("there is no widget `bages`; did you mean `badges`?")
            .in_file("hubs.toml")
            .at_span("widget = \"bages\"\n", 9..16)
            .help("`hubs widget list` names them");
        insta::assert_snapshot!(human(&problem, false), @r#"
        error: there is no widget `bages`; did you mean `badges`?
          --> hubs.toml:1:10
           1 | widget = "bages"
             |          ^^^^^^^
          help: `hubs widget list` names them
        "#);
    }
}
