//! `hubs hub import`: hubs out of a file into the store.

use super::Opened;
use crate::cli::Outcome;
use crate::cli::place::SiteOption;
use crate::cli::print::{Problems, note};
use crate::config::{HubEntry, Settings};
use crate::hub::{Column, Hub, Instance, Role};
use crate::server::misplaced;
use crate::store::{Details, Edit, EditError, NewInstance, Store, hub_from};
use anyhow::{Context, bail};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Who it was, in the history.
const WHO: &str = "hubs hub import";

/// Bring hubs into the store, from what `hubs hub export` printed
///
/// The file is TOML as in hubs.toml, or the same as JSON; `-` is the standard input. A hub that is there already is left
/// alone, unless --replace is given: then its details, its people and its widgets become those of the file, and its
/// history has each change. A server that runs meanwhile sees it after its next start.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Import {
    file: PathBuf,
    /// Make hubs that are there like those in the file
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    site: SiteOption,
}

impl Import {
    pub(super) fn execute(self, out: &mut impl Write) -> anyhow::Result<Outcome> {
        let opened = Opened::of(&self.site)?;
        let settings = read(&self.file)?;
        if settings.hubs.is_empty() {
            bail!("{} has no `[[hub]]`; `hubs hub export` prints some", self.file.display());
        }
        let only = Settings { user_hub: Vec::new(), ..settings };
        let wrong = misplaced(&only, &opened.place.library());
        if !wrong.is_empty() {
            return Err(Problems(wrong).into());
        }
        let mut outcome = Outcome::Fine;
        for entry in &only.hubs {
            let done = opened.runtime.block_on(bring(&opened.store, entry, self.replace));
            match done
                .with_context(|| format!("the hub `{}` was not brought in whole", entry.name))?
            {
                Brought::Made => writeln!(out, "{}: made", entry.name)?,
                Brought::Replaced(changes) => {
                    let word = if changes == 1 { "change" } else { "changes" };
                    writeln!(out, "{}: {changes} {word}", entry.name)?;
                }
                Brought::There => {
                    note(&format!(
                        "{}: is there already; --replace makes it like this one",
                        entry.name
                    ));
                    outcome = Outcome::Failed;
                }
            }
        }
        opened.runtime.block_on(opened.store.close());
        Ok(outcome)
    }
}

fn read(file: &Path) -> anyhow::Result<Settings> {
    let (name, text) = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("the standard input can't be read")?;
        ("standard input".to_owned(), text)
    } else {
        let text = std::fs::read_to_string(file);
        let text = text.with_context(|| format!("{} can't be read", file.display()))?;
        (file.display().to_string(), text)
    };
    let text = if text.trim_start().starts_with('{') {
        let json: serde_json::Value =
            serde_json::from_str(&text).with_context(|| format!("{name} is no JSON"))?;
        toml::to_string(&json).with_context(|| format!("{name} has what no hub has"))?
    } else {
        text
    };
    Settings::parse(&text, &name).map_err(|problems| Problems(problems).into())
}

enum Brought {
    Made,
    /// By so many changes.
    Replaced(usize),
    There,
}

async fn bring(store: &Store, entry: &HubEntry, replace: bool) -> anyhow::Result<Brought> {
    let now = Timestamp::now();
    let (wanted, widgets) = hub_from(entry, now);
    if store.create_hub(&wanted, &widgets).await? {
        return Ok(Brought::Made);
    }
    if !replace {
        return Ok(Brought::There);
    }
    let mut changes = 0;
    let mut edit = async |edit: Edit| -> Result<(), EditError> {
        changes += usize::from(store.edit(&wanted.name, WHO, edit, now).await?.is_some());
        Ok(())
    };
    let details = |archived: bool| {
        let details = Details { archived, ..Details::of(&wanted) }.to_map();
        Edit::Describe { details, seen: u64::MAX }
    };
    let sheet = store.sheet(&wanted.name).await?.context("it was removed meanwhile")?;
    let people = appointed(&sheet.hub, &wanted);
    let there: Vec<NewInstance> = sheet.instances.iter().map(new).collect();
    let is_there = there == by_column(&widgets);
    // An archived hub takes nothing but to be taken out.
    edit(details(wanted.archived && is_there && people.is_empty())).await?;
    for some in people.chunks(100) {
        let people: BTreeMap<_, _> = some.iter().cloned().collect();
        edit(Edit::Appoint { people, seen: u64::MAX }).await?;
    }
    if !is_there {
        for instance in &sheet.instances {
            edit(Edit::Remove { id: instance.id }).await?;
        }
        for widget in widgets {
            edit(Edit::Add(widget)).await?;
        }
    }
    edit(details(wanted.archived)).await?;
    Ok(Brought::Replaced(changes))
}

fn new(instance: &Instance) -> NewInstance {
    NewInstance {
        widget: instance.widget.clone(),
        column: instance.column,
        config: instance.config.clone(),
    }
}

/// The left column first, as the store has them.
fn by_column(widgets: &[NewInstance]) -> Vec<NewInstance> {
    let (left, right): (Vec<_>, Vec<_>) =
        widgets.iter().cloned().partition(|widget| widget.column == Column::Left);
    left.into_iter().chain(right).collect()
}

/// What people must become: first those who come, so that there is always an owner.
fn appointed(now: &Hub, wanted: &Hub) -> Vec<(String, Option<Role>)> {
    let of = |names: &[String], role| -> Vec<(String, Option<Role>)> {
        names.iter().map(|name| (name.clone(), role)).collect()
    };
    let mut people = of(&wanted.owners, Some(Role::Owner));
    people.extend(of(&wanted.members, Some(Role::Member)));
    let goes = |name: &&String| !wanted.owners.contains(name) && !wanted.members.contains(name);
    let gone = now.owners.iter().chain(&now.members).filter(goes);
    people.extend(gone.map(|name| (name.clone(), None)));
    people.retain(|(name, role)| match role {
        Some(Role::Owner) => !now.owners.contains(name),
        Some(_) => !now.members.contains(name),
        None => true,
    });
    people
}
