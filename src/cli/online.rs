//! What `hubs check --online` prints.

use super::print::{Plain, count};
use super::{Format, Outcome};
use crate::config::Settings;
use crate::server::{self, Finding};
use std::io::{self, Write};

/// One service after the other; for programs one object a line. Fails when one does that hubs.toml names.
pub(super) fn check(
    out: &mut impl Write,
    settings: &Settings,
    format: Format,
) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let findings = runtime.block_on(server::online(settings))?;
    let failed = findings.iter().filter(|finding| finding.works == Some(false)).count();
    match format {
        Format::Json => {
            for finding in &findings {
                writeln!(out, "{}", serde_json::to_string(finding)?)?;
            }
        }
        Format::Human => {
            let out = &mut Plain(out);
            findings.iter().try_for_each(|finding| person(out, finding))?;
            if failed > 0 {
                writeln!(out, "{} failed", count(failed, "service"))?;
            }
        }
    }
    Ok(if failed == 0 { Outcome::Fine } else { Outcome::Failed })
}

fn person(out: &mut impl Write, finding: &Finding) -> io::Result<()> {
    let outcome = match finding.works {
        Some(true) => "works",
        Some(false) => "FAILS",
        None => "not set",
    };
    write!(out, "{:<12}{outcome}", finding.service)?;
    if let Some(at) = &finding.at {
        write!(out, "  {at}")?;
    }
    if let Some(who) = &finding.who {
        write!(out, " as {who}")?;
    }
    writeln!(out)?;
    for may in &finding.may {
        writeln!(out, "{:<12}may {may}", "")?;
    }
    for missing in &finding.missing {
        let lacks = if finding.works == Some(true) { "lacks " } else { "" };
        writeln!(out, "{:<12}{lacks}{}", "", missing.what)?;
        writeln!(out, "{:<12}  help: {}", "", missing.help)?;
    }
    Ok(())
}
