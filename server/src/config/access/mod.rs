//! The keys that say how a target is requested and what of its answer is accepted. Several tables of the configuration
//! have them.
pub(crate) mod headers;
pub(crate) mod page;
pub(crate) mod proxy;
pub(crate) mod tls;

use crate::config::access::headers::{HeaderEntry, headers};
use crate::config::access::page::PageEntry;
use crate::config::access::proxy::ProxyEntry;
use crate::config::access::tls::TlsEntry;
use crate::config::authorization::{AuthorizationEntry, BasicAuthEntry};
use crate::config::{ConfigError, setting};
use crate::target::access::{Access, Route};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The keys that say how something is requested, as they were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestEntry {
    pub(crate) authorization: Option<AuthorizationEntry>,
    pub(crate) basic_auth: Option<BasicAuthEntry>,
    pub(crate) http_headers: BTreeMap<String, HeaderEntry>,
    pub(crate) tls_config: Option<TlsEntry>,
    pub(crate) proxy: ProxyEntry,
}

/// Defines the table of a configuration, with its own keys and those of [`RequestEntry`].
macro_rules! table_with_request_keys {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$of_field:meta])* $field_vis:vis $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$of_field])* $field_vis $field: $type,)*
            pub(in $crate::config) authorization: Option<$crate::config::authorization::AuthorizationEntry>,
            pub(in $crate::config) basic_auth: Option<$crate::config::authorization::BasicAuthEntry>,
            pub(in $crate::config) http_headers: std::collections::BTreeMap<String, $crate::config::access::headers::HeaderEntry>,
            pub(in $crate::config) tls_config: Option<$crate::config::access::tls::TlsEntry>,
            pub(in $crate::config) proxy_url: Option<$crate::target::secret::Secret>,
            pub(in $crate::config) proxy_basic_auth: Option<$crate::config::authorization::BasicAuthEntry>,
            pub(in $crate::config) no_proxy: Option<String>,
            pub(in $crate::config) proxy_from_environment: bool,
        }

        impl $name {
            /// The keys that say how it is requested.
            pub(in $crate::config) fn request(&self) -> $crate::config::access::RequestEntry {
                $crate::config::access::RequestEntry {
                    authorization: self.authorization.clone(),
                    basic_auth: self.basic_auth.clone(),
                    http_headers: self.http_headers.clone(),
                    tls_config: self.tls_config.clone(),
                    proxy: $crate::config::access::proxy::ProxyEntry {
                        url: self.proxy_url.clone(),
                        basic_auth: self.proxy_basic_auth.clone(),
                        exceptions: self.no_proxy.clone(),
                        is_from_environment: self.proxy_from_environment,
                    },
                }
            }
        }
    };
}
pub(crate) use table_with_request_keys;

/// Defines the table of targets in a configuration: its own keys, those of [`RequestEntry`] and those of [`PageEntry`].
macro_rules! table_of_targets {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$of_field:meta])* $field_vis:vis $field:ident: $type:ty,)* }) => {
        $crate::config::access::table_with_request_keys! {
            $(#[$meta])*
            $vis struct $name {
                $($(#[$of_field])* $field_vis $field: $type,)*
                pub(in $crate::config) fallback_scrape_protocol: Option<String>,
                pub(in $crate::config) body_size_limit: Option<String>,
                pub(in $crate::config) sample_limit: Option<usize>,
                pub(in $crate::config) label_limit: Option<usize>,
                pub(in $crate::config) label_name_length_limit: Option<usize>,
                pub(in $crate::config) label_value_length_limit: Option<usize>,
            }
        }

        impl $name {
            /// The keys that say which metrics pages are accepted.
            pub(in $crate::config) fn page(&self) -> $crate::config::access::page::PageEntry {
                $crate::config::access::page::PageEntry {
                    fallback_scrape_protocol: self.fallback_scrape_protocol.clone(),
                    body_size_limit: self.body_size_limit.clone(),
                    sample_limit: self.sample_limit,
                    label_limit: self.label_limit,
                    label_name_length_limit: self.label_name_length_limit,
                    label_value_length_limit: self.label_value_length_limit,
                }
            }
        }
    };
}
pub(crate) use table_of_targets;

/// How a target is requested, and what of its answers is accepted. `scheme` is the default type of `authorization`.
///
/// # Errors
/// If a value cannot be used. The message names `target`.
pub(crate) fn resolve(
    target: &str,
    scheme: &str,
    request: RequestEntry,
    page: PageEntry,
) -> Result<Access, ConfigError> {
    page.resolve(target, request.resolve(target, scheme)?)
}

impl RequestEntry {
    /// The files that hold secrets: their own, or `config` for those in the configuration itself.
    pub(crate) fn secret_files(&self, config: &Path) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = Vec::new();
        files.extend(self.authorization.iter().filter_map(|entry| entry.secret_file(config)).map(Path::to_owned));
        let basic = self.basic_auth.iter().chain(&self.proxy.basic_auth);
        files.extend(basic.filter_map(|entry| entry.secret_file(config)).map(Path::to_owned));
        files.extend(self.http_headers.values().flat_map(|entry| entry.secret_files(config)));
        files.extend(self.tls_config.iter().filter_map(|entry| entry.key_file.clone()));
        files.extend(self.proxy.has_password().then(|| config.to_owned()));
        files
    }

    /// The credentials, headers and way, without limits of the answer. `scheme` is the default type of `authorization`.
    ///
    /// # Errors
    /// If a value cannot be used. The message names `target`.
    pub(crate) fn resolve(self, target: &str, scheme: &str) -> Result<Access, ConfigError> {
        let authorization = match (self.authorization, self.basic_auth) {
            (Some(_), Some(_)) => {
                let problem = "set either authorization or basic_auth: a request has one header Authorization";
                return Err(setting(target, problem.into()));
            }
            (Some(entry), None) => Some(entry.resolve(target, scheme)?),
            (None, Some(entry)) => Some(entry.resolve(&format!("{target}: basic_auth"))?),
            (None, None) => None,
        };
        let tls = self.tls_config.map(|entry| entry.resolve(target)).transpose()?;
        let route = Route { tls: tls.map(Arc::new), proxy: self.proxy.resolve(target)?.map(Arc::new) };
        Ok(Access { authorization, headers: headers(target, self.http_headers)?, route, ..Access::default() })
    }
}
