//! The settings of the HTTP server: where it listens, who may reach it and how, and who may read and write.
use crate::config::file::File;
use crate::config::permissions::is_readable_by_all;
use crate::config::serve_args::ServeArgs;
use crate::config::{ConfigError, DEFAULT_LISTEN, rights, secret_file, setting};
use crate::target::secret_source::SecretFile;
use crate::target::tls::TlsIdentity;
use crate::web::access::Access;
use crate::web::arrival::ArrivalRules;
use crate::web::base_path::BasePath;
use crate::web::frame_policy::is_frame_ancestor;
use crate::web::listen::address::ListenAddress;
use crate::web::listen::certificate::ServerCertificate;
use crate::web::proxies::TrustedProxies;
use axum::http::HeaderName;
use axum::http::header::{ACCEPT, AUTHORIZATION, COOKIE, FORWARDED, HOST, ORIGIN, USER_AGENT};
use catalogue::contract::is_origin;
use std::path::Path;
use std::sync::Arc;

/// The permissions of the socket's file by default: its user and its group may connect.
const DEFAULT_SOCKET_MODE: u32 = 0o660;

/// Headers that say nothing about what a proxy has checked.
const OF_CLIENTS: [HeaderName; 7] = [ACCEPT, AUTHORIZATION, COOKIE, FORWARDED, HOST, ORIGIN, USER_AGENT];

/// The settings of the HTTP server.
#[derive(Debug)]
pub struct WebSettings {
    /// Where to listen.
    pub listen: ListenAddress,
    /// The permissions of the socket's file, if it is a socket.
    pub socket_mode: u32,
    /// The certificate that the server shows; none for plain HTTP.
    pub certificate: Option<ServerCertificate>,
    /// The path below which the page is opened, and the proxies that are believed.
    pub rules: ArrivalRules,
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
        let listen = ListenAddress::parse(listen).map_err(|problem| setting("listen", problem))?;
        let mut warnings = Vec::new();
        let certificate = certificate(args, file)?;
        if certificate.is_some() && listen.network().is_none() {
            let problem =
                "a socket is not encrypted, as nobody is on the way; remove this key, or listen on an address";
            return Err(setting("tls_cert_file", problem.into()));
        }
        if let Some(key) = certificate.as_ref().map(|own| own.paths()[1]).filter(|key| is_readable_by_all(key)) {
            warnings.push(readable_by_all(key));
        }
        let access = rights::access(file)?;
        let is_open_network = !listen.is_local() && !access.is_needed();
        if is_open_network && !args.allow_open_network && !file.allow_open_network {
            return Err(ConfigError::OpenNetwork { listen });
        }
        if is_open_network {
            warnings.push(format!("everyone who reaches {listen} can read all metrics: read_token_file is not set"));
        }
        let ancestors = file.frame_ancestors.clone().unwrap_or_else(|| vec!["'self'".to_owned()]);
        let settings = Self {
            listen,
            socket_mode: socket_mode(file)?,
            certificate,
            rules: rules(args, file)?,
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

/// The path below which the page is opened, the proxies that are believed, and how they name people.
fn rules(args: &ServeArgs, file: &File) -> Result<ArrivalRules, ConfigError> {
    let base_path = args.base_path.as_ref().or(file.base_path.as_ref());
    let base_path = base_path.map(|path| BasePath::parse(path)).transpose();
    let proxies =
        TrustedProxies::parse(&file.trusted_proxies).map_err(|problem| setting("trusted_proxies", problem))?;
    let user_header = file.user_header.as_ref().map(|name| user_header(name, &proxies)).transpose()?;
    if file.user_role.is_some() && user_header.is_none() {
        return Err(setting("user_role", "it says what people may do whom user_header names; set that too".into()));
    }
    Ok(ArrivalRules {
        base_path: base_path.map_err(|problem| setting("base_path", problem))?.unwrap_or_default(),
        proxies,
        user_header,
    })
}

/// The header in which `proxies` name whom they have signed in.
fn user_header(name: &str, proxies: &TrustedProxies) -> Result<HeaderName, ConfigError> {
    let problem = |problem: &str| setting("user_header", format!("{name:?} {problem}"));
    if proxies.is_empty() {
        return Err(problem("counts only if a proxy sends it; name the proxy in trusted_proxies"));
    }
    let header = HeaderName::try_from(name).map_err(|_| problem("is not the name of a header"))?;
    match OF_CLIENTS.contains(&header) {
        true => Err(problem("is a header that every client sends; have the proxy send another one")),
        false => Ok(header),
    }
}

fn socket_mode(file: &File) -> Result<u32, ConfigError> {
    let Some(text) = &file.socket_mode else { return Ok(DEFAULT_SOCKET_MODE) };
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777 && mode & 0o200 != 0);
    let problem = "is not a mode of a file in octal digits, such as \"0660\", with which the server itself can connect";
    mode.ok_or_else(|| setting("socket_mode", format!("{text:?} {problem}")))
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

fn open(path: &Path) -> Result<Arc<dyn SecretFile>, ConfigError> {
    secret_file::open(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
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
