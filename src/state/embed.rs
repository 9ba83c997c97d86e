//! What the link asks of an embedded page: which card, which theme, and which parents it talks to.
use crate::state::theme::Theme;

/// What an embed shows.
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

    /// The content of a value of `embed`.
    pub fn from_id(id: &str) -> Self {
        if id == "all" { Self::All } else { Self::Graph(id.to_owned()) }
    }
}

/// An embedded page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Embed {
    /// What it shows.
    pub content: EmbedContent,
    /// Its theme; none for the system's.
    pub theme: Option<Theme>,
    /// Origins of parents that it exchanges messages with.
    pub parents: Vec<String>,
}
