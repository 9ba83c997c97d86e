//! The labels of a target, and how they are joined with the labels on its page.
use exposition::Label;
use promql::Labels;
use std::borrow::Cow;

/// What every series of a target is labelled with. What is absent here and can be learned is read from the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// What kind of target it is; by default the engine that its metrics tell.
    pub job: Option<String>,
    /// `host:port`, or the host's name.
    pub instance: String,
    /// The model served; by default the one `model_name` on the page.
    pub model: Option<String>,
    /// Such as `production`.
    pub environment: Option<String>,
    /// Such as a version of the model's configuration.
    pub deployment: Option<String>,
    /// One of the processes that serve the model.
    pub replica: Option<String>,
}

/// The labels of a target, as far as they are known by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetLabels(Vec<(&'static str, String)>);

impl Identity {
    /// The target's labels, with what was `learned` from its page.
    pub(crate) fn labels(&self, learned: &super::page::Learned) -> TargetLabels {
        let job = self.job.as_deref().or(learned.engine).unwrap_or("unknown");
        let model = self.model.as_ref().or(learned.model.as_ref());
        let scope = [
            ("job", Some(job.to_owned())),
            ("instance", Some(self.instance.clone())),
            ("model", model.cloned()),
            ("environment", self.environment.clone()),
            ("deployment", self.deployment.clone()),
            ("replica", self.replica.clone()),
        ];
        TargetLabels(scope.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }
}

impl TargetLabels {
    /// The labels of a series of our own about the target.
    pub(crate) fn of_report(&self, name: &str, reason: Option<&str>) -> Labels {
        let own = [("__name__", name)].into_iter().chain(reason.map(|reason| ("reason", reason)));
        Labels::from_pairs(own.chain(self.0.iter().map(|(name, value)| (*name, value.as_str()))))
    }

    /// The labels of a series on the page. The target's labels win; one of the page by the same name gets the prefix
    /// `exported_`, as often as needed (`resolveConflictingExposedLabels` in Prometheus's `scrape`). Names that begin
    /// with two underscores are Prometheus's own and dropped.
    pub(crate) fn of_sample(&self, name: &str, page: &[Label<'_>]) -> Labels {
        let mut pairs: Vec<(Cow<'_, str>, &str)> = vec![("__name__".into(), name)];
        pairs.extend(self.0.iter().map(|(name, value)| (Cow::Borrowed(*name), value.as_str())));
        let mut conflicting = Vec::new();
        for label in page.iter().filter(|label| !label.name.starts_with("__") && !label.value.is_empty()) {
            if self.0.iter().any(|(name, _)| *name == label.name) {
                conflicting.push(label);
            } else {
                pairs.push((Cow::Borrowed(&*label.name), &*label.value));
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
    use crate::scrape::page::Learned;

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
}
