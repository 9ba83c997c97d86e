//! The `Authorization` header of a target's requests.
use crate::target::base64::{ALPHABET, to_padded_base64};
use crate::target::failure::Failure;
use crate::target::secret::Secret;
use crate::target::secret_source::SecretSource;
use http::HeaderValue;

/// The credentials for one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    scheme: Scheme,
    credentials: SecretSource,
}

/// What stands before the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scheme {
    /// This word, and the credentials as they are.
    Named(String),
    /// HTTP's basic authentication of this user. The credentials are the password.
    Basic(String),
}

impl Authorization {
    /// Credentials that follow the word `scheme`.
    pub fn new(scheme: String, credentials: SecretSource) -> Self {
        Self { scheme: Scheme::Named(scheme), credentials }
    }

    /// A user and a password. Source: RFC 7617.
    pub fn basic(user: String, password: SecretSource) -> Self {
        Self { scheme: Scheme::Basic(user), credentials: password }
    }

    /// The header's value, and the secret that it contains.
    ///
    /// # Errors
    /// If there are no credentials, or a header cannot hold them.
    pub(crate) async fn header(&self) -> Result<(HeaderValue, Secret), Failure> {
        let credentials = self.current().await;
        let (text, secret) = match &self.scheme {
            Scheme::Named(scheme) if !credentials.expose().is_empty() => {
                (format!("{scheme} {}", credentials.expose()), credentials)
            }
            // A password that the configuration itself gives may be empty: the user is then a token.
            Scheme::Basic(user)
                if !credentials.expose().is_empty() || matches!(self.credentials, SecretSource::Fixed(_)) =>
            {
                let pair = to_padded_base64(format!("{user}:{}", credentials.expose()).as_bytes(), ALPHABET);
                (format!("Basic {pair}"), Secret::new(pair))
            }
            _ => return Err(Failure::Credentials),
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| Failure::Credentials)?;
        value.set_sensitive(true);
        Ok((value, secret))
    }

    /// The credentials as they are now.
    pub(crate) async fn current(&self) -> Secret {
        self.credentials.current().await
    }

    /// The credentials that were used last.
    pub(crate) fn last_read(&self) -> Secret {
        self.credentials.last_read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(text: &str) -> SecretSource {
        SecretSource::Fixed(Secret::new(text))
    }

    #[tokio::test]
    async fn headers_are_those_of_the_standards() {
        let header = async |authorization: Authorization| {
            authorization.header().await.map(|(value, _)| value.to_str().expect("text").to_owned())
        };
        let token = Authorization::new("Api-Key".into(), fixed("t"));
        assert_eq!(header(token).await.as_deref(), Ok("Api-Key t"));
        // The example of RFC 7617.
        let aladdin = Authorization::basic("Aladdin".into(), fixed("open sesame"));
        assert_eq!(header(aladdin).await.as_deref(), Ok("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert_eq!(header(Authorization::basic("t".into(), fixed(""))).await.as_deref(), Ok("Basic dDo="));
        assert_eq!(header(Authorization::new("Bearer".into(), fixed(""))).await, Err(Failure::Credentials));
        assert_eq!(header(Authorization::new("Bearer".into(), fixed("a\nb"))).await, Err(Failure::Credentials));
    }
}
