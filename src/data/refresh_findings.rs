//! Looks for findings about the model in scope, beside the refreshes.
use crate::data::feed::Feed;
use crate::data::round::Round;
use crate::wasm_size::spawn::spawn;
use leptos::prelude::*;

impl Feed {
    /// Looks for findings, one look at a time. Refreshes do not wait for them.
    pub(crate) fn request_findings(self) {
        let begins = self.state.try_update_value(|state| !std::mem::replace(&mut state.is_fetching_findings, true));
        if begins != Some(true) {
            return;
        }
        spawn(async move {
            while let Some(round) = self.round() {
                self.fetch_findings(&round).await;
                let is_newest = |newest: Round| newest.range == round.range && newest.scope == round.scope;
                if self.round().is_none_or(is_newest) {
                    break;
                }
            }
            self.state.update_value(|state| state.is_fetching_findings = false);
        });
    }

    /// Looks for findings about the model of a round, if it has one and the key figures are on the page.
    async fn fetch_findings(self, round: &Round) {
        let (is_watched, limit) = self.state.with_value(|state| (state.are_figures_watched, state.limit.clone()));
        let old = self.findings.get_untracked();
        if !is_watched || round.scope.model.is_none() {
            if old.is_some() {
                self.findings.set(None);
            }
            return;
        }
        if old.as_ref().is_some_and(|old| old.are_of(round)) {
            return;
        }
        let range = self.view.with_untracked(|view| view.range);
        let found = round.findings(old.as_ref(), &limit).await;
        // A later round of the same view will have the same findings, or newer ones soon.
        if self.view.with_untracked(|view| round.is_of(view) && view.range == range) {
            self.findings.set(Some(found));
        }
    }
}
