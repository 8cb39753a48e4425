//! `hubs doctor`: what a running server says of itself.

use super::place::ServerOption;
use super::print::{self, Plain};
use super::{Format, Outcome};
use crate::outbound::Kindness;
use crate::render::ago;
use jiff::Timestamp;
use std::io::{self, Write};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Doctor {
    Kindness(AskKindness),
}

/// Show what other servers were asked, and what was spared them
///
/// One line for each entry of the scripts' HOSTS, counted since the server started.
#[derive(Debug, clap::Args)]
pub(super) struct AskKindness {
    #[command(flatten)]
    server: ServerOption,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Doctor {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let Self::Kindness(ask) = self;
        let posting = ask.server.posting()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let kindness = runtime.block_on(posting.kindness())?;
        match ask.format {
            Format::Json => writeln!(out, "{}", serde_json::to_string(&kindness)?)?,
            Format::Human => table(&mut Plain(out), &kindness, Timestamp::now())?,
        }
        Ok(Outcome::Fine)
    }
}

fn table(out: &mut impl Write, kindness: &Kindness, now: Timestamp) -> io::Result<()> {
    if kindness.hosts.is_empty() {
        return writeln!(out, "no other server was asked since this one started");
    }
    let mut rows: Vec<[String; 8]> = vec![
        ["host", "requests", "revalidated", "retried", "waited", "from cache", "shared", "refused"]
            .map(String::from),
    ];
    rows.extend(kindness.hosts.iter().map(|host| {
        [
            host.host.clone(),
            print::number(host.requests),
            print::number(host.revalidated),
            print::number(host.retried),
            print::number(host.waited),
            print::number(host.from_cache),
            print::number(host.shared),
            print::number(host.refused),
        ]
    }));
    let widths: [usize; 8] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
    });
    for row in &rows {
        write!(out, "{:<width$}", row[0], width = widths[0])?;
        for (cell, width) in row.iter().zip(widths).skip(1) {
            write!(out, "  {cell:>width$}")?;
        }
        writeln!(out)?;
    }
    for alone in &kindness.left_alone {
        writeln!(
            out,
            "\n{} left alone, {}, after {} failures in a row; next try {}\n  {}",
            alone.host,
            ago(alone.since, now),
            alone.failures,
            alone.next.strftime("%H:%M:%S UTC"),
            alone.why
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::{HostKindness, LeftAlone};

    #[test]
    fn a_person_reads_a_table_and_who_is_left_alone() {
        let noon: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let api = HostKindness {
            host: "api.github.com".into(),
            requests: 1_204,
            revalidated: 900,
            from_cache: 12_000,
            shared: 31,
            ..HostKindness::default()
        };
        let down =
            HostKindness { host: "*.example.org".into(), requests: 5, ..HostKindness::default() };
        let alone = LeftAlone {
            host: "a.example.org:443".into(),
            failures: 5,
            since: noon,
            next: "2026-01-01T12:00:30Z".parse().unwrap(),
            why: "status 503".into(),
        };
        let kindness = Kindness { hosts: vec![down, api], left_alone: vec![alone] };
        let mut out = Vec::new();
        table(&mut out, &kindness, "2026-01-01T12:02:00Z".parse().unwrap()).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
        host            requests  revalidated  retried  waited  from cache  shared  refused
        *.example.org          5            0        0       0           0       0        0
        api.github.com     1,204          900        0       0      12,000      31        0

        a.example.org:443 left alone, 2 min ago, after 5 failures in a row; next try 12:00:30 UTC
          status 503
        ");
        let mut out = Vec::new();
        table(&mut out, &Kindness::default(), noon).unwrap();
        assert_eq!(out, b"no other server was asked since this one started\n");
    }
}
