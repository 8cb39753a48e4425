//! Where a recording goes: a file that is nobody's yet, unless it is said what to do with it; or stdout.

use anyhow::{Context, bail};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

pub(super) enum Target<'o, W> {
    File(BufWriter<File>),
    Out(&'o mut W),
}

impl<'o, W: Write> Target<'o, W> {
    pub(super) fn open(
        path: &Path,
        force: bool,
        append: bool,
        out: &'o mut W,
    ) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Out(out));
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true);
        if append {
            options.read(true);
        } else {
            options.create_new(!force).truncate(force);
        }
        match options.open(path) {
            Ok(mut file) => {
                if append {
                    end_last_line(&mut file)
                        .with_context(|| format!("{} can't be read", path.display()))?;
                }
                Ok(Self::File(BufWriter::new(file)))
            }
            Err(why) if why.kind() == ErrorKind::AlreadyExists => bail!(
                "{} is there already: `--append` goes on at its end, `--force` writes over it",
                path.display()
            ),
            Err(why) => Err(why).with_context(|| format!("{} can't be written", path.display())),
        }
    }

    pub(super) fn line(&mut self, line: &Value) -> anyhow::Result<()> {
        match self {
            Self::File(file) => writeln!(file, "{line}")?,
            Self::Out(out) => writeln!(out, "{line}")?,
        }
        Ok(())
    }

    /// What was written can be read by others.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        match self {
            Self::File(file) => file.flush()?,
            Self::Out(out) => out.flush()?,
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.flush()?;
        if let Self::File(file) = &self {
            file.get_ref().sync_all()?;
        }
        Ok(())
    }
}

/// Goes to the end; a last line that somebody left without its end gets one.
fn end_last_line(file: &mut File) -> std::io::Result<()> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn write(path: &Path, force: bool, append: bool) -> anyhow::Result<String> {
        let mut nowhere = Vec::new();
        let mut target = Target::open(path, force, append, &mut nowhere)?;
        target.line(&json!({ "n": 1 }))?;
        target.finish()?;
        Ok(std::fs::read_to_string(path)?)
    }

    #[test]
    fn a_file_that_is_there_is_kept_unless_it_is_said_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        assert_eq!(write(&path, false, false).unwrap(), "{\"n\":1}\n");
        let said = write(&path, false, false).unwrap_err().to_string();
        assert!(
            said.ends_with(
                "a.jsonl is there already: `--append` goes on at its end, `--force` writes over it"
            ),
            "{said}"
        );
        std::fs::write(&path, "half").unwrap();
        assert_eq!(write(&path, false, true).unwrap(), "half\n{\"n\":1}\n");
        assert_eq!(write(&path, false, true).unwrap(), "half\n{\"n\":1}\n{\"n\":1}\n");
        assert_eq!(write(&path, true, false).unwrap(), "{\"n\":1}\n");
        let said = write(&folder.path().join("no/a"), false, true).unwrap_err().to_string();
        assert!(said.ends_with("no/a can't be written"), "{said}");
    }

    #[test]
    fn a_dash_is_stdout() {
        let mut out = Vec::new();
        let mut target = Target::open(Path::new("-"), false, false, &mut out).unwrap();
        target.line(&json!([])).unwrap();
        target.finish().unwrap();
        assert_eq!(out, b"[]\n");
    }
}
