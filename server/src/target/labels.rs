//! The labels of a target, and how they are merged with the labels of its samples.
use crate::target::identity::Identity;
use crate::target::learned::Learned;
use crate::target::scope_rules::ScopeRules;
use catalogue::contract::names;
use exposition::{Label, canonical_label_value};
use promql::Labels;
use std::borrow::Cow;

/// The job of a target whose configuration names none. It does not depend on the engine, which is unknown at first: the
/// labels of a target never change.
pub(crate) const DEFAULT_JOB: &str = "targets";

/// The labels that series of a target get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetLabels {
    own: Vec<(Cow<'static, str>, String)>,
    /// Scope labels that a sample's own labels may supply.
    missing: Vec<MissingLabel>,
}

/// A scope label that the target does not impose, and the labels of a sample that may supply it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct MissingLabel {
    name: &'static str,
    suppliers: Vec<String>,
    /// The value for samples that have none of these labels.
    default: Option<String>,
}

impl Identity {
    /// The labels of the series that the companion adds about the target. They never change.
    pub(crate) fn own_labels(&self) -> TargetLabels {
        self.labels(&Learned::default())
    }

    /// The labels of the target's samples, including the model that was `learned`.
    pub(crate) fn labels(&self, learned: &Learned) -> TargetLabels {
        let job = self.job.as_deref().unwrap_or(DEFAULT_JOB);
        let mut own = vec![("job".into(), job.to_owned()), ("instance".into(), self.instance.clone())];
        let mut missing = Vec::new();
        let ScopeRules { model, environment, deployment, replica } = &self.rules;
        let names_replicas = learned.role.is_some() && !self.is_certainly_replica;
        for (name, value, suppliers) in [
            ("model", self.model.as_ref().or(learned.model.as_ref()), model),
            ("environment", self.environment.as_ref(), environment),
            ("deployment", self.deployment.as_ref(), deployment),
            ("replica", self.replica.as_ref(), replica),
        ] {
            match value {
                // The metrics page of a node agent is about the replicas that it names.
                Some(value) if name == "replica" && names_replicas => {
                    missing.push(MissingLabel { name, suppliers: suppliers.clone(), default: Some(value.clone()) });
                }
                Some(value) => own.push((name.into(), value.clone())),
                None => missing.push(MissingLabel { name, suppliers: suppliers.clone(), default: None }),
            }
        }
        own.extend(self.labels.iter().map(|(name, value)| (name.clone().into(), value.clone())));
        TargetLabels { own, missing }
    }
}

/// What the companion reports about every target, in the names of Prometheus and its own.
const REPORTED: &[&str] = &[
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_series_added",
    names::SCRAPE_FAILED,
    names::ENGINE_INFO,
    names::ENGINE_GRAPHS,
    names::UNCLAIMED_FAMILIES,
    names::FAMILY_UNCLAIMED,
    names::REPLICA_ATTRIBUTED,
    names::REPLICA_MODEL,
    names::TARGET_ROLE,
    names::OWN_MACHINE,
];

/// What it also reports about a target that is a replica.
const REPORTED_OF_REPLICAS: &[&str] =
    &[names::REPLICA_STATE, names::REPLICA_RESTARTS_TOTAL, names::REPLICA_READY_SECONDS];

impl TargetLabels {
    /// The name of a sample on the target's metrics page as it is stored. What the companion reports about the target is
    /// the companion's to say: such names get the prefix `exported_`, as Prometheus gives it to labels.
    pub(crate) fn page_name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        let is_replica = || self.own.iter().any(|(own, _)| own == "replica");
        match REPORTED.contains(&name) || REPORTED_OF_REPLICAS.contains(&name) && is_replica() {
            true => Cow::Owned(format!("exported_{name}")),
            false => Cow::Borrowed(name),
        }
    }

    /// The labels that the target imposes.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.own.iter().map(|(name, value)| (&**name, value.as_str()))
    }

    /// The labels of a series that the companion adds, with `more` labels of its own.
    pub(crate) fn of_extra<'l>(&'l self, name: &'l str, more: impl IntoIterator<Item = (&'l str, &'l str)>) -> Labels {
        Labels::from_pairs([("__name__", name)].into_iter().chain(self.pairs()).chain(more))
    }

    /// The labels of a scraped series. The target's labels win; a label of the sample with the same name gets the prefix
    /// `exported_`, repeated if necessary (`resolveConflictingExposedLabels` in Prometheus's `scrape`). Names that begin
    /// with two underscores are reserved by Prometheus and dropped. Bounds of buckets have one spelling.
    pub(crate) fn of_sample(&self, name: &str, exposed: &[Label<'_>]) -> Labels {
        let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = vec![("__name__".into(), name.into())];
        pairs.extend(self.own.iter().map(|(name, value)| (Cow::Borrowed(&**name), value.into())));
        let mut conflicting = Vec::new();
        for label in exposed.iter().filter(|label| !label.name.starts_with("__") && !label.value.is_empty()) {
            if self.own.iter().any(|(name, _)| *name == label.name) {
                conflicting.push(label);
            } else {
                pairs.push((Cow::Borrowed(&*label.name), canonical_label_value(name, &label.name, &label.value)));
            }
        }
        let exposed_label = |name: &str| exposed.iter().find(|label| label.name == name && !label.value.is_empty());
        for MissingLabel { name, suppliers, default } in &self.missing {
            let supplied = suppliers.iter().find_map(|name| exposed_label(name)).map(|label| &*label.value);
            if let Some(value) = supplied.or(default.as_deref()).filter(|_| exposed_label(name).is_none()) {
                pairs.push((Cow::Borrowed(name), Cow::Borrowed(value)));
            }
        }
        for label in conflicting {
            let mut renamed = format!("exported_{}", label.name);
            while pairs.iter().any(|(name, _)| *name == renamed) {
                renamed.insert_str(0, "exported_");
            }
            pairs.push((renamed.into(), Cow::Borrowed(&*label.value)));
        }
        Labels::from_pairs(pairs.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(identity: &Identity, page: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
        let page: Vec<_> =
            page.iter().map(|(name, value)| Label { name: (*name).into(), value: (*value).into() }).collect();
        let labels = identity.labels(&Learned::default()).of_sample("m", &page);
        labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn own(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_page_cannot_impersonate_another_target() {
        let identity = Identity { job: Some("vllm".into()), instance: "a:1".into(), ..Identity::default() };
        assert_eq!(
            labels(&identity, &[("instance", "b:2"), ("exported_instance", "c:3"), ("__name__", "up"), ("le", "1")]),
            own(&[
                ("__name__", "m"),
                ("exported_exported_instance", "b:2"),
                ("exported_instance", "c:3"),
                ("instance", "a:1"),
                ("job", "vllm"),
                ("le", "1"),
            ])
        );
    }

    #[test]
    fn a_page_cannot_say_what_the_companion_reports_about_its_target() {
        let name = |identity: &Identity, name: &str| identity.labels(&Learned::default()).page_name(name).into_owned();
        let replica = Identity { replica: Some("r".into()), ..Identity::default() };
        let gateway = Identity::default();
        for own in ["up", "scrape_samples_scraped", "inferboard_scrape_failed", "inferboard_target_role"] {
            assert_eq!(
                [&replica, &gateway].map(|identity| name(identity, own)),
                [format!("exported_{own}"), format!("exported_{own}")]
            );
        }
        // A gateway may report the state of the replicas behind it.
        assert_eq!(name(&gateway, "inferboard_replica_state"), "inferboard_replica_state");
        assert_eq!(name(&replica, "inferboard_replica_state"), "exported_inferboard_replica_state");
        for other in ["upper", "inferboard_requests_total", "inferboard_store_series", "scrape_pages_total"] {
            assert_eq!(name(&replica, other), other);
        }
    }

    #[test]
    fn the_bound_of_a_bucket_has_one_spelling() {
        let bound = |name: &str, le: &'static str| {
            let label = Label { name: "le".into(), value: le.into() };
            let labels = Identity::default().labels(&Learned::default()).of_sample(name, &[label]);
            labels.get("le").map(str::to_owned)
        };
        for (name, le, stored) in [
            ("latency_bucket", "1", "1.0"),
            ("latency_bucket", "1.0", "1.0"),
            ("latency_bucket", "2500000", "2.5e+06"),
            ("latency_bucket", "+Inf", "+Inf"),
            ("menu", "1", "1"),
        ] {
            assert_eq!(bound(name, le).as_deref(), Some(stored), "{name} {le}");
        }
    }

    #[test]
    fn a_label_that_the_target_lacks_is_unchanged() {
        let identity = Identity { instance: "a:1".into(), ..Identity::default() };
        assert_eq!(
            labels(&identity, &[("model", "m1"), ("empty", "")]),
            own(&[("__name__", "m"), ("instance", "a:1"), ("job", "targets"), ("model", "m1")])
        );
    }

    #[test]
    fn the_page_supplies_labels_that_the_target_lacks() {
        let rules = ScopeRules {
            deployment: vec!["deployment_id".into()],
            replica: vec!["replica_id".into(), "pod".into()],
            ..ScopeRules::default()
        };
        let identity = Identity { instance: "a:1".into(), job: Some("x".into()), rules, ..Identity::default() };
        let scope = |page: &[(&'static str, &'static str)]| {
            let labels = labels(&identity, page);
            labels
                .into_iter()
                .filter(|(name, _)| ["model", "environment", "deployment", "replica"].contains(&name.as_str()))
                .collect::<Vec<_>>()
        };
        assert_eq!(scope(&[("pod", "p"), ("model_name", "m")]), own(&[("model", "m"), ("replica", "p")]));
        assert_eq!(scope(&[("pod", "p"), ("replica_id", "r")]), own(&[("replica", "r")]));
        assert_eq!(scope(&[("pod", "p"), ("replica", "own")]), own(&[("replica", "own")]));
        assert_eq!(scope(&[("pod", "p"), ("replica_id", "")]), own(&[("replica", "p")]));
        assert_eq!(scope(&[("deployment_id", "d")]), own(&[("deployment", "d")]));
    }

    #[test]
    fn the_targets_labels_win_over_the_pages() {
        let labels_of = vec![("team".into(), "t".into())];
        let identity = Identity {
            job: Some("x".into()),
            instance: "a:1".into(),
            model: Some("m".into()),
            labels: labels_of,
            ..Identity::default()
        };
        assert_eq!(
            labels(&identity, &[("model_name", "other"), ("team", "u")]),
            own(&[
                ("__name__", "m"),
                ("exported_team", "u"),
                ("instance", "a:1"),
                ("job", "x"),
                ("model", "m"),
                ("model_name", "other"),
                ("team", "t"),
            ])
        );
    }
}
