//! Who may read and write, as the configuration says.
use crate::config::file::File;
use crate::config::{ConfigError, secret_file};
use crate::web::access::{Access, UserRole};
use std::path::PathBuf;

/// Who may read and write.
pub(super) fn access(file: &File) -> Result<Access, ConfigError> {
    let token = |path: &Option<PathBuf>| {
        let open =
            |path: &PathBuf| secret_file::open(path).map_err(|source| ConfigError::Read { path: path.clone(), source });
        path.as_ref().map(open).transpose()
    };
    Ok(Access {
        read: token(&file.read_token_file)?,
        write: token(&file.write_token_file)?,
        metrics: token(&file.metrics_token_file)?,
        user: file.user_header.is_some().then(|| file.user_role.unwrap_or(UserRole::Read)),
        write_on_loopback: file.write_on_loopback.unwrap_or(true),
    })
}
