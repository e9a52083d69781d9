//! Files and directories that nobody else may read.
//!
//! Unix has modes for it. On Windows what is made inherits the access list of the directory above, which is why the agent's state
//! directory must be closed there once (docs/operations.md says how); nothing here can look into that list.

use std::{
    fs::{DirBuilder, File, Metadata, OpenOptions},
    io,
    path::Path,
};

/// Writable files that are made with these are ours alone.
pub fn options() -> OpenOptions {
    #[cfg(unix)]
    {
        let mut options = OpenOptions::new();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
    }
    #[cfg(not(unix))]
    OpenOptions::new()
}

/// This directory and those above it, as far as they are missing; this one is closed to others, whoever made it.
pub fn directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        builder.mode(0o700).create(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
    }
    #[cfg(not(unix))]
    builder.create(path)
}

/// The mode, if others than its owner may do anything with it. `None` where there are no modes.
pub fn open_to_others(meta: &Metadata) -> Option<String> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions());
        (mode & 0o077 != 0).then(|| format!("{:o}", mode & 0o777))
    }
    #[cfg(not(unix))]
    {
        let _ = meta;
        None
    }
}

/// Whether the file that is open here has a name no more: somebody removed it.
pub fn is_removed(meta: &Metadata) -> bool {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::nlink(meta) == 0;
    #[cfg(not(unix))]
    {
        // Windows does not let go of a name while the file is open as we open it.
        let _ = meta;
        false
    }
}

/// Makes a rename or a new file in this directory last. Windows' file systems keep names in their own journal and cannot be asked.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
