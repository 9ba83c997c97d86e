//! The table of replicas. Of many replicas only the rows near the visible ones are on the page.
//!
//! Rows are written as HTML: hundreds of them change with every refresh, and a view of each cell would cost more.
use crate::data::feed::Feed;
use crate::data::replicas::fleet::Replica;
use crate::state::navigation::Navigation;
use crate::state::replica_table::{ReplicaTableOptions, SortKey};
use crate::ui::kit::clipboard::copy;
use crate::ui::replicas::cells::{TableContext, columns, medians, tab_separated, write_row};
use crate::ui::replicas::context::TimelineContext;
use crate::wasm_size::effect::effect;
use crate::wasm_size::spawn::spawn;
use leptos::html;
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, MouseEvent};

/// Heights of a row in CSS pixels, as in the stylesheet: for a pointer, and for a finger.
const ROW_PX: usize = 30;
const TOUCH_ROW_PX: usize = 44;

/// The limit of rows on the page, and the number of rows that are exchanged at once.
const MAX_ROWS: usize = 28;
const BATCH: usize = 6;

/// The table.
#[component]
pub(crate) fn Table(options: Memo<ReplicaTableOptions>) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let timeline @ TimelineContext { replicas, .. } = expect_context();
    let row_px = row_px();
    let (container, body) = (NodeRef::<html::Div>::new(), NodeRef::<html::Tbody>::new());
    let first = RwSignal::new(0_usize);
    let columns = Memo::new(move |_| replicas.with(|all| columns(all, timeline.range())));
    render_rows(body, first, columns);
    request_figures(first);
    let scrolled = move |_| {
        if let Some(container) = container.get_untracked() {
            let row = container.scroll_top().max(0) as usize / row_px;
            let wanted = row.saturating_sub(BATCH) / BATCH * BATCH;
            if first.get_untracked() != wanted {
                first.set(wanted);
            }
        }
    };
    view! {
        <div
            node_ref=container
            class="fleet"
            tabindex="0"
            role="region"
            aria-label="Table of replicas"
            on:scroll=scrolled
        >
            <table
                data-testid="replicas"
                style=("--columns", move || columns.with(Vec::len).to_string())
                aria-rowcount=move || replicas.with(Vec::len) + 1
            >
                <caption class="visually-hidden">
                    "Replicas at the end of the time range, with their requests and latencies over it"
                </caption>
                <thead>
                    <tr>
                        {move || columns.get().into_iter().map(|key| heading(key, options, navigation)).collect_view()}
                    </tr>
                </thead>
                <tbody node_ref=body on:click=move |event| select_replica(&event, navigation)></tbody>
            </table>
        </div>
        <Footer />
    }
}

/// Keeps the rows from `first` on up to date.
fn render_rows(body: NodeRef<html::Tbody>, first: RwSignal<usize>, columns: Memo<Vec<SortKey>>) {
    let navigation = expect_context::<Navigation>();
    let timeline = expect_context::<TimelineContext>();
    let row_px = row_px();
    let medians = Memo::new(move |_| timeline.replicas.with(|all| medians(all)));
    let rows = Memo::new(move |_| {
        let (first, view) = (first.get(), navigation.view.get());
        timeline.replicas.with(|all| {
            let first = first.min(all.len());
            let table = TableContext { columns: columns.get(), medians: medians.get(), range: timeline.range() };
            let row = |(at, replica): (usize, &Arc<Replica>)| {
                let mut html = String::new();
                write_row(&mut html, at, replica, &view, &table);
                html
            };
            let html = all.iter().enumerate().skip(first).take(MAX_ROWS).map(row).collect();
            RenderedRows { first, count: all.len(), html, row_px }
        })
    });
    let mut rendered = RenderedRows::default();
    effect(move || {
        let Some(body) = body.get() else { return };
        rows.with(|rows| {
            if rows.scroll(&rendered, &body).is_none() {
                rows.replace(&body);
            }
            rendered.clone_from(rows);
        });
    });
}

/// The height of a row in CSS pixels.
fn row_px() -> usize {
    let is_touch = window().match_media("(pointer: coarse)").ok().flatten().is_some_and(|query| query.matches());
    if is_touch { TOUCH_ROW_PX } else { ROW_PX }
}

/// Has the figures queried of the rows that are on the page.
fn request_figures(first: RwSignal<usize>) {
    let (feed, timeline) = (expect_context::<Feed>(), expect_context::<TimelineContext>());
    let shown = Memo::new(move |_| {
        timeline.replicas.with(|all| {
            let shown = all.iter().skip(first.get()).take(MAX_ROWS);
            shown.map(|replica| replica.replica.clone()).collect::<Vec<_>>()
        })
    });
    effect(move || feed.show_rows(shown.get()));
}

/// Selects the replica of a clicked link as the scope.
fn select_replica(event: &MouseEvent, navigation: Navigation) {
    let link = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let name = link.and_then(|link| link.get_attribute("data-narrow"));
    // With a modifier key, the browser opens the link in a new tab or window.
    if let (Some(name), false) = (name, event.ctrl_key() || event.meta_key() || event.shift_key()) {
        event.prevent_default();
        navigation.go(|view| view.scope.replica = Some(name));
    }
}

/// A column heading, which sorts by the column.
fn heading(key: SortKey, options: Memo<ReplicaTableOptions>, navigation: Navigation) -> impl IntoView {
    let order = move || {
        options.with(|options| match (options.sort_key == key, options.is_reversed) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        })
    };
    let sort = move |_| navigation.adjust(|view| view.replica_table.toggle_sort(key));
    view! {
        <th scope="col" aria-sort=order>
            <button type="button" data-sort=key.id() on:click=sort>
                {key.title()}
            </button>
        </th>
    }
}

/// The number of replicas, and a button that copies the table.
#[component]
fn Footer() -> impl IntoView {
    let timeline @ TimelineContext { replicas, .. } = expect_context();
    let feed = expect_context::<Feed>();
    let label = RwSignal::new("Copy table");
    let copy_table = move |_| {
        spawn(async move {
            feed.fetch_figures(true).await;
            let range = untrack(|| timeline.range());
            let text = replicas.with_untracked(|all| tab_separated(all.iter().map(AsRef::as_ref), range));
            let done = move |not_copied: Option<_>| {
                label.set(if not_copied.is_none() { "Copied" } else { "Copying is blocked" });
            };
            copy(text, Box::new(done));
        });
    };
    let count = move || match replicas.with(Vec::len) {
        1 => "1 replica".to_owned(),
        count => format!("{count} replicas"),
    };
    view! {
        <footer>
            <span>{count}</span>
            <button type="button" class="control" data-testid="copy-replicas" on:click=copy_table>
                {label}
            </button>
        </footer>
    }
}

/// The rows on the page, between one empty row for those above and one for those below.
#[derive(Clone, Debug, Default, PartialEq)]
struct RenderedRows {
    first: usize,
    /// The number of all rows.
    count: usize,
    html: Vec<String>,
    row_px: usize,
}

impl RenderedRows {
    /// Heights of the rows above and below.
    fn around_px(&self) -> (usize, usize) {
        (self.first * self.row_px, (self.count - self.first - self.html.len()) * self.row_px)
    }

    /// Replaces all rows.
    fn replace(&self, body: &Element) {
        let focused = document().active_element().filter(|element| body.contains(Some(element)));
        let id = focused.map(|element| element.id());
        let (above, below) = self.around_px();
        let html = self.html.concat();
        body.set_inner_html(&format!("<tr height=\"{above}\"></tr>{html}<tr height=\"{below}\"></tr>"));
        // The focused link keeps the focus.
        let link = id.and_then(|id| document().get_element_by_id(&id)).and_then(|link| link.dyn_into().ok());
        if let Some(link) = link {
            let link: HtmlElement = link;
            let _ = link.focus();
        }
    }

    /// Removes rows at one end and adds rows at the other after scrolling, which is cheaper than replacing all of them;
    /// none if anything else has changed.
    fn scroll(&self, old: &Self, body: &Element) -> Option<()> {
        let (from, until) = (self.first.max(old.first), self.end().min(old.end()));
        if self.count != old.count || self.within(from, until)? != old.within(from, until)? {
            return None;
        }
        let (above, below) = (body.first_element_child()?, body.last_element_child()?);
        for _ in old.first..from {
            above.next_element_sibling()?.remove();
        }
        for _ in until..old.end() {
            below.previous_element_sibling()?.remove();
        }
        above.insert_adjacent_html("afterend", &self.within(self.first, from)?.concat()).ok()?;
        below.insert_adjacent_html("beforebegin", &self.within(until, self.end())?.concat()).ok()?;
        let (above_px, below_px) = self.around_px();
        above.set_attribute("height", &above_px.to_string()).ok()?;
        below.set_attribute("height", &below_px.to_string()).ok()
    }

    fn end(&self) -> usize {
        self.first + self.html.len()
    }

    /// The rows from one index of all to another; none unless they are on the page.
    fn within(&self, from: usize, until: usize) -> Option<&[String]> {
        self.html.get(from.checked_sub(self.first)?..until.checked_sub(self.first)?)
    }
}
