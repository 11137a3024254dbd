//! Archives with the same bytes from the same files, whoever made them and when.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use tar::{Builder, Header};

/// A file of an archive: its path there, its permissions, its bytes.
pub type Entry = (String, u32, Vec<u8>);

/// A tar archive, with all times at `epoch`, and all files of root.
pub fn tar(entries: &[Entry], epoch: u64) -> Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    for (path, mode, bytes) in entries {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len().try_into()?);
        header.set_mode(*mode);
        header.set_mtime(epoch);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, path, bytes.as_slice())?;
    }
    Ok(builder.into_inner()?)
}

/// Compressed with gzip, without a name or a time.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = GzBuilder::new().write(Vec::new(), Compression::best());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

/// Every file below a folder, by its path there, in the order of the paths.
pub fn files(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).with_context(|| path.display().to_string())?;
            for entry in entries {
                pending.push(entry?.path());
            }
        } else {
            found.push((path.strip_prefix(folder)?.display().to_string(), path));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_follows_from_its_files_alone() {
        let entry = || ("orgwatch-0.1.0/orgwatch".to_owned(), 0o755, b"ELF".to_vec());
        let archive = tar(&[entry()], 1_700_000_000).unwrap();
        let mut read = tar::Archive::new(archive.as_slice());
        let file = read.entries().unwrap().next().unwrap().unwrap();
        let header = file.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
        assert_eq!((header.mtime().unwrap(), header.mode().unwrap()), (1_700_000_000, 0o755));
        let zipped = gzip(&archive).unwrap();
        // Neither a flag nor a time.
        assert_eq!(zipped[3..8], [0; 5]);
        assert_eq!(zipped, gzip(&tar(&[entry()], 1_700_000_000).unwrap()).unwrap());
    }
}
