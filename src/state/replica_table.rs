//! Which replicas are listed, and in which order.
use catalogue::contract::ReplicaState;

/// What replicas are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortKey {
    /// Name, numbers in it by their value.
    #[default]
    Name,
    /// State now, the best first.
    State,
    /// Since when, the longest first.
    Since,
    /// Restarts in the range.
    Restarts,
    /// Engine and version.
    Engine,
    /// Address of the metrics.
    Address,
    /// Requests that run.
    Running,
    /// Requests that wait.
    Waiting,
    /// Processor cores in use.
    Cores,
    /// Use of the GPU.
    Gpu,
}

impl SortKey {
    /// All, in the order of the table's columns.
    pub const ALL: [Self; 10] = [
        Self::Name,
        Self::State,
        Self::Since,
        Self::Restarts,
        Self::Engine,
        Self::Address,
        Self::Running,
        Self::Waiting,
        Self::Cores,
        Self::Gpu,
    ];

    /// Name in links.
    pub fn id(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::State => "state",
            Self::Since => "since",
            Self::Restarts => "restarts",
            Self::Engine => "engine",
            Self::Address => "address",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Cores => "cpu",
            Self::Gpu => "gpu",
        }
    }

    /// The heading of its column.
    pub fn title(self) -> &'static str {
        match self {
            Self::Name => "Replica",
            Self::State => "State",
            Self::Since => "Since",
            Self::Restarts => "Restarts",
            Self::Engine => "Engine",
            Self::Address => "Address",
            Self::Running => "Running",
            Self::Waiting => "Waiting",
            Self::Cores => "CPU",
            Self::Gpu => "GPU",
        }
    }
}

/// SortKey and filter of the replicas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaTableOptions {
    /// What they are ordered by.
    pub sort_key: SortKey,
    /// Whether the other way round.
    pub is_reversed: bool,
    /// What name, model, address or engine must contain, in any case of letters.
    pub text: String,
    /// The states that are listed; all if empty.
    pub states: Vec<ReplicaState>,
}

impl ReplicaTableOptions {
    /// Orders by `order`; the other way round where it is that already.
    pub fn toggle_sort(&mut self, order: SortKey) {
        self.is_reversed = self.sort_key == order && !self.is_reversed;
        self.sort_key = order;
    }

    /// Lists a state too, or no longer.
    pub fn toggle_state(&mut self, state: ReplicaState) {
        match self.states.iter().position(|own| *own == state) {
            Some(at) => drop(self.states.remove(at)),
            None => self.states.push(state),
        }
    }

    /// Adds what is not as on a first visit to a link's query part.
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

    /// Takes over a parameter of a link, if it is one of these.
    pub(crate) fn decode(&mut self, name: &str, value: &str) {
        match name {
            "sort" => {
                let id = value.trim_start_matches('-');
                if let Some(order) = SortKey::ALL.into_iter().find(|order| order.id() == id) {
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
    fn an_order_is_turned_round_by_choosing_it_again() {
        let mut listing = ReplicaTableOptions::default();
        for (order, is_reversed) in [(SortKey::Name, true), (SortKey::Since, false), (SortKey::Since, true)] {
            listing.toggle_sort(order);
            assert_eq!((listing.sort_key, listing.is_reversed), (order, is_reversed));
        }
    }

    #[test]
    fn listings_survive_their_link() {
        let states = vec![ReplicaState::Silent, ReplicaState::Failed];
        for order in SortKey::ALL {
            let listing = ReplicaTableOptions {
                sort_key: order,
                is_reversed: true,
                text: "a&b ü".into(),
                states: states.clone(),
            };
            let mut query = form_urlencoded::Serializer::new(String::new());
            listing.encode(&mut query);
            let mut read = ReplicaTableOptions::default();
            for (name, value) in form_urlencoded::parse(query.finish().as_bytes()) {
                read.decode(&name, &value);
            }
            assert_eq!(read, listing);
        }
    }

    #[test]
    fn nonsense_lists_all() {
        let mut listing = ReplicaTableOptions::default();
        for (name, value) in [("sort", "size"), ("states", "x,,"), ("other", "y")] {
            listing.decode(name, value);
        }
        assert_eq!(listing, ReplicaTableOptions::default());
    }
}
