//! How a target is requested, and how much of its answer is accepted.
use crate::target::authorization::Authorization;
use crate::target::failure::Failure;
use crate::target::proxy::Proxy;
use crate::target::secret::Secret;
use crate::target::secret_source::SecretSource;
use crate::target::tls::TlsSettings;
use exposition::{Format, Limits};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::sync::Arc;

/// How a target is requested, and what of its answers is accepted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Access {
    /// The credentials to send.
    pub authorization: Option<Authorization>,
    /// More headers to send.
    pub headers: Vec<Header>,
    /// The way to it.
    pub route: Route,
    /// The format of pages whose content type is missing or is no exposition format; none to refuse them.
    pub fallback: Option<Format>,
    /// The largest page that is accepted.
    pub limits: Limits,
}

/// The way to a target. Targets with the same way share connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Route {
    /// The TLS settings; none for the usual ones.
    pub tls: Option<Arc<TlsSettings>>,
    /// The proxy; none for the direct way.
    pub proxy: Option<Arc<Proxy>>,
}

/// A header of a target's requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: HeaderName,
    /// Its value.
    pub value: HeaderText,
}

/// The value of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderText {
    /// A value that everybody may know.
    Public(HeaderValue),
    /// A secret.
    Secret(SecretSource),
}

impl Route {
    /// Whether it is the direct way with the usual settings.
    pub(crate) fn is_plain(&self) -> bool {
        self.tls.is_none() && self.proxy.is_none()
    }
}

impl Access {
    /// Whether any certificate will do.
    pub(crate) fn is_insecure(&self) -> bool {
        self.route.tls.as_ref().is_some_and(|tls| tls.insecure_skip_verify)
    }

    /// The same without any secret, for servers that need not know them.
    pub(crate) fn without_secrets(&self) -> Self {
        let is_public = |header: &&Header| matches!(header.value, HeaderText::Public(_));
        Self { authorization: None, headers: self.headers.iter().filter(is_public).cloned().collect(), ..self.clone() }
    }

    /// Adds the headers to `headers`, and returns the secrets in them.
    ///
    /// # Errors
    /// If there are no credentials, or a header cannot hold them.
    pub(crate) async fn add_headers(&self, headers: &mut HeaderMap) -> Result<Vec<Secret>, Failure> {
        let mut secrets = Vec::new();
        for Header { name, value } in &self.headers {
            let value = match value {
                HeaderText::Public(value) => value.clone(),
                HeaderText::Secret(source) => {
                    let secret = source.current().await;
                    let value = HeaderValue::try_from(secret.expose()).ok().filter(|value| !value.is_empty());
                    let mut value = value.ok_or(Failure::Credentials)?;
                    value.set_sensitive(true);
                    secrets.push(secret);
                    value
                }
            };
            headers.append(name.clone(), value);
        }
        if let Some(authorization) = &self.authorization {
            let (value, credentials) = authorization.header().await?;
            headers.insert(header::AUTHORIZATION, value);
            secrets.push(credentials);
        }
        Ok(secrets)
    }

    /// The secrets as they are now.
    pub(crate) async fn current_secrets(&self) -> Vec<Secret> {
        let mut secrets = Vec::new();
        for source in self.header_secrets() {
            secrets.push(source.current().await);
        }
        for authorization in self.authorizations() {
            secrets.push(authorization.current().await);
        }
        secrets
    }

    /// The secrets that were used last, in the same order.
    pub(crate) fn last_secrets(&self) -> Vec<Secret> {
        let own = self.header_secrets().map(SecretSource::last_read);
        own.chain(self.authorizations().map(Authorization::last_read)).collect()
    }

    fn header_secrets(&self) -> impl Iterator<Item = &SecretSource> {
        self.headers.iter().filter_map(|header| match &header.value {
            HeaderText::Secret(source) => Some(source),
            HeaderText::Public(_) => None,
        })
    }

    fn authorizations(&self) -> impl Iterator<Item = &Authorization> {
        self.authorization.iter().chain(self.route.proxy.iter().flat_map(|proxy| proxy.authorizations()))
    }
}
