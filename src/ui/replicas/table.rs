//! The table of replicas. Of many replicas only the rows near the visible ones are on the page.
//!
//! Rows are written as HTML: hundreds of them change with every refresh, and a view of each cell would cost more.
use crate::data::feed::Feed;
use crate::data::replicas::fleet::Replica;
use crate::data::replicas::intervals::StateInterval;
use crate::state::navigation::Navigation;
use crate::state::replica_table::{ReplicaTableOptions, SortKey};
use crate::state::time_range::TimeRange;
use crate::state::url::encode;
use crate::state::view::View;
use crate::ui::kit::clipboard::copy;
use crate::ui::kit::format_time as time;
use crate::ui::kit::html::escape_html;
use crate::ui::replicas::context::TimelineContext;
use crate::wasm_size::effect::effect;
use catalogue::Unit;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::fmt::Write;
use std::sync::Arc;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, MouseEvent};

/// Height of a row in CSS pixels, as in the stylesheet.
const ROW_PX: usize = 30;
/// The limit of rows on the page, and the number of rows that are exchanged at once.
const MAX_ROWS: usize = 28;
const BATCH: usize = 6;

/// The table.
#[component]
pub(crate) fn Table(options: Memo<ReplicaTableOptions>) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let timeline @ TimelineContext { replicas, .. } = expect_context();
    let (container, body) = (NodeRef::<html::Div>::new(), NodeRef::<html::Tbody>::new());
    let first = RwSignal::new(0_usize);
    render_rows(body, first);
    request_figures(first);
    let scrolled = move |_| {
        if let Some(container) = container.get_untracked() {
            let row = container.scroll_top().max(0) as usize / ROW_PX;
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
                data-cpu=move || replicas.with(|all| all.iter().any(|one| one.cores.is_some())).to_string()
                data-gpu=move || replicas.with(|all| all.iter().any(|one| one.gpu.is_some())).to_string()
                data-failure=move || replicas.with(|all| all.iter().any(|one| is_failing(one, timeline.range()))).to_string()
                aria-rowcount=move || replicas.with(Vec::len) + 1
            >
                <caption class="visually-hidden">"Replicas at the end of the time range"</caption>
                <thead>
                    <tr>{SortKey::ALL.map(|key| heading(key, options, navigation)).into_iter().collect_view()}</tr>
                </thead>
                <tbody node_ref=body on:click=move |event| select_replica(&event, navigation)></tbody>
            </table>
        </div>
        <Footer />
    }
}

/// Keeps the rows from `first` on up to date.
fn render_rows(body: NodeRef<html::Tbody>, first: RwSignal<usize>) {
    let navigation = expect_context::<Navigation>();
    let timeline = expect_context::<TimelineContext>();
    let rows = Memo::new(move |_| {
        let (first, view) = (first.get(), navigation.view.get());
        timeline.replicas.with(|all| {
            let first = first.min(all.len());
            let row = |(at, replica): (usize, &Arc<Replica>)| {
                let mut html = String::new();
                write_row(&mut html, at, replica, &view, timeline.range());
                html
            };
            let html = all.iter().enumerate().skip(first).take(MAX_ROWS).map(row).collect();
            RenderedRows { first, count: all.len(), html }
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
        spawn_local(async move {
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
}

impl RenderedRows {
    /// Heights of the rows above and below.
    fn around_px(&self) -> (usize, usize) {
        (self.first * ROW_PX, (self.count - self.first - self.html.len()) * ROW_PX)
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

/// Writes the row of a replica. Its name links to the page for this replica alone; its state intervals are attributes.
fn write_row(html: &mut String, at: usize, replica: &Replica, view: &View, range: TimeRange) {
    let mut narrowed = view.clone();
    narrowed.scope.replica = Some(replica.replica.clone());
    let link = escape_html(&encode(&narrowed));
    let state = replica.current(range).map_or("", |interval| interval.state.id());
    let interval =
        |interval: &StateInterval| format!("{} {} {}", interval.state.id(), interval.start_ms, interval.end_ms);
    let intervals: Vec<String> = replica.intervals.iter().map(interval).collect();
    let restarts: Vec<String> = replica.restarts.iter().map(|restart| restart.time_ms.to_string()).collect();
    let (name, narrow) = (escape_html(&replica.name), escape_html(&replica.replica));
    let _ = write!(
        html,
        "<tr aria-rowindex=\"{}\" data-replica=\"{name}\" data-state=\"{state}\" data-spans=\"{}\" \
         data-restarts=\"{}\"><th scope=\"row\"><a id=\"replica-{name}\" href=\"?{link}\" data-narrow=\"{narrow}\">\
         {name}</a></th>",
        at + 2,
        intervals.join(","),
        restarts.join(" ")
    );
    for key in SortKey::ALL.into_iter().skip(1) {
        let swatch = match key {
            SortKey::State => format!("<i class=\"state\" data-state=\"{state}\"></i>"),
            _ => String::new(),
        };
        let text = escape_html(&cell(key, replica, range));
        let title = if key == SortKey::Failure { format!(" title=\"{text}\"") } else { String::new() };
        let _ = write!(html, "<td{title}>{swatch}{text}</td>");
    }
    html.push_str("</tr>");
}

/// Whether scrapes of a replica fail at the end of the range.
fn is_failing(replica: &Replica, range: TimeRange) -> bool {
    !replica.failure_at(range.end_ms).is_empty()
}

/// The text of a cell; empty for an unknown value.
fn cell(key: SortKey, replica: &Replica, range: TimeRange) -> String {
    let number = |value: Option<f64>, unit: Unit| value.map(|value| unit.format_short(value)).unwrap_or_default();
    match key {
        SortKey::Name => replica.name.clone(),
        SortKey::State => replica.current(range).map_or("unknown", |interval| interval.state.title()).to_owned(),
        SortKey::Since => replica.since(range).map_or(String::new(), |since| {
            let before = if since.may_be_earlier { "before " } else { "" };
            format!("{before}{}", time::clock_and_day(since.time_ms, range.end_ms))
        }),
        SortKey::Restarts => {
            let last = replica.restarts.iter().rfind(|restart| !restart.reason.is_empty());
            let reason = last.map(|restart| format!(" ({})", restart.reason)).unwrap_or_default();
            format!("{}{reason}", replica.restart_count())
        }
        SortKey::Engine => replica.engine.clone(),
        SortKey::Address => replica.address.clone(),
        SortKey::Running => number(replica.running, Unit::Count),
        SortKey::Waiting => number(replica.waiting, Unit::Count),
        SortKey::Cores => number(replica.cores, Unit::Cores),
        SortKey::Gpu => number(replica.gpu, Unit::Share),
        SortKey::Failure => replica.failure_at(range.end_ms).to_owned(),
    }
}

/// The whole table as tab-separated text, for spreadsheets.
fn tab_separated<'a>(replicas: impl Iterator<Item = &'a Replica>, range: TimeRange) -> String {
    let mut text = SortKey::ALL.map(SortKey::title).join("\t");
    for replica in replicas {
        text.push('\n');
        for key in SortKey::ALL {
            let tab = if key == SortKey::Name { "" } else { "\t" };
            let _ = write!(text, "{tab}{}", cell(key, replica, range).replace(['\t', '\n'], " "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalogue::contract::ReplicaState;

    #[test]
    fn names_are_escaped() {
        let interval = StateInterval {
            state: ReplicaState::Running,
            start_ms: 0,
            end_ms: 9,
            may_start_earlier: false,
            ready_ms: None,
        };
        let hostile = "\"><script>a&b\t</script>";
        let replica =
            Replica { name: hostile.into(), replica: hostile.into(), intervals: vec![interval], ..Replica::default() };
        let mut html = String::new();
        // The replica has no current state, since formatting a time of day needs a browser.
        write_row(&mut html, 0, &replica, &View::default(), TimeRange::new(0, 99));
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;a&amp;b"), "{html}");
        assert!(html.contains("data-spans=\"running 0 9\"") && html.contains("aria-rowindex=\"2\""), "{html}");
        let text = tab_separated(std::iter::once(&replica), TimeRange::new(0, 99));
        assert_eq!(text.lines().map(|line| line.matches('\t').count()).collect::<Vec<_>>(), [10, 10]);
    }
}
