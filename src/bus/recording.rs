//! A file of messages, one a line, read without holding it.

use super::ndjson::{Line, Lines};
use std::{
    collections::VecDeque,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

const PIECE_BYTES: usize = 64 * 1024;

/// The lines of a recording, in order.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    file: BufReader<File>,
    /// Gone when the file is at its end, or could not be read on.
    lines: Option<Lines>,
    /// Lines of the last piece that nobody has taken yet.
    read: VecDeque<Line>,
}

#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error("the recording `{}` can't be read: {why}", path.display())]
    Unreadable { path: PathBuf, why: std::io::Error },
}

impl Recording {
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let file = File::open(path)
            .map_err(|why| RecordingError::Unreadable { path: path.into(), why })?;
        let file = BufReader::with_capacity(PIECE_BYTES, file);
        let lines = Some(Lines::default());
        Ok(Self { path: path.into(), file, lines, read: VecDeque::new() })
    }
}

impl Iterator for Recording {
    type Item = Result<Line, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.read.pop_front() {
                return Some(Ok(line));
            }
            let lines = self.lines.as_mut()?;
            match self.file.fill_buf() {
                Ok([]) => self.read.extend(self.lines.take().and_then(Lines::finish)),
                Ok(piece) => {
                    let length = piece.len();
                    self.read.extend(lines.push(piece));
                    self.file.consume(length);
                }
                Err(why) if why.kind() == std::io::ErrorKind::Interrupted => {}
                Err(why) => {
                    self.lines = None;
                    return Some(Err(RecordingError::Unreadable { path: self.path.clone(), why }));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_of_many_pieces_is_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("many.jsonl");
        let line = |n| format!(r#"{{"topic":"a.b.c.d","msg":{{}},"msg_id":"{n}"}}"#);
        let text: Vec<String> = (0..5000).map(line).collect();
        std::fs::write(&path, text.join("\n")).unwrap();
        let read: Vec<Line> = Recording::open(&path).unwrap().map(Result::unwrap).collect();
        assert_eq!(read.len(), 5000);
        assert_eq!(read[4999].text, text[4999].as_bytes());
        assert_eq!(read[4999].message.as_ref().unwrap().id, "4999");
    }

    #[test]
    fn a_recording_that_is_not_there_is_named() {
        let said = Recording::open(Path::new("no/such.jsonl")).unwrap_err().to_string();
        assert!(
            said.starts_with("the recording `no/such.jsonl` can't be read: No such file"),
            "{said}"
        );
        let folder = tempfile::tempdir().unwrap();
        let mut recording = Recording::open(folder.path()).unwrap();
        let said = recording.next().unwrap().unwrap_err().to_string();
        assert!(said.contains("can't be read: Is a directory"), "{said}");
        assert!(recording.next().is_none());
    }
}
