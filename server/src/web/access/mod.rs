//! Who may read and write: by tokens of the configuration, by a session that began with one, and on loopback by the key of
//! this process. Pages of other origins never may.
pub(crate) mod read_right;
pub(crate) mod session;
pub(crate) mod sign_in;
pub(crate) mod write_right;
pub(crate) mod wrong_tries;

use crate::target::secret_source::SecretFile;
use crate::web::access::wrong_tries::WrongTries;
use crate::web::arrival::Arrival;
use crate::web::base_path::BasePath;
use crate::web::frame_policy::hex;
use crate::web::listen::address::ListenAddress;
use axum::http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, ORIGIN};
use axum::http::{HeaderValue, StatusCode};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;
use subtle::ConstantTimeEq;

/// Browsers say with it where a request comes from.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Shorter tokens could be guessed.
const MIN_TOKEN_BYTES: usize = 16;

/// Who may read and write, as configured.
#[derive(Clone, Debug)]
pub struct Access {
    /// The token that allows reading; none if everyone may read who reaches the server.
    pub read: Option<Arc<dyn SecretFile>>,
    /// The token that allows writing, and reading, from anywhere; none if no token does.
    pub write: Option<Arc<dyn SecretFile>>,
    /// The token that allows reading the metrics pages and nothing else.
    pub metrics: Option<Arc<dyn SecretFile>>,
    /// What those may do whom a proxy has signed in; none if no proxy does.
    pub user: Option<UserRole>,
    /// Whether the page may write that is opened on loopback.
    pub write_on_loopback: bool,
}

/// What those may do whom a proxy has signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", expecting = "\"read\" or \"write\"")]
pub enum UserRole {
    /// They read.
    Read,
    /// They read and write.
    Write,
}

/// What a token or a session is good for. Each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Reading the metrics pages.
    Metrics,
    /// Reading everything.
    Read,
    /// Reading and writing.
    Write,
}

impl Role {
    const ALL: [Self; 3] = [Self::Metrics, Self::Read, Self::Write];

    /// The key of the configuration that names the file with its token.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Metrics => "metrics_token_file",
            Self::Read => "read_token_file",
            Self::Write => "write_token_file",
        }
    }
}

impl Access {
    /// The file with a role's token.
    pub(crate) fn file(&self, role: Role) -> Option<&Arc<dyn SecretFile>> {
        match role {
            Role::Metrics => self.metrics.as_ref(),
            Role::Read => self.read.as_ref(),
            Role::Write => self.write.as_ref(),
        }
    }

    /// Whether nobody reads without showing who they are.
    pub fn is_needed(&self) -> bool {
        self.read.is_some() || self.user.is_some()
    }

    /// Whether there is a token with which a person can sign in.
    pub(crate) fn has_form(&self) -> bool {
        self.read.is_some() || self.write.is_some()
    }

    /// The roles that have a token.
    fn roles(&self) -> impl DoubleEndedIterator<Item = (Role, &Arc<dyn SecretFile>)> {
        Role::ALL.into_iter().filter_map(|role| Some((role, self.file(role)?)))
    }
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// What is missing, and how to get it.
    pub(crate) message: String,
}

fn refusal(status: StatusCode, message: impl Into<String>) -> Refusal {
    Refusal { status, message: message.into() }
}

/// Finds out what requests may do.
#[derive(Debug)]
pub(crate) struct Keyring {
    access: Access,
    /// What tells the cookies of several servers on one machine apart: the port, or what stands for the path of a socket.
    server: String,
    /// The path below which the page is opened, and which its cookies are for.
    base_path: BasePath,
    wrong_tries: WrongTries,
}

impl Keyring {
    /// The tokens of `access`, for the server that listens on `address` and whose page is below `base_path`.
    pub(crate) fn new(access: Access, address: &ListenAddress, base_path: BasePath) -> Self {
        let server = match address {
            ListenAddress::Network(address) => address.port().to_string(),
            ListenAddress::Socket(path) => hex(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..4]),
        };
        Self { access, server, base_path, wrong_tries: WrongTries::default() }
    }

    /// The role of a request by its proxy's word; none if it has none.
    pub(crate) fn user_role(&self, arrival: &Arrival) -> Option<Role> {
        self.access.user.filter(|_| arrival.has_user).map(|role| match role {
            UserRole::Read => Role::Read,
            UserRole::Write => Role::Write,
        })
    }

    /// The role of a request by its token; none if it has no token.
    ///
    /// # Errors
    /// If the token is wrong, or the client has tried too many.
    pub(crate) async fn token_role(&self, client: IpAddr, headers: &HeaderMap) -> Result<Option<Role>, Refusal> {
        match bearer_token(headers) {
            Some(token) => self.role_of(client, token).await.map(Some),
            None => Ok(None),
        }
    }

    /// The role of a token that a client has sent.
    ///
    /// # Errors
    /// If it is wrong, or the client has tried too many.
    pub(crate) async fn role_of(&self, client: IpAddr, candidate: &[u8]) -> Result<Role, Refusal> {
        self.wrong_tries.refuse_many(client, Instant::now())?;
        let (mut names, mut short) = (Vec::new(), None);
        for (role, file) in self.access.roles().rev() {
            let token = file.read().await;
            let token = token.expose().as_bytes();
            names.push(role.key());
            match token.len() < MIN_TOKEN_BYTES {
                true => short = Some(role),
                false if token.ct_eq(candidate).into() => return Ok(role),
                false => {}
            }
        }
        if let Some(role) = short {
            let problem = "has less than 16 characters; write a longer token to it";
            return Err(refusal(StatusCode::FORBIDDEN, format!("{} {problem}", role.key())));
        }
        if names.is_empty() {
            let problem = "there is no token: set read_token_file or write_token_file in the configuration";
            return Err(refusal(StatusCode::FORBIDDEN, problem));
        }
        self.wrong_tries.count(client, Instant::now());
        Err(refusal(StatusCode::FORBIDDEN, format!("the token is not the one in {}", names.join(" or "))))
    }
}

/// Refuses what a page of another origin sends, those of `cors_origins` included: they may only read.
fn refuse_foreign(arrival: &Arrival, headers: &HeaderMap) -> Result<(), Refusal> {
    let foreign = |problem: &str| Err(refusal(StatusCode::FORBIDDEN, problem));
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter().peekable();
    if sites.peek().is_some() {
        return match sites.all(|site| matches!(site.as_bytes(), b"same-origin" | b"none")) {
            true => Ok(()),
            false => foreign("only the page that this server serves may do this, and no page of another origin"),
        };
    }
    // Browsers send no Sec-Fetch-Site over plain HTTP to another machine, but Origin with each request that can write.
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let own = headers.get(HOST).and_then(|host| host.to_str().ok());
    let mut hosts = own.into_iter().chain(arrival.hosts.first().map(String::as_str));
    match origin_host(origin) {
        Some(origin) if hosts.any(|host| origin.eq_ignore_ascii_case(host)) => Ok(()),
        _ => foreign(
            "the page's origin is not the host of the request; only the page that this server serves may do this, and a \
             proxy in front has to pass on the header Host, or be among trusted_proxies and send X-Forwarded-Host",
        ),
    }
}

fn origin_host(origin: &HeaderValue) -> Option<&str> {
    Some(origin.to_str().ok()?.split_once("://")?.1)
}

/// The token of `Authorization: Bearer`. Other schemes are a proxy's own.
fn bearer_token(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod write_tests;
