//! The settings of the HTTP server: where it listens, who may reach it and how, and who may read and write.
use crate::config::file::File;
use crate::config::permissions::is_readable_by_all;
use crate::config::serve_args::ServeArgs;
use crate::config::{ConfigError, DEFAULT_LISTEN, rights, secret_file, setting};
use crate::target::secret_source::SecretFile;
use crate::target::tls::TlsIdentity;
use crate::web::access::Access;
use crate::web::frame_policy::is_frame_ancestor;
use crate::web::listen::certificate::ServerCertificate;
use catalogue::contract::is_origin;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The settings of the HTTP server.
#[derive(Debug)]
pub struct WebSettings {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The certificate that the server shows; none for plain HTTP.
    pub certificate: Option<ServerCertificate>,
    /// Host names besides loopback under which the page may be opened.
    pub allowed_hosts: Vec<String>,
    /// The sites that may embed the page: `'self'` and origins.
    pub frame_ancestors: Vec<String>,
    /// The origins whose pages may read the API.
    pub cors_origins: Vec<String>,
    /// Who may read, and who may write notes and layouts.
    pub access: Access,
    /// Whether everyone can read who reaches an address on a network.
    pub is_open_network: bool,
}

impl WebSettings {
    /// The settings of `args` and `file`, and what of them is allowed but dangerous, as sentences for the log.
    pub(super) fn new(args: &ServeArgs, file: &File) -> Result<(Self, Vec<String>), ConfigError> {
        let listen = args.listen.as_ref().or(file.listen.as_ref()).map_or(DEFAULT_LISTEN, String::as_str);
        let listen: SocketAddr = listen.parse().map_err(|_| {
            setting("listen", format!("{listen:?} is not an address and port, such as {DEFAULT_LISTEN}"))
        })?;
        let mut warnings = Vec::new();
        let certificate = certificate(args, file)?;
        if let Some(key) = certificate.as_ref().map(|own| own.paths()[1]).filter(|key| is_readable_by_all(key)) {
            warnings.push(readable_by_all(key));
        }
        let access = rights::access(file)?;
        let is_open_network = !listen.ip().is_loopback() && access.read.is_none();
        if is_open_network && !args.allow_open_network && !file.allow_open_network {
            return Err(ConfigError::OpenNetwork { listen });
        }
        if is_open_network {
            warnings.push(format!("everyone who reaches {listen} can read all metrics: read_token_file is not set"));
        }
        let ancestors = file.frame_ancestors.clone().unwrap_or_else(|| vec!["'self'".to_owned()]);
        let settings = Self {
            listen,
            certificate,
            allowed_hosts: args.allowed_hosts.iter().chain(&file.allowed_hosts).cloned().collect(),
            frame_ancestors: checked("frame_ancestors", ancestors, is_frame_ancestor)?,
            cors_origins: checked("cors_origins", file.cors_origins.clone(), is_origin)?,
            access,
            is_open_network,
        };
        Ok((settings, warnings))
    }

    /// The scheme of the page's address.
    pub fn scheme(&self) -> &'static str {
        if self.certificate.is_some() { "https" } else { "http" }
    }
}

/// The warning about a file with credentials.
pub(super) fn readable_by_all(path: &Path) -> String {
    format!("every user of this machine can read the credentials in {path:?}; run chmod 600 on it")
}

/// The certificate that the server shows; none if none is configured.
fn certificate(args: &ServeArgs, file: &File) -> Result<Option<ServerCertificate>, ConfigError> {
    let certificate = args.tls_cert_file.as_ref().or(file.tls_cert_file.as_ref());
    let key = args.tls_key_file.as_ref().or(file.tls_key_file.as_ref());
    let files = match (certificate, key) {
        (Some(certificate), Some(key)) => TlsIdentity { certificate: open(certificate)?, key: open(key)? },
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(setting("tls_key_file", "it is not set, but tls_cert_file is; set both".into())),
        (None, Some(_)) => return Err(setting("tls_cert_file", "it is not set, but tls_key_file is; set both".into())),
    };
    Ok(Some(ServerCertificate::new(files)?))
}

fn open(path: &PathBuf) -> Result<Arc<dyn SecretFile>, ConfigError> {
    secret_file::open(path).map_err(|source| ConfigError::Read { path: path.clone(), source })
}

/// The origins, if all are valid.
fn checked(name: &str, origins: Vec<String>, is_valid: impl Fn(&str) -> bool) -> Result<Vec<String>, ConfigError> {
    match origins.iter().find(|text| !is_valid(text)) {
        Some(text) => {
            let hint = "write it as browsers do, such as https://dash.example, without a path";
            Err(setting(name, format!("{text:?} is not an origin; {hint}")))
        }
        None => Ok(origins),
    }
}
