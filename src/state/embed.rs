//! What a link asks of a page that stands in a frame of another one: which card, which theme, which parents it talks to.
use crate::state::theme::Theme;

/// How long an origin may be: a scheme, a host name of at most 253 characters, a port.
const LONGEST_ORIGIN: usize = 270;

/// What is in the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbedContent {
    /// All cards of the section.
    All,
    /// The card of one graph of the catalogue, by its id.
    Graph(String),
}

impl EmbedContent {
    /// The value of `embed` in links.
    pub fn id(&self) -> &str {
        match self {
            Self::All => "all",
            Self::Graph(id) => id,
        }
    }

    /// What a value of `embed` means.
    pub fn from_id(id: &str) -> Self {
        if id == "all" { Self::All } else { Self::Graph(id.to_owned()) }
    }
}

/// A page in a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Embed {
    /// What it shows.
    pub content: EmbedContent,
    /// Its theme; none for the system's.
    pub theme: Option<Theme>,
    /// Origins whose messages it takes, and that get its own.
    pub parents: Vec<String>,
}

/// Whether a text is an origin as browsers write it: a scheme, a host in lower case and perhaps a port. It is compared as
/// text, so one with a path or a wildcard would never match, and `null` is anyone's.
/// Source: WHATWG HTML, "ASCII serialization of an origin".
pub fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_:[]".contains(&byte);
    rest.is_some_and(|rest| !rest.is_empty() && text.len() <= LONGEST_ORIGIN && rest.bytes().all(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_exact() {
        for text in ["https://a.example", "http://localhost:8080", "http://[::1]:80", "http://127.0.0.1"] {
            assert!(is_origin(text), "{text}");
        }
        for text in
            ["", "*", "null", "https://", "https://*.a.example", "https://a.example/", "https://A.example", "a.example"]
        {
            assert!(!is_origin(text), "{text}");
        }
    }
}
