//! Which machines the replicas of a scope run on, by their addresses.
use catalogue::{Machines, Scope};
use std::collections::BTreeSet;

/// Longer lists of machines do not fit into a query; then all are drawn.
const MAX_LIST_BYTES: usize = 4000;

/// The host of an address without its port.
pub(crate) fn host_of(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

fn is_loopback(host: &str) -> bool {
    host.starts_with("127.") || ["localhost", "[::1]"].contains(&host)
}

/// The machines of a scope whose replicas are on `hosts`, of all `machines`. `own` are the names of the companion's, and
/// `labelled` those whose series carry the labels of the scope themselves.
pub(crate) fn of_scope(
    machines: &BTreeSet<String>,
    own: &BTreeSet<String>,
    hosts: &BTreeSet<&str>,
    labelled: &BTreeSet<&str>,
    scope: &Scope,
) -> Machines {
    let is_own = |machine: &String| own.contains(machine);
    let runs_here = hosts.iter().any(|host| is_loopback(host)) || own.iter().any(|own| hosts.contains(host_of(own)));
    let of_replicas = |machine: &&String| {
        hosts.contains(host_of(machine)) || runs_here && is_own(machine) || labelled.contains(machine.as_str())
    };
    let list: Vec<String> = machines.iter().filter(of_replicas).cloned().collect();
    let model = Scope { model: scope.model.clone(), ..Scope::default() };
    let apart = machines.iter().filter(|machine| is_own(machine) && !runs_here && !list.contains(machine));
    let apart: Vec<String> = if *scope == model { apart.cloned().collect() } else { Vec::new() };
    let is_whole = list.len() == machines.len() || list.iter().map(String::len).sum::<usize>() > MAX_LIST_BYTES;
    Machines { of_replicas: (*scope != Scope::default() && !is_whole).then_some(list), apart }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasm_size::sort::set;

    fn machines(hosts: &[&str], model: Option<&str>) -> Machines {
        let all = set(["10.0.0.5:9100", "10.0.0.6:9100", "here"].map(str::to_owned));
        let own = set(["here".to_owned()]);
        let scope = Scope { model: model.map(str::to_owned), ..Scope::default() };
        of_scope(&all, &own, &set(hosts.iter().copied()), &BTreeSet::new(), &scope)
    }

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_companions_machine_is_one_of_the_replicas_if_they_are_on_loopback() {
        for host in ["127.0.0.1", "localhost", "[::1]", "here"] {
            let found = machines(&[host], Some("m"));
            assert_eq!(found, Machines { of_replicas: Some(list(&["here"])), apart: Vec::new() }, "{host}");
        }
        assert_eq!(machines(&["127.0.0.1"], None), Machines::default());
    }

    #[test]
    fn other_machines_are_found_by_address_and_the_companions_stands_apart() {
        let here = list(&["here"]);
        let remote = machines(&["10.0.0.5"], Some("m"));
        assert_eq!(remote, Machines { of_replicas: Some(list(&["10.0.0.5:9100"])), apart: here.clone() });
        assert!(remote.contains("here") && remote.contains("10.0.0.5:9100") && !remote.contains("10.0.0.6:9100"));
        assert_eq!(machines(&["10.0.0.7"], Some("m")), Machines { of_replicas: Some(Vec::new()), apart: here.clone() });
        assert_eq!(machines(&["10.0.0.5"], None), Machines { of_replicas: None, apart: here });
    }

    #[test]
    fn a_port_is_no_part_of_a_host() {
        assert_eq!(["a:1", "[::1]:8000", "a"].map(host_of), ["a", "[::1]", "a"]);
    }
}
