//! `hubs why`: what a running server knows of one widget, and of what one message did to it.

use super::place::ServerOption;
use super::print::Plain;
use super::{Format, Outcome};
use crate::render::ago;
use jiff::Timestamp;
use serde_json::Value;
use std::io::{self, Write};

/// Say why a widget was redrawn, or was not
///
/// Asks a running server, which remembers the last hour.
#[derive(Debug, clap::Args)]
pub(super) struct Why {
    /// The number of an instance, as in `12`, or with its hub, as in `ralph/12`
    instance: String,
    /// Explain what this message did, step by step
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    #[command(flatten)]
    server: ServerOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Why {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let id = self.instance.rsplit('/').next().unwrap_or_default();
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
            anyhow::bail!(
                "`{}` names no instance: its number is in the address of the widget, as in `hubs why ralph/12`",
                self.instance
            );
        }
        let posting = self.server.posting()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let account = runtime.block_on(posting.why(id, self.message.as_deref()))?;
        match self.format {
            Format::Json => writeln!(out, "{account}")?,
            Format::Human => human(&mut Plain(out), &account, Timestamp::now())?,
        }
        Ok(Outcome::Fine)
    }
}

fn human(out: &mut impl Write, account: &Value, now: Timestamp) -> io::Result<()> {
    let since = |at: &Value| {
        at.as_str().and_then(|at| at.parse().ok()).map_or(String::new(), |at| ago(at, now))
    };
    writeln!(
        out,
        "{} {} on {}",
        text(&account["widget"]),
        account["instance"],
        text(&account["hub"])
    )?;
    for (at, hint) in list(&account["hints"]).iter().enumerate() {
        writeln!(out, "  {:<12} {}", if at == 0 { "looks for" } else { "or" }, text(hint))?;
    }
    if list(&account["hints"]).is_empty() {
        writeln!(out, "  looks for    nothing: no message concerns it")?;
    }
    writeln!(out, "  condition    {}", text(&account["condition"]))?;
    let how = if account["without_script"] == true {
        "decides alone: the script is not run"
    } else {
        "what it leaves open, the script decides"
    };
    writeln!(out, "               {how}")?;
    let message = &account["message"];
    if !message.is_null() {
        writeln!(
            out,
            "\n{} {}, {}",
            text(&message["topic"]),
            text(&message["id"]),
            since(&message["at"])
        )?;
        let named = message["in_index"] == true;
        writeln!(
            out,
            "  index        {}",
            if named { "named the widget" } else { "left the widget out" }
        )?;
        for lacking in list(&message["lacking"]).iter().filter(|_| !named) {
            let all: Vec<&str> = list(lacking).iter().map(text).collect();
            writeln!(out, "               {}", all.join("; "))?;
        }
        writeln!(out, "  answer       {}", answer(&message["answer"]))?;
        writeln!(out, "  asked now    {}", text(&message["now"]))?;
        for one in list(&message["decided_by"]) {
            let place = format!("{}:{}:{}", text(&one["file"]), one["line"], one["column"]);
            let sides = [text(&one["left"]), text(&one["operator"]), text(&one["right"])].join(" ");
            writeln!(out, "               {place}: {} is {}", sides.trim_end(), one["answer"])?;
        }
    }
    for redraw in list(&account["redraws"]) {
        let cause = redraw["cause"]["topic"].as_str().map_or_else(
            || "no message".into(),
            |topic| format!("{topic} {}", text(&redraw["cause"]["id"])),
        );
        let outcome = match text(&redraw["outcome"]) {
            "changed" => format!("changed; {} open page(s) told", redraw["readers"]),
            "same" => "the same data as before; nobody told".into(),
            _ => format!("failed: {}", text(&redraw["error"])),
        };
        writeln!(out, "\nrebuilt {}, after {cause}: {outcome}", since(&redraw["at"]))?;
        for change in list(&redraw["changes"]) {
            let side = |value: &Value| value.as_str().unwrap_or("nothing").to_owned();
            writeln!(
                out,
                "  {}: {} -> {}",
                text(&change["path"]),
                side(&change["before"]),
                side(&change["after"])
            )?;
        }
    }
    if message.is_null() {
        writeln!(out)?;
        for one in list(&account["asked"]) {
            writeln!(
                out,
                "asked {}: {} {}: {}",
                since(&one["at"]),
                text(&one["topic"]),
                text(&one["id"]),
                answer(&one["answer"])
            )?;
        }
        if list(&account["asked"]).is_empty() {
            writeln!(out, "asked about no message within the last hour")?;
        }
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn answer(value: &Value) -> &'static str {
    match value.as_str() {
        Some("yes") => "yes",
        Some("no") => "no",
        Some("failed") => "the script failed, which counts as yes",
        Some("given_up") => {
            "not asked: the script failed too often, it refreshes by time until mended"
        }
        _ => "not asked",
    }
}
