//! Secrets that cannot be printed or serialised by accident.
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::sync::Arc;

/// A token or password. Prints as `<secret>`; its text is reached only through [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text, for use in a request header only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Through a generic value, because serde's message about a wrong type quotes the value.
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Self(text.into())),
            _ => Err(D::Error::custom("a secret must be a string")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Holder {
        token: Secret,
    }

    #[test]
    fn a_secret_never_prints() {
        let holder: Holder = toml::from_str("token = \"hf_CANARY\"").expect("toml");
        assert_eq!(holder.token.expose(), "hf_CANARY");
        assert_eq!(format!("{holder:?} {}", holder.token), "Holder { token: <secret> } <secret>");
    }

    #[test]
    fn a_secret_of_the_wrong_type_is_not_quoted() {
        let error = toml::from_str::<Holder>("token = 271828").expect_err("a number");
        assert!(!error.message().contains("271828"), "{}", error.message());
    }
}
