//! The control that compares all cards with the previous period or with another deployment.
use crate::data::feed::Feed;
use crate::state::card_options::Comparison;
use crate::state::navigation::Navigation;
use crate::ui::kit::icons::COMPARE;
use crate::ui::kit::popover::Popover;
use leptos::prelude::*;

/// The limit of deployments that are offered.
const MAX_DEPLOYMENTS: usize = 20;

/// The control.
#[component]
pub(crate) fn CompareControl() -> impl IntoView {
    let (feed, navigation) = (expect_context::<Feed>(), expect_context::<Navigation>());
    let current = Memo::new(move |_| navigation.view.with(|view| view.card_options.comparison().cloned()));
    let deployments = Memo::new(move |_| {
        let scope = navigation.view.with(|view| view.scope.clone());
        feed.inventory.with(|inventory| {
            let Some(inventory) = inventory.as_ref().filter(|_| scope.model.is_some()) else { return Vec::new() };
            let all = inventory.deployments(&scope).into_iter();
            let others = all.filter(|name| scope.deployment.as_deref() != Some(name)).map(str::to_owned);
            others.take(MAX_DEPLOYMENTS).collect::<Vec<_>>()
        })
    });
    let choices = move || {
        let others = deployments.get().into_iter().map(Comparison::Deployment);
        // A lone deployment would be compared with itself.
        let others = others.filter(|_| deployments.with(Vec::len) > 1 || is_narrow(navigation));
        [None, Some(Comparison::PreviousPeriod)].into_iter().chain(others.map(Some)).collect::<Vec<_>>()
    };
    let item = move |with: Option<Comparison>| {
        let text = match &with {
            None => "No comparison".to_owned(),
            Some(Comparison::PreviousPeriod) => "Previous period".to_owned(),
            Some(Comparison::Deployment(name)) => format!("Deployment {name}"),
        };
        let own = with.clone();
        view! {
            <button
                type="button"
                class="item"
                data-testid="compare-item"
                aria-pressed=move || (current.get() == own).to_string()
                on:click=move |_| navigation.adjust(|view| view.card_options.compare_all(with.clone()))
            >
                {text}
            </button>
        }
    };
    let text = move || match current.get() {
        None => "Compare".to_owned(),
        Some(Comparison::PreviousPeriod) => "vs. previous".to_owned(),
        Some(Comparison::Deployment(name)) => format!("vs. {name}"),
    };
    let name = Signal::derive(move || match current.with(Option::is_some) {
        true => format!("Compare all cards: {}", text()),
        false => "Compare all cards".to_owned(),
    });
    let label = view! {
        <span class="wide" class:on=move || current.with(Option::is_some)>{text}</span>
    };
    view! {
        <Popover name id="compare" icon=COMPARE label=label.into_any()>
            {move || choices().into_iter().map(item).collect_view()}
        </Popover>
    }
}

/// Whether a deployment is selected.
fn is_narrow(navigation: Navigation) -> bool {
    navigation.view.with(|view| view.scope.deployment.is_some())
}
