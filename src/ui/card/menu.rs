//! The menu of a card: other views of its data, and ways to take the data along.
use crate::data::feed::Feed;
use crate::data::graph::card_state::AvailableOptions;
use crate::state::card_options::{CardOptions, Comparison, Form};
use crate::state::navigation::Navigation;
use crate::ui::card::menu_items::{Action, Item, items, next_item};
use crate::ui::card::picture::{download_picture, file_name};
use crate::ui::card::threshold::default_threshold;
use crate::ui::graph::colours::Palette;
use crate::ui::graph::context::CardContext;
use crate::ui::graph::note_marks::NoteEditor;
use crate::ui::kit::clipboard::{FEEDBACK_TIME, copy};
use crate::ui::kit::conditional::Show;
use crate::ui::kit::controls::TextButton;
use crate::ui::kit::csv::csv;
use crate::ui::kit::download::download_csv;
use crate::ui::kit::embed_code::{embed_code, embed_remark, page_address};
use crate::ui::kit::format_time as time;
use crate::ui::kit::icons::{MORE, svg};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{FocusEvent, HtmlElement, KeyboardEvent, Node};

/// The state of a menu.
#[derive(Clone, Copy)]
struct MenuState {
    card: CardContext,
    feed: Feed,
    navigation: Navigation,
    palette: Memo<Palette>,
    /// Whether this is the menu of the full-screen card.
    is_large: bool,
    is_fullscreen: RwSignal<bool>,
    /// The options that the data allow while the menu is open; none while it is closed.
    available: RwSignal<Option<AvailableOptions>>,
    items: Memo<Vec<Item>>,
    /// What the menu did, for a while.
    message: RwSignal<&'static str>,
    /// A text that the browser did not copy, to be copied by hand.
    uncopied: RwSignal<Option<String>>,
}

impl MenuState {
    fn new(card: CardContext, is_fullscreen: RwSignal<bool>, is_large: bool) -> Self {
        let available = RwSignal::new(None::<AvailableOptions>);
        let items = Memo::new(move |_| {
            let items = |available: &AvailableOptions| {
                let mut items = card.options.with(|options| items(card.graph, available, options));
                items.retain(|item| !is_large || item.action != Action::Enlarge);
                items
            };
            available.with(|available| available.as_ref().map(items).unwrap_or_default())
        });
        Self {
            card,
            feed: expect_context(),
            navigation: expect_context(),
            palette: expect_context(),
            is_large,
            is_fullscreen,
            available,
            items,
            message: RwSignal::new(""),
            uncopied: RwSignal::new(None),
        }
    }

    /// The element id of the menu, and of its button with `menu-button` as prefix.
    fn id(self, prefix: &str) -> String {
        format!("{prefix}-{}-{}", self.card.graph.id, self.is_large)
    }

    fn item_id(self, at: usize) -> String {
        format!("{}-{at}", self.id("menu"))
    }

    fn is_open(self) -> bool {
        self.available.with(Option::is_some)
    }

    fn open(self) {
        let mut available = self.feed.available_options(self.card.graph);
        available.has_notes &= NoteEditor::current().is_some();
        self.available.set(Some(available));
        request_animation_frame(move || {
            show_whole(&self.id("menu"));
            focus(&self.item_id(0));
        });
    }

    fn close(self) {
        self.available.set(None);
        focus(&self.id("menu-button"));
    }

    fn toggle(self) {
        if untrack(|| self.is_open()) { self.available.set(None) } else { self.open() }
    }

    /// Opens the menu with an arrow key on its button.
    fn button_key_down(self, event: &KeyboardEvent) {
        if matches!(event.key().as_str(), "ArrowDown" | "ArrowUp") && !untrack(|| self.is_open()) {
            event.prevent_default();
            self.open();
        }
    }

    /// Moves the focus in the open menu, or closes it.
    fn item_key_down(self, event: &KeyboardEvent) {
        let key = event.key();
        match key.as_str() {
            "Escape" => self.close(),
            // The browser moves the focus, and the menu closes when it loses the focus.
            "Tab" => return,
            _ => {
                let focused = document().active_element().map(|element| element.id()).unwrap_or_default();
                let count = self.items.with_untracked(Vec::len);
                let at = (0..count).find(|at| self.item_id(*at) == focused);
                match next_item(&key, at, count) {
                    Some(at) => focus(&self.item_id(at)),
                    None => return,
                }
            }
        }
        event.prevent_default();
        event.stop_propagation();
    }

    fn change(self, change: &mut dyn FnMut(&mut CardOptions)) {
        self.navigation.adjust(|view| view.card_options.change(self.card.graph, change));
    }

    /// Copies a text; `remark` follows the news that it is copied.
    fn copy(self, text: String, remark: &'static str) {
        let Self { message, uncopied, .. } = self;
        let done = move |not_copied| match not_copied {
            None => {
                message.set(if remark.is_empty() { "Copied." } else { remark });
                set_timeout(move || message.set(""), FEEDBACK_TIME);
            }
            text => uncopied.set(text),
        };
        copy(text, Box::new(done));
    }

    /// Runs an action; `deployment` is the one to compare with.
    fn run(self, action: Action, deployment: &str) {
        let card @ CardContext { graph, data, .. } = self.card;
        match action {
            Action::Details => self.change(&mut |options| options.is_detailed = !options.is_detailed),
            Action::HeatMap => self.change(&mut |options| options.toggle_form(Form::HeatMap)),
            Action::Table => self.change(&mut |options| options.toggle_form(Form::Table)),
            Action::Log => self.change(&mut |options| options.is_log = !options.is_log),
            Action::Chart(chart) => self.change(&mut |options| options.toggle_chart(chart)),
            Action::Fitted => self.change(&mut |options| options.is_fitted = !options.is_fitted),
            Action::JoinGaps => self.change(&mut |options| options.joins_gaps = !options.joins_gaps),
            Action::Counts => self.change(&mut |options| options.toggle_counts(graph)),
            Action::Compare => self.change(&mut |options| options.toggle_comparison(Comparison::PreviousPeriod)),
            Action::CompareWith => {
                self.change(&mut |options| options.toggle_comparison(Comparison::Deployment(deployment.to_owned())));
            }
            Action::Statistics => self.change(&mut |options| options.has_statistics = !options.has_statistics),
            Action::Threshold => {
                let default = data.with_untracked(|data| data.as_ref().and_then(|data| default_threshold(data)));
                self.change(&mut |options| options.threshold = default.filter(|_| options.threshold.is_none()));
            }
            Action::Note => {
                if let Some(notes) = NoteEditor::current() {
                    notes.open();
                }
            }
            Action::Enlarge => self.is_fullscreen.set(true),
            Action::Embed => {
                let remark = self.feed.frame_ancestors.with_value(|own| embed_remark(own.as_deref()));
                self.copy(self.navigation.view.with_untracked(|view| embed_code(&page_address(), graph, view)), remark);
            }
            Action::CopyQuery => {
                if let Some(data) = data.get_untracked() {
                    self.copy(data.whole_query().to_owned(), "");
                }
            }
            Action::Csv => {
                let text = card
                    .lines
                    .with_untracked(|lines| csv(&lines.frame, lines.known_count(), card.value_unit(), &time::iso));
                download_csv(&text, &file_name(card, "csv"));
            }
            Action::Png => download_picture(card, &self.palette.get_untracked()),
        }
    }
}

/// The button and, while it is open, the menu.
#[component]
pub(crate) fn Menu(
    is_fullscreen: RwSignal<bool>,
    /// Whether this is the menu of the full-screen card.
    #[prop(optional)]
    is_large: bool,
) -> impl IntoView {
    let card = expect_context::<CardContext>();
    let menu = MenuState::new(card, is_fullscreen, is_large);
    let MenuState { available, items, message, uncopied, .. } = menu;
    let is_open = Memo::new(move |_| menu.is_open());
    let label = format!("Menu for {}", card.graph.title);
    view! {
        <span class="menu-place" on:focusout=move |event| if leaves(&event) { available.set(None) }>
            <button
                type="button"
                id=menu.id("menu-button")
                class="menu-button"
                data-testid="menu"
                aria-label=label.clone()
                aria-haspopup="menu"
                aria-expanded=move || is_open.get().to_string()
                aria-controls=menu.id("menu")
                on:click=move |_| menu.toggle()
                on:keydown=move |event| menu.button_key_down(&event)
                inner_html=svg(MORE)
            ></button>
            <ul
                id=menu.id("menu")
                class="menu"
                role="menu"
                aria-label=label
                hidden=move || !is_open.get()
                on:keydown=move |event| menu.item_key_down(&event)
            >
                {move || items.get().into_iter().enumerate().map(|(at, item)| menu_item(menu, at, item)).collect_view()}
            </ul>
            <span class="feedback" role="status">{move || message.get()}</span>
            <Show when=move || uncopied.with(Option::is_some)>
                <div class="help-text" on:keydown=move |event| if event.key() == "Escape" { uncopied.set(None) }>
                    <label>
                        "Copy this text:"
                        <textarea readonly data-testid="copy-by-hand" prop:value=move || uncopied.get()></textarea>
                    </label>
                    <TextButton text="Close" id="by-hand-close" press=move || uncopied.set(None) />
                </div>
            </Show>
        </span>
    }
}

fn menu_item(menu: MenuState, at: usize, item: Item) -> impl IntoView {
    let Item { action, text, name, is_checked } = item;
    let deployment = name.clone();
    view! {
        <li role="none">
            <button
                type="button"
                id=menu.item_id(at)
                data-action=action.id()
                role=if is_checked.is_some() { "menuitemcheckbox" } else { "menuitem" }
                aria-checked=is_checked.map(|is_checked| is_checked.to_string())
                tabindex="-1"
                on:click=move |_| {
                    menu.close();
                    menu.run(action, &deployment);
                }
            >
                {text}
                {name}
            </button>
        </li>
    }
}

/// Scrolls the page so that the end of an element is in the window.
fn show_whole(id: &str) {
    let height = window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or(f64::INFINITY);
    let element = document().get_element_by_id(id);
    if let Some(element) = element.filter(|element| element.get_bounding_client_rect().bottom() > height) {
        element.scroll_into_view_with_bool(false);
    }
}

fn focus(id: &str) {
    let element = document().get_element_by_id(id).and_then(|element| element.dyn_into::<HtmlElement>().ok());
    if let Some(element) = element {
        let _ = element.focus();
    }
}

/// Whether the focus moves out of the element that listens.
fn leaves(event: &FocusEvent) -> bool {
    let own = event.current_target().and_then(|target| target.dyn_into::<Node>().ok());
    let next = event.related_target().and_then(|target| target.dyn_into::<Node>().ok());
    own.is_none_or(|own| next.is_none_or(|next| !own.contains(Some(&next))))
}
