//! The menu of a card: other ways to see its data, and ways to take them along.
use crate::data::feed::Feed;
use crate::data::graph::card_state::AvailableOptions;
use crate::state::card_options::{CardOptions, Comparison, Form};
use crate::state::navigation::Navigation;
use crate::ui::graph::context::CardContext;
use crate::ui::card::menu_items::{Action, Item, items, next};
use crate::ui::card::picture;
use crate::ui::card::threshold::first_target;
use crate::ui::graph::colours::Palette;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::clipboard;
use crate::ui::kit::csv::csv;
use crate::ui::kit::download;
use crate::ui::kit::embed_code::{embed_code, page};
use crate::ui::kit::format_time as time;
use crate::ui::kit::controls::TextButton;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// The button and, while it is open, the menu.
#[component]
pub(crate) fn Menu(
    is_enlarged: RwSignal<bool>,
    /// Whether this is the menu of the enlarged card.
    #[prop(optional)]
    is_large: bool,
) -> impl IntoView {
    let card @ CardContext { graph, choices, .. } = expect_context();
    let (feed, navigation) = (expect_context::<Feed>(), expect_context::<Navigation>());
    let palette = expect_context::<Memo<Palette>>();
    // What it offers while open; none while closed.
    let offers = RwSignal::new(None::<AvailableOptions>);
    let is_open = Memo::new(move |_| offers.with(Option::is_some));
    let told = RwSignal::new("");
    let by_hand = RwSignal::new(None::<String>);
    let item_id = move |at: usize| format!("menu-{}-{is_large}-{at}", graph.id);
    let button_id = format!("menu-button-{}-{is_large}", graph.id);
    let menu_id = format!("menu-{}-{is_large}", graph.id);
    let open = move |at: usize| {
        offers.set(Some(feed.available_options(graph)));
        request_animation_frame(move || focus(&item_id(at)));
    };
    let close = {
        let button_id = button_id.clone();
        move || {
            offers.set(None);
            focus(&button_id);
        }
    };
    let all = Memo::new(move |_| {
        let all = |offers: &AvailableOptions| {
            let mut all = choices.with(|choices| items(graph, offers, choices));
            all.retain(|item| !is_large || item.action != Action::Enlarge);
            all
        };
        offers.with(|offers| offers.as_ref().map(all).unwrap_or_default())
    });
    let copy = move |text: String| {
        let done = move |left| match left {
            None => {
                told.set("Copied.");
                set_timeout(move || told.set(""), clipboard::TOLD);
            }
            left => by_hand.set(left),
        };
        clipboard::copy(text, Box::new(done));
    };
    let switch = move |change: fn(&mut CardOptions)| {
        navigation.adjust(|view| view.card_options.change(graph, &mut { change }));
    };
    let act = move |action: Action, name: &str| match action {
        Action::Details => switch(|choices| choices.is_detailed = !choices.is_detailed),
        Action::HeatMap => switch(|choices| choices.toggle_form(Form::HeatMap)),
        Action::Table => switch(|choices| choices.toggle_form(Form::Table)),
        Action::Log => switch(|choices| choices.is_log = !choices.is_log),
        Action::Stacked => switch(|choices| choices.is_stacked = !choices.is_stacked),
        Action::Compare => switch(|choices| choices.toggle_comparison(Comparison::PreviousPeriod)),
        Action::CompareWith => navigation.adjust(|view| {
            view.card_options
                .change(graph, &mut |choices| choices.toggle_comparison(Comparison::Deployment(name.to_owned())));
        }),
        Action::Statistics => switch(|choices| choices.has_statistics = !choices.has_statistics),
        Action::Threshold => {
            let first = card.drawn.with_untracked(|drawn| drawn.as_ref().and_then(|drawn| first_target(drawn)));
            navigation.adjust(|view| {
                view.card_options
                    .change(graph, &mut |choices| choices.threshold = first.filter(|_| choices.threshold.is_none()));
            });
        }
        Action::Enlarge => is_enlarged.set(true),
        Action::Embed => copy(navigation.view.with_untracked(|view| embed_code(&page(), graph, view))),
        Action::CopyQuery => {
            if let Some(drawn) = card.drawn.get_untracked() {
                copy(drawn.query.clone());
            }
        }
        Action::Csv => {
            let text = card.shown.with_untracked(|shown| csv(&shown.frame, card.shown_unit(), &time::iso));
            download::offer_text(&text, &picture::file_name(card, "csv"));
        }
        Action::Png => picture::offer_picture(card, &palette.get_untracked()),
    };
    let pressed = {
        let close = close.clone();
        move |event: web_sys::KeyboardEvent| {
            let key = event.key();
            match key.as_str() {
                "Escape" => close(),
                // Focus goes on as it would; the menu closes as it leaves.
                "Tab" => return,
                _ => {
                    let here = document().active_element().map(|element| element.id()).unwrap_or_default();
                    let count = all.with_untracked(Vec::len);
                    let at = (0..count).find(|at| item_id(*at) == here);
                    match next(&key, at, count) {
                        Some(at) => focus(&item_id(at)),
                        None => return,
                    }
                }
            }
            event.prevent_default();
            event.stop_propagation();
        }
    };
    let row = move |(at, item): (usize, Item)| {
        let close = close.clone();
        let Item { action, text, name, is_checked } = item;
        let pressed = name.clone();
        view! {
            <li role="none">
                <button
                    type="button"
                    id=item_id(at)
                    data-action=action.id()
                    role=if is_checked.is_some() { "menuitemcheckbox" } else { "menuitem" }
                    aria-checked=is_checked.map(|is_checked| is_checked.to_string())
                    tabindex="-1"
                    on:click=move |_| {
                        close();
                        act(action, &pressed);
                    }
                >
                    {text}
                    {name}
                </button>
            </li>
        }
    };
    view! {
        <span class="menu-place" on:focusout=move |event| if leaves(&event) { offers.set(None) }>
            <button
                type="button"
                id=button_id
                class="menu-button"
                data-testid="menu"
                aria-label=format!("More of {}", graph.title)
                aria-haspopup="menu"
                aria-expanded=move || is_open.get().to_string()
                aria-controls=menu_id.clone()
                on:click=move |_| if is_open.get_untracked() { offers.set(None) } else { open(0) }
                on:keydown=move |event: web_sys::KeyboardEvent| {
                    if matches!(event.key().as_str(), "ArrowDown" | "ArrowUp") && !is_open.get_untracked() {
                        event.prevent_default();
                        open(0);
                    }
                }
            >
                "⋯"
            </button>
            <ul
                id=menu_id
                class="menu"
                role="menu"
                aria-label=format!("More of {}", graph.title)
                hidden=move || !is_open.get()
                on:keydown=pressed
            >
                {move || all.get().into_iter().enumerate().map(row.clone()).collect_view()}
            </ul>
            <span class="told" role="status">{move || told.get()}</span>
            <Show when=move || by_hand.with(Option::is_some)>
                <div class="help-text" on:keydown=move |event| if event.key() == "Escape" { by_hand.set(None) }>
                    <label>
                        "Copy this text:"
                        <textarea readonly data-testid="copy-by-hand" prop:value=move || by_hand.get()></textarea>
                    </label>
                    <TextButton text="Close" id="by-hand-close" press=move || by_hand.set(None) />
                </div>
            </Show>
        </span>
    }
}

fn focus(id: &str) {
    let element = document().get_element_by_id(id).and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(element) = element {
        let _ = element.focus();
    }
}

/// Whether the focus goes to something outside of the element that listens.
fn leaves(event: &web_sys::FocusEvent) -> bool {
    let own = event.current_target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
    let next = event.related_target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
    own.is_none_or(|own| next.is_none_or(|next| !own.contains(Some(&next))))
}
