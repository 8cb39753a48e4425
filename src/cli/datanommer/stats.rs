//! `hubs datanommer stats`: what the history has.

use crate::cli::place::SiteOption;
use crate::cli::print::{Plain, bytes, number};
use crate::cli::{Format, Outcome};
use crate::config::DatanommerSettings;
use crate::datanommer::{self, Datanommer};
use serde_json::json;
use std::io::{self, Write};
use std::time::Duration;

/// The whole table of a datanommer is counted: that takes what no page would wait for.
const PATIENCE: Duration = Duration::from_mins(5);

/// Count the messages in the history, by category
///
/// Asks what `[datanommer] url` names: the file that hubs keeps, or the database of a datanommer.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Stats {
    #[command(flatten)]
    site: SiteOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Stats {
    pub(in crate::cli) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let settings = self.site.open()?.settings.datanommer;
        let settings = DatanommerSettings { timeout: PATIENCE, ..settings };
        if !settings.url.exists() {
            anyhow::bail!(
                "there is no history at {} yet; `hubs serve` keeps what its buses bring, `hubs datanommer import` brings older messages",
                settings.url
            );
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stats = runtime.block_on(async {
            let datanommer = Datanommer::of(&settings).await?;
            let stats = datanommer.stats().await;
            datanommer.close().await;
            stats
        })?;
        match self.format {
            Format::Json => writeln!(out, "{}", to_json(&stats))?,
            Format::Human => human(&mut Plain(out), &stats)?,
        }
        Ok(Outcome::Fine)
    }
}

fn to_json(stats: &datanommer::Stats) -> serde_json::Value {
    let categories: Vec<_> = stats
        .categories
        .iter()
        .map(
            |c| json!({ "name": c.name, "messages": c.messages, "first": c.first, "last": c.last }),
        )
        .collect();
    json!({
        "messages": stats.messages(), "first": stats.first(), "last": stats.last(), "bytes": stats.bytes,
        "categories": categories,
    })
}

fn human(out: &mut impl Write, stats: &datanommer::Stats) -> io::Result<()> {
    let widest = stats.categories.iter().map(|c| c.name.chars().count()).max();
    let widest = widest.unwrap_or(0).max("category".len());
    writeln!(out, "{:widest$} {:>12}  {:20}  last", "category", "messages", "first")?;
    for c in &stats.categories {
        let second = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let (first, last) = (second(c.first), second(c.last));
        writeln!(out, "{:widest$} {:>12}  {first:20}  {last}", c.name, number(c.messages))?;
    }
    writeln!(out, "{:widest$} {:>12}  {}", "all", number(stats.messages()), bytes(stats.bytes))
}
