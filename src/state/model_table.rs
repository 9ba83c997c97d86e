//! Which models the table lists, and how it is sorted.

/// The column that the table is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelSort {
    /// Name.
    Name,
    /// What needs a look first, then the most requests.
    #[default]
    Status,
    /// Requests per second.
    Requests,
    /// Share of errors.
    Errors,
    /// End-to-end latency.
    Latency,
    /// Time to first token.
    FirstToken,
    /// Tokens generated per second.
    Tokens,
    /// Use of the KV cache.
    Cache,
    /// GPU utilization.
    Gpu,
    /// Replicas.
    Replicas,
}

impl ModelSort {
    /// All columns in their order.
    pub const ALL: [Self; 10] = [
        Self::Name,
        Self::Status,
        Self::Requests,
        Self::Errors,
        Self::Latency,
        Self::FirstToken,
        Self::Tokens,
        Self::Cache,
        Self::Gpu,
        Self::Replicas,
    ];

    /// The name in links.
    pub fn id(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Status => "status",
            Self::Requests => "requests",
            Self::Errors => "errors",
            Self::Latency => "latency",
            Self::FirstToken => "first-token",
            Self::Tokens => "tokens",
            Self::Cache => "cache",
            Self::Gpu => "gpu",
            Self::Replicas => "replicas",
        }
    }

    /// The heading of the column.
    pub fn title(self) -> &'static str {
        match self {
            Self::Name => "Model",
            Self::Status => "Status",
            Self::Requests => "Requests/s",
            Self::Errors => "Errors",
            Self::Latency => "End-to-end p95",
            Self::FirstToken => "First token p95",
            Self::Tokens => "Tokens/s",
            Self::Cache => "KV cache",
            Self::Gpu => "GPU",
            Self::Replicas => "Replicas",
        }
    }
}

/// Order and filter of the models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelTableOptions {
    /// The column that the table is sorted by.
    pub sort: ModelSort,
    /// Whether the order is reversed: names from the first, figures from the highest are not.
    pub is_reversed: bool,
    /// What the name must contain, ignoring case.
    pub text: String,
}

impl ModelTableOptions {
    /// Sorts by `sort`, or reverses the order if the table is sorted by it already.
    pub fn toggle_sort(&mut self, sort: ModelSort) {
        self.is_reversed = self.sort == sort && !self.is_reversed;
        self.sort = sort;
    }

    /// Adds what differs from a first visit to a link's query part.
    pub(crate) fn encode(&self, query: &mut form_urlencoded::Serializer<'_, String>) {
        if self.sort != ModelSort::default() || self.is_reversed {
            query.append_pair("models", &format!("{}{}", if self.is_reversed { "-" } else { "" }, self.sort.id()));
        }
        if !self.text.is_empty() {
            query.append_pair("find-model", &self.text);
        }
    }

    /// Applies a parameter of a link. False if it is none of these.
    pub(crate) fn decode(&mut self, name: &str, value: &str) -> bool {
        match name {
            "models" => {
                let id = value.trim_start_matches('-');
                if let Some(sort) = ModelSort::ALL.into_iter().find(|sort| sort.id() == id) {
                    (self.sort, self.is_reversed) = (sort, value.starts_with('-'));
                }
            }
            "find-model" => value.clone_into(&mut self.text),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_survive_their_link() {
        for sort in ModelSort::ALL {
            for is_reversed in [false, true] {
                let options = ModelTableOptions { sort, is_reversed, text: "a&b ü".into() };
                let mut query = form_urlencoded::Serializer::new(String::new());
                options.encode(&mut query);
                let mut read = ModelTableOptions::default();
                for (name, value) in form_urlencoded::parse(query.finish().as_bytes()) {
                    assert!(read.decode(&name, &value));
                }
                assert_eq!(read, options);
            }
        }
        let mut options = ModelTableOptions::default();
        assert!(!options.decode("sort", "name") && options.decode("models", "size"));
        assert_eq!(options, ModelTableOptions::default());
    }

    #[test]
    fn choosing_a_column_again_reverses_the_order() {
        let mut options = ModelTableOptions::default();
        for (sort, is_reversed) in [(ModelSort::Errors, false), (ModelSort::Errors, true), (ModelSort::Errors, false)] {
            options.toggle_sort(sort);
            assert_eq!((options.sort, options.is_reversed), (sort, is_reversed));
        }
    }
}
