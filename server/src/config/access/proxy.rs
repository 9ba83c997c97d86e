//! `proxy_url` and the keys beside it: the proxy through which a target is requested.
use crate::config::authorization::BasicAuthEntry;
use crate::config::{ConfigError, setting};
use crate::target::authorization::Authorization;
use crate::target::proxy::{Exceptions, Proxy, ProxyServer};
use crate::target::secret::Secret;
use crate::target::secret_source::SecretSource;
use reqwest::Url;

/// The port of a proxy whose URL names none, as for any URL with `http`.
const DEFAULT_PORT: u16 = 80;

/// `proxy_url`, `proxy_basic_auth`, `no_proxy` and `proxy_from_environment`.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProxyEntry {
    /// The URL, which may have a user and a password.
    pub(crate) url: Option<Secret>,
    pub(crate) basic_auth: Option<BasicAuthEntry>,
    pub(crate) exceptions: Option<String>,
    pub(crate) is_from_environment: bool,
}

impl ProxyEntry {
    /// Whether the URL has a password.
    pub(crate) fn has_password(&self) -> bool {
        let url = self.url.as_ref().and_then(|url| url.expose().parse::<Url>().ok());
        url.is_some_and(|url| url.password().is_some())
    }

    /// The proxy of `target`, which error messages name; none if there is none.
    pub(crate) fn resolve(self, target: &str) -> Result<Option<Proxy>, ConfigError> {
        let key = |key: &str| format!("{target}: {key}");
        if self.is_from_environment && (self.url.is_some() || self.exceptions.is_some() || self.basic_auth.is_some()) {
            let problem = "remove proxy_url, proxy_basic_auth and no_proxy: the variables say all of this";
            return Err(setting(&key("proxy_from_environment"), problem.into()));
        }
        if self.is_from_environment {
            return from_environment(&|name| std::env::var(name).ok());
        }
        let Some(url) = self.url else {
            if self.basic_auth.is_some() || self.exceptions.is_some() {
                return Err(setting(target, "proxy_basic_auth and no_proxy need proxy_url".into()));
            }
            return Ok(None);
        };
        let mut server = server(&key("proxy_url"), url.expose())?;
        if let Some(entry) = self.basic_auth {
            if server.authorization.is_some() {
                let problem = "proxy_url has a user already; give the password in one place";
                return Err(setting(&key("proxy_basic_auth"), problem.into()));
            }
            server.authorization = Some(entry.resolve(&key("proxy_basic_auth"))?);
        }
        let exceptions = exceptions(&key("no_proxy"), &self.exceptions.unwrap_or_default())?;
        Ok(Some(Proxy { http: Some(server.clone()), https: Some(server), exceptions }))
    }
}

/// The proxies that the usual variables name, in lower case or in upper case.
fn from_environment(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Proxy>, ConfigError> {
    let value = |name: &str| {
        let upper = name.to_ascii_uppercase();
        let value =
            variable(name).map(|value| (name.to_owned(), value)).or_else(|| Some((upper.clone(), variable(&upper)?)));
        value.filter(|(_, value)| !value.is_empty())
    };
    let server = |name: &str| {
        let Some((name, url)) = value(name) else { return Ok(None) };
        // Without a scheme, as many write it.
        let url = if url.contains("://") { url } else { format!("http://{url}") };
        server(&format!("the environment variable {name}"), &url).map(Some)
    };
    let (http, https) = (server("http_proxy")?, server("https_proxy")?);
    let exceptions = match value("no_proxy") {
        Some((name, list)) => exceptions(&format!("the environment variable {name}"), &list)?,
        None => Exceptions::default(),
    };
    Ok((http.is_some() || https.is_some()).then_some(Proxy { http, https, exceptions }))
}

fn exceptions(key: &str, list: &str) -> Result<Exceptions, ConfigError> {
    Exceptions::parse(list).map_err(|part| {
        let forms = "gpu-1, .acme.example, 10.1.2.3 or 10.0.0.0/8, with commas between them";
        setting(key, format!("{part:?} is neither a host nor a network; write hosts such as {forms}"))
    })
}

/// The proxy at `url`. Error messages do not quote it: it may have a password.
fn server(key: &str, url: &str) -> Result<ProxyServer, ConfigError> {
    let problem = |problem: String| setting(key, problem);
    let url: Url = url.parse().map_err(|error| problem(format!("the URL is invalid: {error}")))?;
    let Some(host) = url.host_str().filter(|_| url.scheme() == "http") else {
        let form = "http://proxy.example:3128";
        return Err(problem(format!("only proxies that are reached by HTTP can be used; write it as {form}")));
    };
    let address = format!("http://{host}:{}", url.port().unwrap_or(DEFAULT_PORT));
    let address = address.parse().map_err(|_| problem("the URL is invalid".into()))?;
    let authorization = (!url.username().is_empty()).then(|| {
        let password = Secret::new(decoded(url.password().unwrap_or_default()));
        Authorization::basic(decoded(url.username()), SecretSource::Fixed(password))
    });
    Ok(ProxyServer { address, authorization })
}

/// A part of a URL without its escapes.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, digit(0).zip(digit(1))) {
            (b'%', Some((high, low))) => {
                bytes.push((high << 4 | low) as u8);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy_of(variables: &[(&str, &str)]) -> Result<Option<Proxy>, String> {
        let variable =
            |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        from_environment(&variable).map_err(|error| error.to_string())
    }

    #[test]
    fn variables_name_proxies_by_scheme() {
        let proxy =
            proxy_of(&[("http_proxy", "proxy:3128"), ("HTTPS_PROXY", "http://u%40x:p@tunnel"), ("NO_PROXY", "a,.b")]);
        let proxy = proxy.expect("variables").expect("a proxy");
        let address = |uri: &str| {
            let uri = uri.parse().expect("a URL");
            proxy.server_for(&uri).map(|server| server.address.to_string())
        };
        assert_eq!(address("http://gpu-1/metrics").as_deref(), Some("http://proxy:3128/"));
        assert_eq!(address("https://gpu-1/metrics").as_deref(), Some("http://tunnel:80/"));
        assert_eq!((address("http://a/"), address("https://x.b/")), (None, None));
        let authorization = Authorization::basic("u@x".into(), SecretSource::Fixed(Secret::new("p")));
        assert_eq!(proxy.https.and_then(|server| server.authorization), Some(authorization));
        assert_eq!(proxy_of(&[("http_proxy", ""), ("no_proxy", "a")]), Ok(None));
    }

    #[test]
    fn variables_that_cannot_be_used_are_named_without_their_values() {
        let error = proxy_of(&[("HTTP_PROXY", "socks5://u:CANARY@proxy")]).expect_err("no proxy of HTTP");
        assert!(
            error.starts_with("the environment variable HTTP_PROXY: only proxies") && !error.contains("CANARY"),
            "{error}"
        );
        let error = proxy_of(&[("http_proxy", "p"), ("no_proxy", "a b")]).expect_err("no host");
        assert!(error.starts_with("the environment variable no_proxy: \"a b\" is neither"), "{error}");
    }
}
