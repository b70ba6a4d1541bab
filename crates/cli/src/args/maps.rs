//! `--maps [NAME=]PATH`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A detector's maps and, perhaps, its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedMaps {
    /// The name that stands before the path.
    pub name: Option<String>,
    /// A folder of maps, or a file that holds many.
    pub path: PathBuf,
}

impl NamedMaps {
    /// Reads `NAME=PATH`, or a path alone. What stands before the first `=` is a name unless it has a slash in it.
    ///
    /// # Errors
    /// A name or a path is empty, or the name is not UTF-8.
    pub fn parse(text: OsString) -> Result<Self, String> {
        let bytes = text.as_bytes();
        let equals = bytes.iter().position(|&byte| byte == b'=').filter(|&at| !bytes[..at].contains(&b'/'));
        let Some(equals) = equals else {
            return if bytes.is_empty() {
                Err("expected a path".into())
            } else {
                Ok(Self { name: None, path: text.into() })
            };
        };
        let (name, path) = (&bytes[..equals], &bytes[equals + 1..]);
        let name = str::from_utf8(name).map_err(|_| "a detector's name has to be UTF-8")?;
        if name.is_empty() || path.is_empty() {
            return Err("expected NAME=PATH (write ./ before a path with an equals sign in it)".into());
        }
        Ok(Self { name: Some(name.to_owned()), path: OsString::from_vec(path.to_vec()).into() })
    }

    /// The name, else that of the folder or file without its ending.
    pub fn model(&self) -> Option<String> {
        self.name.clone().or_else(|| stem(&self.path))
    }
}

/// The name of a folder, or of a file without its ending.
pub(crate) fn stem(path: &Path) -> Option<String> {
    let whole = if path.file_name().is_some() { path.to_owned() } else { path.canonicalize().ok()? };
    let name: &OsStr = if whole.is_file() { whole.file_stem()? } else { whole.file_name()? };
    name.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parsed(text: &str) -> (Option<String>, String) {
        let maps = NamedMaps::parse(text.into()).unwrap();
        (maps.name, maps.path.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_name_stands_before_the_first_equals_sign() {
        assert_eq!(parsed("padim=out/a=b"), (Some("padim".into()), "out/a=b".into()));
        assert_eq!(parsed("out/a=b"), (None, "out/a=b".into()));
        assert_eq!(parsed("out"), (None, "out".into()));
        for bad in ["", "=x", "x="] {
            assert!(NamedMaps::parse(bad.into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_lends_its_name() {
        let model = |text: &str| NamedMaps::parse(text.into()).unwrap().model();
        assert_eq!(model("maps/patchcore.v2/").as_deref(), Some("patchcore.v2"));
        assert_eq!(model("a=maps/b").as_deref(), Some("a"));
        let here = std::env::current_dir().unwrap();
        assert_eq!(model("."), here.file_name().map(|name| name.to_str().unwrap().to_owned()));
        assert_eq!(model("/"), None);
    }
}
