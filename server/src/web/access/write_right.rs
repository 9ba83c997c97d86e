//! Who may write: on loopback the page of this server, by a key of this process; elsewhere whoever has the token of the
//! configuration, or a session that began with it.
use crate::clock::now_ms;
use crate::web::access::{Keyring, Refusal, Role, origin_host, refusal, refuse_foreign};
use crate::web::arrival::Arrival;
use crate::web::frame_policy::random_key;
use crate::web::hosts::is_loopback_host;
use axum::http::StatusCode;
use axum::http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use std::sync::Arc;
use std::time::Instant;
use subtle::ConstantTimeEq;

/// The header with the key of this process.
const WRITE_KEY: HeaderName = HeaderName::from_static("write-key");

/// Proxies add these. What one passes on does not come from this machine, even if the proxy is on it.
const OF_PROXIES: [HeaderName; 6] = [
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("via"),
];

/// Where one learns how to get the right.
const ADVICE: &str = "see Writing in docs/security.md";

/// Decides who may write.
#[derive(Debug)]
pub(crate) struct WriteRight {
    pub(super) key: String,
    keyring: Arc<Keyring>,
}

impl WriteRight {
    /// The right by the tokens of `keyring`, and by a new key.
    ///
    /// # Errors
    /// If the system provides no random bytes.
    pub(crate) fn new(keyring: Arc<Keyring>) -> Result<Self, getrandom::Error> {
        Ok(Self { key: random_key()?, keyring })
    }

    /// The key for the page from which a request comes, which may write with it; none if the page needs none, because a
    /// proxy adds the token or it has a session.
    ///
    /// # Errors
    /// Why that page may not write.
    pub(crate) async fn key_for(&self, arrival: &Arrival, headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
        refuse_foreign(arrival, headers)?;
        if self.has_role(arrival, headers).await? {
            return Ok(None);
        }
        match self.is_local(arrival, headers) {
            true => Ok(Some(&self.key)),
            false => Err(refusal(StatusCode::UNAUTHORIZED, self.requirement())),
        }
    }

    /// Checks that the sender of a request may write.
    ///
    /// # Errors
    /// Why it may not.
    pub(crate) async fn check(&self, arrival: &Arrival, headers: &HeaderMap) -> Result<(), Refusal> {
        refuse_foreign(arrival, headers)?;
        if self.has_role(arrival, headers).await? {
            return Ok(());
        }
        let is_local = self.is_local(arrival, headers);
        match headers.get(WRITE_KEY) {
            Some(key) if is_local => {
                self.keyring.wrong_tries.refuse_many(arrival.client, Instant::now())?;
                if self.key.as_bytes().ct_eq(key.as_bytes()).into() {
                    return Ok(());
                }
                self.keyring.wrong_tries.count(arrival.client, Instant::now());
                let problem = "this is not the key of the running server, which has another one after each start";
                Err(refusal(StatusCode::FORBIDDEN, format!("{problem}; reload the page")))
            }
            None if is_local => Err(refusal(
                StatusCode::UNAUTHORIZED,
                format!("writing needs the header Write-Key with the key from /api/v1/inferboard/writing; {ADVICE}"),
            )),
            _ => Err(refusal(StatusCode::UNAUTHORIZED, self.requirement())),
        }
    }

    /// Whether a request may write by its token or its session.
    async fn has_role(&self, arrival: &Arrival, headers: &HeaderMap) -> Result<bool, Refusal> {
        if self.keyring.user_role(arrival) == Some(Role::Write) {
            return Ok(true);
        }
        match self.keyring.token_role(arrival.client, headers).await? {
            Some(Role::Write) => Ok(true),
            Some(role) => {
                let problem = format!("the token of {} may not write, only that of write_token_file", role.key());
                Err(refusal(StatusCode::FORBIDDEN, format!("{problem}; {ADVICE}")))
            }
            None => Ok(self.keyring.session_role(headers, now_ms()).await == Some(Role::Write)),
        }
    }

    fn is_local(&self, arrival: &Arrival, headers: &HeaderMap) -> bool {
        self.keyring.access.write_on_loopback && is_local(arrival, headers)
    }

    /// What a client needs that is not on this machine.
    fn requirement(&self) -> String {
        let access = &self.keyring.access;
        match (&access.write, access.write_on_loopback) {
            (Some(_), _) => format!(
                "writing from here needs the token of write_token_file: open /sign-in in the browser, or send the header \
                 Authorization: Bearer; {ADVICE}"
            ),
            (None, true) => format!(
                "writing is allowed only on the machine of the server, at its address on loopback; elsewhere it needs a \
                 token: set write_token_file in the configuration; {ADVICE}"
            ),
            (None, false) => format!(
                "writing is turned off by write_on_loopback = false; set write_token_file in the configuration to allow \
                 it with a token; {ADVICE}"
            ),
        }
    }
}

/// Whether a request comes from this machine, and no proxy passes it on.
fn is_local(arrival: &Arrival, headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_loopback_page = headers.get(ORIGIN).is_none_or(|origin| origin_host(origin).is_some_and(is_loopback_host));
    arrival.client.to_canonical().is_loopback()
        && !arrival.is_passed_on
        && host.is_some_and(is_loopback_host)
        && is_loopback_page
        && !OF_PROXIES.iter().any(|name| headers.contains_key(name))
}
