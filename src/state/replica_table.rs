//! Which replicas the table lists, and how it is sorted.
use crate::state::replica_figure::ReplicaFigure;
use catalogue::contract::ReplicaState;

/// The column that the table is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortKey {
    /// Name; numbers in it by value.
    #[default]
    Name,
    /// Current state, the best first.
    State,
    /// Start of the current state, the earliest first.
    Since,
    /// Restarts in the range.
    Restarts,
    /// Engine and version.
    Engine,
    /// Address of the metrics.
    Address,
    /// Time from the last start to ready, the slowest first.
    Launch,
    /// A figure, the highest first.
    Figure(ReplicaFigure),
    /// Why its scrapes fail.
    Failure,
}

impl SortKey {
    /// The columns that every table has.
    pub const USUAL: [Self; 6] = [Self::Name, Self::State, Self::Since, Self::Restarts, Self::Engine, Self::Address];

    /// All columns in their order.
    pub fn all() -> impl Iterator<Item = Self> {
        let figures = ReplicaFigure::ALL.into_iter().map(Self::Figure);
        Self::USUAL.into_iter().chain([Self::Launch]).chain(figures).chain([Self::Failure])
    }

    /// The name in links.
    pub fn id(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::State => "state",
            Self::Since => "since",
            Self::Restarts => "restarts",
            Self::Engine => "engine",
            Self::Address => "address",
            Self::Launch => "launch",
            Self::Figure(figure) => figure.id(),
            Self::Failure => "failure",
        }
    }

    /// The heading of the column.
    pub fn title(self) -> &'static str {
        match self {
            Self::Name => "Replica",
            Self::State => "State",
            Self::Since => "Since",
            Self::Restarts => "Restarts",
            Self::Engine => "Engine",
            Self::Address => "Address",
            Self::Launch => "Start-up",
            Self::Figure(figure) => figure.title(),
            Self::Failure => "Scrape failure",
        }
    }
}

/// SortKey and filter of the replicas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaTableOptions {
    /// The column that the table is sorted by.
    pub sort_key: SortKey,
    /// Whether the order is reversed.
    pub is_reversed: bool,
    /// What the name, model, address or engine must contain, ignoring case.
    pub text: String,
    /// The states that are listed; all if empty.
    pub states: Vec<ReplicaState>,
}

impl ReplicaTableOptions {
    /// Sorts by `key`, or reverses the order if the table is sorted by it already.
    pub fn toggle_sort(&mut self, key: SortKey) {
        self.is_reversed = self.sort_key == key && !self.is_reversed;
        self.sort_key = key;
    }

    /// Adds a state to those listed, or removes it.
    pub fn toggle_state(&mut self, state: ReplicaState) {
        match self.states.iter().position(|own| *own == state) {
            Some(at) => drop(self.states.remove(at)),
            None => self.states.push(state),
        }
    }

    /// Adds what differs from a first visit to a link's query part.
    pub(crate) fn encode(&self, query: &mut form_urlencoded::Serializer<'_, String>) {
        if self.sort_key != SortKey::Name || self.is_reversed {
            query.append_pair("sort", &format!("{}{}", if self.is_reversed { "-" } else { "" }, self.sort_key.id()));
        }
        if !self.text.is_empty() {
            query.append_pair("find", &self.text);
        }
        if !self.states.is_empty() {
            query.append_pair("states", &self.states.iter().map(|state| state.id()).collect::<Vec<_>>().join(","));
        }
    }

    /// Applies a parameter of a link if it is one of these.
    pub(crate) fn decode(&mut self, name: &str, value: &str) {
        match name {
            "sort" => {
                let id = value.trim_start_matches('-');
                if let Some(order) = SortKey::all().find(|order| order.id() == id) {
                    (self.sort_key, self.is_reversed) = (order, value.starts_with('-'));
                }
            }
            "find" => value.clone_into(&mut self.text),
            "states" => self.states = value.split(',').filter_map(ReplicaState::from_id).collect(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choosing_a_column_again_reverses_the_order() {
        let mut options = ReplicaTableOptions::default();
        for (order, is_reversed) in [(SortKey::Name, true), (SortKey::Since, false), (SortKey::Since, true)] {
            options.toggle_sort(order);
            assert_eq!((options.sort_key, options.is_reversed), (order, is_reversed));
        }
    }

    #[test]
    fn options_survive_their_link() {
        let states = vec![ReplicaState::Silent, ReplicaState::Failed];
        for order in SortKey::all() {
            let options = ReplicaTableOptions {
                sort_key: order,
                is_reversed: true,
                text: "a&b ü".into(),
                states: states.clone(),
            };
            let mut query = form_urlencoded::Serializer::new(String::new());
            options.encode(&mut query);
            let mut read = ReplicaTableOptions::default();
            for (name, value) in form_urlencoded::parse(query.finish().as_bytes()) {
                read.decode(&name, &value);
            }
            assert_eq!(read, options);
        }
    }

    #[test]
    fn invalid_values_are_ignored() {
        let mut options = ReplicaTableOptions::default();
        for (name, value) in [("sort", "size"), ("states", "x,,"), ("other", "y")] {
            options.decode(name, value);
        }
        assert_eq!(options, ReplicaTableOptions::default());
    }
}
