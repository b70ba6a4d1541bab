//! Stacked maps to `.npy`, one map in memory at a time.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use pimo_frame::SampleType;
use pimo_reader::{ContainerEntry, IoChoice, MapLocation, Reader, ReaderOptions};

use super::{MAX_BYTES, npy, unfit};
use crate::exit::Failure;
use crate::{interrupt, whole_file};

/// The maps of a stacked file.
struct Stack<'a> {
    file: &'a Path,
    reader: Reader,
    entries: Vec<ContainerEntry>,
}

impl<'a> Stack<'a> {
    fn open(file: &'a Path) -> Result<Self, Failure> {
        let options = ReaderOptions { io: IoChoice::Read, max_bytes: MAX_BYTES, buffers: 1, after_map_hook: None };
        let reader = Reader::new(options);
        let entries = reader.entries(file)?.unwrap_or_default();
        if entries.is_empty() {
            return Err(unfit(file, "it holds no maps to be taken apart; expected an asmaps.pt or an .npz of many"));
        }
        Ok(Self { file, reader, entries })
    }

    /// Reads a map and hands its scores over, unless the user does not want to go on.
    fn read(&self, entry: &ContainerEntry) -> Result<pimo_reader::AnomalyMap, Failure> {
        if interrupt::CANCEL.is_cancelled() {
            return Err(Failure { message: "interrupted; what is there is whole".into(), ..Failure::interrupted() });
        }
        let at = MapLocation { file: self.file.to_path_buf(), entry: entry.entry.clone() };
        Ok(self.reader.read_map(&at)?)
    }
}

/// Writes each map as `<out>/<category>/test/<defect>/<stem>.npy`, as its path says; returns how many. Files that are
/// there already are replaced.
///
/// # Errors
/// A file that cannot be read, maps without paths or with the same one, and files that cannot be written.
pub(crate) fn into_folder(file: &Path, out: &Path, progress: &dyn Fn(u64, u64)) -> Result<u64, Failure> {
    let stack = Stack::open(file)?;
    let mut places = Vec::with_capacity(stack.entries.len());
    for entry in &stack.entries {
        let path = entry.path.as_deref().ok_or_else(|| {
            unfit(file, "it does not say which image each of its maps belongs to; give an .npy file as output")
        })?;
        places.push(out.join(map_place(path).ok_or_else(|| unfit(file, format!("{path:?} names no image")))?));
    }
    let mut sorted: Vec<&PathBuf> = places.iter().collect();
    sorted.sort();
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(unfit(file, format!("two maps belong to {}", twice[0].display())));
    }
    let total = stack.entries.len() as u64;
    for (done, (entry, place)) in stack.entries.iter().zip(&places).enumerate() {
        let map = stack.read(entry)?;
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(|error| whole_file::unwritable(folder, &error))?;
        }
        whole_file::write(place, |writer| {
            let shape = [u64::from(map.size.height), u64::from(map.size.width)];
            npy::write_header(writer, map.scores.comparison(), &shape)
                .and_then(|()| npy::write_scores(writer, &map.scores))
                .map_err(|error| whole_file::unwritable(place, &error))
        })?;
        progress(done as u64 + 1, total);
    }
    Ok(total)
}

/// Writes all maps as one array of N x H x W, and their paths, if there are any, one a line to `<out>.paths.txt`;
/// returns how many maps.
///
/// # Errors
/// A file that cannot be read, maps of different sizes or types, and files that cannot be written.
pub(crate) fn into_stack(file: &Path, out: &Path, progress: &dyn Fn(u64, u64)) -> Result<u64, Failure> {
    let stack = Stack::open(file)?;
    let first = &stack.entries[0];
    let same = |entry: &&ContainerEntry| (entry.size, entry.sample_type) == (first.size, first.sample_type);
    if let Some(other) = stack.entries.iter().find(|entry| !same(entry)) {
        let described = |size, sample_type: SampleType| format!("{size} {}", sample_type.name());
        let (one, two) = (described(first.size, first.sample_type), described(other.size, other.sample_type));
        return Err(unfit(file, format!("its maps are not alike ({one} and {two}); give a folder as output")));
    }
    let total = stack.entries.len() as u64;
    whole_file::write(out, |writer| {
        for (done, entry) in stack.entries.iter().enumerate() {
            let map = stack.read(entry)?;
            let shape = [total, u64::from(map.size.height), u64::from(map.size.width)];
            let header = if done == 0 { npy::write_header(writer, map.scores.comparison(), &shape) } else { Ok(()) };
            let written = header.and_then(|()| npy::write_scores(writer, &map.scores));
            written.map_err(|error| whole_file::unwritable(out, &error))?;
            progress(done as u64 + 1, total);
        }
        Ok(())
    })?;
    let paths: Option<Vec<&str>> = stack.entries.iter().map(|entry| entry.path.as_deref()).collect();
    if let Some(paths) = paths {
        let list = paths_file(out);
        whole_file::write(&list, |writer| {
            let lines = paths.iter().try_for_each(|path| writeln!(writer, "{path}"));
            lines.map_err(|error| whole_file::unwritable(&list, &error))
        })?;
    }
    Ok(total)
}

/// The list of paths that goes with a stacked `.npy`.
pub(crate) fn paths_file(out: &Path) -> PathBuf {
    out.with_extension("paths.txt")
}

/// Where the map of an image goes: what follows the collection, which ends before the category, the folder above
/// `test`. Without a `test` the last three parts.
fn map_place(path: &str) -> Option<PathBuf> {
    let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.is_empty() || parts.contains(&"..") {
        return None;
    }
    let test = parts.iter().rposition(|part| matches!(*part, "test" | "test_public"));
    let start = test.map_or(parts.len().saturating_sub(3), |test| test.saturating_sub(1));
    let place: PathBuf = parts[start..].iter().collect();
    // `with_extension` would take a part of a stem with a dot in it.
    let name = place.file_name()?.to_str()?;
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
    Some(place.with_file_name(format!("{stem}.npy")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_go_where_an_evaluation_looks_for_them() {
        let place = |path: &str| map_place(path).map(|place| place.to_string_lossy().into_owned());
        let good = |path: &str| place(path).unwrap_or_default();
        assert_eq!(good("MVTec/bottle/test/broken_large/000.png"), "bottle/test/broken_large/000.npy");
        assert_eq!(good("VisA/visa_pytorch/candle/test/bad/000.JPG"), "candle/test/bad/000.npy");
        assert_eq!(good("a/b/c/d/000.v1.png"), "c/d/000.v1.npy");
        assert_eq!(good("000"), "000.npy");
        for bad in ["", "/", "../../etc/passwd", "a/../b.png"] {
            assert_eq!(place(bad), None, "{bad}");
        }
    }
}
