//! The labels of a target, and how they are joined with the labels on its page.
use exposition::Label;
use promql::Labels;
use std::borrow::Cow;

/// What every series of a target is labelled with. What is absent here and can be learned is read from the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// What kind of target it is; by default the engine that its metrics tell.
    pub job: Option<String>,
    /// `host:port`, or another name of where it is.
    pub instance: String,
    /// The model served; by default the one that the page names.
    pub model: Option<String>,
    /// Such as `production`.
    pub environment: Option<String>,
    /// Such as a version of the model's configuration.
    pub deployment: Option<String>,
    /// One of the processes that serve the model.
    pub replica: Option<String>,
    /// Labels by other names.
    pub labels: Vec<(String, String)>,
    /// Where the page itself tells what is absent above.
    pub rules: ScopeRules,
}

/// For each scope word the labels of a page that may tell it, the best first. Consulted for each series by itself, where
/// the target has no such label and neither has the series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeRules {
    /// Where the model is named. Of a page that names only one, every series gets it.
    pub model: Vec<String>,
    /// Where the environment is named.
    pub environment: Vec<String>,
    /// Where the deployment is named.
    pub deployment: Vec<String>,
    /// Where the replica is named.
    pub replica: Vec<String>,
}

impl Default for ScopeRules {
    /// What engines say about themselves.
    fn default() -> Self {
        let (environment, deployment, replica) = (Vec::new(), Vec::new(), Vec::new());
        Self { model: vec!["model_name".into()], environment, deployment, replica }
    }
}

/// The labels of a target, as far as they are known by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetLabels {
    own: Vec<(Cow<'static, str>, String)>,
    /// Scope words that are to be looked for on the page.
    open: Vec<(&'static str, Vec<String>)>,
}

impl Identity {
    /// The target's labels, with what was `learned` from its page.
    pub(crate) fn labels(&self, learned: &crate::scrape::metrics_page::Learned) -> TargetLabels {
        let job = self.job.as_deref().or(learned.engine).unwrap_or("unknown");
        let mut own = vec![("job".into(), job.to_owned()), ("instance".into(), self.instance.clone())];
        let mut open = Vec::new();
        let ScopeRules { model, environment, deployment, replica } = &self.rules;
        for (word, value, names) in [
            ("model", self.model.as_ref().or(learned.model.as_ref()), model),
            ("environment", self.environment.as_ref(), environment),
            ("deployment", self.deployment.as_ref(), deployment),
            ("replica", self.replica.as_ref(), replica),
        ] {
            match value {
                Some(value) => own.push((word.into(), value.clone())),
                None => open.push((word, names.clone())),
            }
        }
        own.extend(self.labels.iter().map(|(name, value)| (name.clone().into(), value.clone())));
        TargetLabels { own, open }
    }
}

impl TargetLabels {
    /// The labels of a series of our own about the target.
    pub(crate) fn of_report(&self, name: &str, reason: Option<&str>) -> Labels {
        let report = [("__name__", name)].into_iter().chain(reason.map(|reason| ("reason", reason)));
        Labels::from_pairs(report.chain(self.own.iter().map(|(name, value)| (&**name, value.as_str()))))
    }

    /// The labels of a series about what was found on the target's pages.
    pub(crate) fn of_finding(&self, name: &str, more: &[(&'static str, String)]) -> Labels {
        let own = self.own.iter().map(|(name, value)| (&**name, value.as_str()));
        let more = more.iter().map(|(name, value)| (*name, value.as_str()));
        Labels::from_pairs([("__name__", name)].into_iter().chain(own).chain(more))
    }

    /// The labels of a series on the page. The target's labels win; one of the page by the same name gets the prefix
    /// `exported_`, as often as needed (`resolveConflictingExposedLabels` in Prometheus's `scrape`). Names that begin
    /// with two underscores are Prometheus's own and dropped.
    pub(crate) fn of_sample(&self, name: &str, page: &[Label<'_>]) -> Labels {
        let mut pairs: Vec<(Cow<'_, str>, &str)> = vec![("__name__".into(), name)];
        pairs.extend(self.own.iter().map(|(name, value)| (Cow::Borrowed(&**name), value.as_str())));
        let mut conflicting = Vec::new();
        for label in page.iter().filter(|label| !label.name.starts_with("__") && !label.value.is_empty()) {
            if self.own.iter().any(|(name, _)| *name == label.name) {
                conflicting.push(label);
            } else {
                pairs.push((Cow::Borrowed(&*label.name), &*label.value));
            }
        }
        let told = |name: &str| page.iter().find(|label| label.name == name && !label.value.is_empty());
        for (word, names) in &self.open {
            if told(word).is_none()
                && let Some(label) = names.iter().find_map(|name| told(name))
            {
                pairs.push((Cow::Borrowed(word), &*label.value));
            }
        }
        for label in conflicting {
            let mut renamed = format!("exported_{}", label.name);
            while pairs.iter().any(|(name, _)| *name == renamed) {
                renamed.insert_str(0, "exported_");
            }
            pairs.push((renamed.into(), &*label.value));
        }
        Labels::from_pairs(pairs.into_iter().map(|(name, value)| (name.into_owned(), value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrape::metrics_page::Learned;

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
    fn a_page_cannot_pass_for_another_target() {
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
    fn a_label_that_the_target_lacks_stays_as_it_is() {
        let identity = Identity { instance: "a:1".into(), ..Identity::default() };
        assert_eq!(
            labels(&identity, &[("model", "m1"), ("empty", "")]),
            own(&[("__name__", "m"), ("instance", "a:1"), ("job", "unknown"), ("model", "m1")])
        );
    }

    #[test]
    fn the_page_tells_what_the_target_leaves_open() {
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
    fn what_the_target_says_wins_over_the_page() {
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
