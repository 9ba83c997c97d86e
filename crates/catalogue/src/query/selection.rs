//! Which series of a family a query selects, where matchers alone do not say it: series about targets, whose models are
//! series of their own, and series of hosts, which two sources may report.
use crate::contract::MachineSource;
use crate::contract::names::{OWN_MACHINE, REPLICA_MODEL};
use crate::{Scope, ScopeLabels};

/// The companion's label for models, as it is on [`REPLICA_MODEL`].
const MODEL_LABEL: &str = "model";

/// A part of the selected series: those with these labels that the rest of the expression leaves over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Matchers without braces.
    pub(crate) matchers: String,
    /// What follows the selector, or the function of it: empty, or a set operation.
    pub(crate) filter: String,
}

/// The selections of series about targets within a scope. Within a model these are the series that have its label, as
/// those of a configured model and of older versions have, and series without any of replicas that serve it: now, or at
/// an `offset` such as ` offset 5s`.
pub(crate) fn of_targets(
    scope: &Scope,
    labels: &ScopeLabels,
    offset: &str,
    present: &dyn Fn(&str) -> bool,
) -> Vec<Selection> {
    let matchers = scope.matchers(labels);
    let own = Selection { matchers: matchers.clone(), filter: String::new() };
    let Some(model) = scope.model.as_ref().filter(|_| present(REPLICA_MODEL)) else { return vec![own] };
    let on = format!("on (instance, {})", labels.replica);
    if model.is_empty() {
        return vec![Selection { filter: format!(" unless {on} {REPLICA_MODEL}{offset}"), ..own }];
    }
    let unnamed = Scope { model: Some(String::new()), ..scope.clone() }.matchers(labels);
    vec![own, Selection { matchers: unnamed, filter: format!(" and {on} {REPLICA_MODEL}{{{matchers}}}{offset}") }]
}

/// As [`of_targets`], with one matcher of the model, or none, as another program writes it. If the label of models is
/// kept, the series of replicas with one model get it.
pub(crate) fn of_targets_by_model(
    model_matcher: &str,
    kept_labels: &[&str],
    present: &dyn Fn(&str) -> bool,
) -> Vec<Selection> {
    let selection = |matchers: String, filter: String| Selection { matchers, filter };
    let own = selection(model_matcher.to_owned(), String::new());
    if !present(REPLICA_MODEL) {
        return vec![own];
    }
    if let Some((label, _)) = model_matcher.split_once(['=', '!']) {
        let filter = format!(" and on (instance, replica) {REPLICA_MODEL}{{{model_matcher}}}");
        return vec![own, selection(format!("{label}=\"\""), filter)];
    }
    if !kept_labels.contains(&MODEL_LABEL) {
        return vec![own];
    }
    apart_by_model("")
}

/// As [`of_targets`], where each model's series are told apart by the backend's label for models.
pub(crate) fn of_each_model(matchers: &str, labels: &ScopeLabels, present: &dyn Fn(&str) -> bool) -> Vec<Selection> {
    match present(REPLICA_MODEL) && labels.model == MODEL_LABEL {
        true => apart_by_model(matchers),
        false => vec![Selection { matchers: matchers.to_owned(), filter: String::new() }],
    }
}

/// The series with a label for the model, those of replicas with one model, which get it, and the others.
fn apart_by_model(matchers: &str) -> Vec<Selection> {
    let comma = if matchers.is_empty() { "" } else { "," };
    let selection = |own: &str, filter: String| Selection { matchers: format!("{matchers}{comma}{own}"), filter };
    let count = format!("count by (instance, replica) ({REPLICA_MODEL})");
    let only = format!("({REPLICA_MODEL} and on (instance, replica) {count} == 1)");
    let (named, unnamed) = (format!("{MODEL_LABEL}!=\"\""), format!("{MODEL_LABEL}=\"\""));
    vec![
        selection(&named, String::new()),
        selection(&unnamed, format!(" * on (instance, replica) group_left ({MODEL_LABEL}) {only}")),
        selection(&unnamed, format!(" unless on (instance, replica) {only}")),
    ]
}

/// The selection of series of hosts: the companion's machine counts once, also if an exporter reports it too.
pub(crate) fn of_machines(matchers: &str, present: &dyn Fn(&str) -> bool) -> Selection {
    let filter = match present(OWN_MACHINE) {
        true => format!(" unless on (instance) {OWN_MACHINE}{{source=\"{}\"}}", MachineSource::Exporter.id()),
        false => String::new(),
    };
    Selection { matchers: matchers.to_owned(), filter }
}

/// A selector of `name` within a scope at an `offset`, for a query that need not be short: it joins the models whether or
/// not they are known to be present.
pub(crate) fn target_series(name: &str, scope: &Scope, labels: &ScopeLabels, offset: &str) -> String {
    let parts = of_targets(scope, labels, offset, &|_| true).into_iter();
    let parts = parts.map(|Selection { matchers, filter }| format!("{name}{{{matchers}}}{offset}{filter}"));
    parts.collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(model: Option<&str>, is_present: bool) -> Vec<(String, String)> {
        let scope = Scope { model: model.map(str::to_owned), environment: Some("e".into()), ..Scope::default() };
        let parts = of_targets(&scope, &ScopeLabels::default(), "", &|_| is_present);
        parts.into_iter().map(|part| (part.matchers, part.filter)).collect()
    }

    fn pair(matchers: &str, filter: &str) -> (String, String) {
        (matchers.to_owned(), filter.to_owned())
    }

    #[test]
    fn a_model_is_the_label_or_a_series_beside_it() {
        assert_eq!(of(None, true), [pair("environment=\"e\"", "")]);
        let named = "model=\"m\",environment=\"e\"";
        assert_eq!(of(Some("m"), false), [pair(named, "")]);
        let join = format!(" and on (instance, replica) inferboard_replica_model{{{named}}}");
        assert_eq!(of(Some("m"), true), [pair(named, ""), pair("model=\"\",environment=\"e\"", &join)]);
        let earlier = target_series(
            "up",
            &Scope { model: Some("m".into()), ..Scope::default() },
            &ScopeLabels::default(),
            " offset 5s",
        );
        assert_eq!(earlier.matches(" offset 5s").count(), 3, "the replica that had the model then: {earlier}");
        let without = " unless on (instance, replica) inferboard_replica_model";
        assert_eq!(of(Some(""), true), [pair("model=\"\",environment=\"e\"", without)]);
    }
}
