//! Recordings, read and described once a run, whichever cases name them.

use super::outcome::About;
use super::{Request, threads};
use crate::bindings;
use crate::bus::{Line, Lines, Recording as RecordingFile, RecordingError};
use crate::config::{Limits, Site};
use crate::diagnostic::{Diagnostic, did_you_mean, nearest};
use crate::message::Message;
use crate::script::{Interpreter, Tier};
use crate::widget::Library;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Messages that a thread describes at a time.
const CHUNK: usize = 32;

/// The folder of recordings, below the site.
const FOLDER: &str = "tests/recordings";

/// One message of a recording, described as the server would.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    pub(super) message: Arc<Message>,
    /// From 1.
    pub(super) line: usize,
}

/// A recording's messages, in order.
#[derive(Debug, Default)]
pub(super) struct Recording {
    /// Below the site, or as it was given.
    pub(super) file: String,
    pub(super) messages: Vec<Recorded>,
    /// Lines that are no messages.
    pub(super) problems: Vec<Diagnostic>,
}

impl Recording {
    pub(super) fn about(&self, recorded: &Recorded) -> About {
        About::new(&recorded.message, &self.file, recorded.line)
    }

    fn new(file: &str, lines: impl Iterator<Item = Line>) -> Self {
        let mut recording = Self { file: file.into(), ..Self::default() };
        for line in lines {
            match line.message {
                Ok(message) => recording
                    .messages
                    .push(Recorded { message: Arc::new(message), line: line.number }),
                Err(error) => {
                    let text = String::from_utf8_lossy(&line.text);
                    let shown: String = text.chars().take(120).collect();
                    let mut problem = Diagnostic::error(format!("this line is no message: {error}"))
                        .in_file(file)
                        .help("a line is one message, as fedmsg, datagrepper or fedora-messaging writes it");
                    problem.line = Some(line.number);
                    problem.column = Some(1);
                    problem.excerpt = Some(shown);
                    recording.problems.push(problem);
                }
            }
        }
        recording
    }
}

/// All recordings of a run, by name. A case whose file is missing says so itself.
#[derive(Debug, Default)]
pub(super) struct Recordings(BTreeMap<String, Recording>);

impl Recordings {
    /// Reads those that are there and describes their messages, on all cores that the run may have.
    pub(super) fn load<'n>(
        request: &Request<'_>,
        names: impl Iterator<Item = &'n str>,
        library: &Library,
        limits: &Limits,
    ) -> Self {
        let mut all = BTreeMap::new();
        for name in names {
            if all.contains_key(name) {
                continue;
            }
            let file = format!("{FOLDER}/{name}");
            if let Some(bytes) = request.site.read(&file) {
                let mut lines = Lines::default();
                let mut read = lines.push(&bytes);
                read.extend(lines.finish());
                all.insert(name.to_owned(), Recording::new(&file, read.into_iter()));
            }
        }
        describe(all.values_mut(), library, limits, request.threads);
        Self(all)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Recording> {
        self.0.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Recording> {
        self.0.values()
    }
}

/// Files that are named on the command line.
pub(super) fn of_files(
    files: &[impl AsRef<Path>],
    library: &Library,
    limits: &Limits,
) -> Result<Vec<Recording>, RecordingError> {
    let mut all = Vec::new();
    for file in files {
        let file = file.as_ref();
        let lines = RecordingFile::open(file)?.collect::<Result<Vec<_>, _>>()?;
        all.push(Recording::new(&file.display().to_string(), lines.into_iter()));
    }
    describe(all.iter_mut(), library, limits, None);
    Ok(all)
}

/// What a name that no recording has should say.
pub(super) fn missing(site: &Site, name: &str) -> (String, String) {
    missing_file(site, "recording", FOLDER, ".jsonl", name)
}

pub(super) fn missing_file(
    site: &Site,
    what: &str,
    folder: &str,
    ending: &str,
    name: &str,
) -> (String, String) {
    let known = site.list(folder, ending);
    let prefix = format!("{folder}/");
    let names = known.iter().filter_map(|path| path.strip_prefix(&prefix));
    let meant = did_you_mean(nearest(name, names));
    (format!("there is no {what} `{name}`{meant}"), format!("it would be the file {folder}/{name}"))
}

/// Processors add to each message what people read in it, as they do in the server.
fn describe<'r>(
    recordings: impl Iterator<Item = &'r mut Recording>,
    library: &Library,
    limits: &Limits,
    threads: Option<usize>,
) {
    let messages = recordings.flat_map(|recording| &mut recording.messages);
    let mut messages: Vec<&mut Arc<Message>> = messages.map(|one| &mut one.message).collect();
    let chunks = Mutex::new(messages.chunks_mut(CHUNK));
    threads::each_core(threads, || {
        let mut interpreter = None;
        loop {
            let next = chunks.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(chunk) = next else { return };
            let interpreter = interpreter.get_or_insert_with(|| {
                Interpreter::new(Tier::Pure, limits.clone(), Some(bindings::pure()))
            });
            for message in chunk {
                library.processors().describe(interpreter, Arc::make_mut(message));
            }
        }
    });
}
