//! The replicas as a table: what is known of each now. Of many only the rows near those in sight are on the page.
//!
//! Rows are written as text: hundreds of them change with every refresh, and views of each cell would cost more.
use crate::data::replicas::fleet::Replica;
use crate::state::navigation::Navigation;
use crate::state::replica_table::{ReplicaTableOptions, SortKey};
use crate::state::time_range::TimeRange;
use crate::state::url::encode;
use crate::state::view::View;
use crate::ui::kit::clipboard;
use crate::ui::kit::format_time as time;
use crate::ui::kit::html::escaped;
use crate::ui::replicas::context::Shown;
use crate::wasm_size::effect::effect;
use catalogue::Unit;
use leptos::html;
use leptos::prelude::*;
use std::fmt::Write;
use std::sync::Arc;
use wasm_bindgen::JsCast;

/// Height of a row, in CSS pixels; the stylesheet has it too.
const ROW_PX: usize = 30;
/// Rows on the page at most, and by how many they move on.
const ROWS: usize = 28;
const MOVED: usize = 6;

/// The table.
#[component]
pub(crate) fn Table(shown: Shown, listing: Memo<ReplicaTableOptions>) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let listed = shown.listed;
    let (frame, body) = (NodeRef::<html::Div>::new(), NodeRef::<html::Tbody>::new());
    let first = RwSignal::new(0_usize);
    let rows = Memo::new(move |_| {
        let (first, view) = (first.get(), navigation.view.get());
        listed.with(|all| {
            let first = first.min(all.len());
            let row = |(at, replica): (usize, &Arc<Replica>)| {
                let mut html = String::new();
                write_row(&mut html, at, replica, &view, shown.range());
                html
            };
            let html = all.iter().enumerate().skip(first).take(ROWS).map(row).collect();
            Rows { first, count: all.len(), html }
        })
    });
    let mut written = Rows::default();
    effect(move || {
        let Some(body) = body.get() else { return };
        rows.with(|rows| {
            if rows.scroll(&written, &body).is_none() {
                rows.replace(&body);
            }
            written.clone_from(rows);
        });
    });
    let narrow = move |event: web_sys::MouseEvent| {
        let link = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let name = link.and_then(|link| link.get_attribute("data-narrow"));
        // With a key held the browser opens the link elsewhere, as everywhere.
        if let (Some(name), false) = (name, event.ctrl_key() || event.meta_key() || event.shift_key()) {
            event.prevent_default();
            navigation.go(|view| view.scope.replica = Some(name));
        }
    };
    let head = move |order: SortKey| {
        let sorted = move || {
            listing.with(|listing| match (listing.sort_key == order, listing.is_reversed) {
                (false, _) => "none",
                (true, false) => "ascending",
                (true, true) => "descending",
            })
        };
        let turn = move |_| navigation.adjust(|view| view.replica_table.toggle_sort(order));
        view! {
            <th scope="col" aria-sort=sorted>
                <button type="button" data-sort=order.id() on:click=turn>
                    {order.title()}
                </button>
            </th>
        }
    };
    let told = RwSignal::new("Copy table");
    let copy = move |_| {
        let text = listed.with_untracked(|all| as_text(all.iter().map(AsRef::as_ref), shown.range()));
        let done = move |left: Option<_>| told.set(if left.is_none() { "Copied" } else { "Cannot copy here" });
        clipboard::copy(text, Box::new(done));
    };
    let scrolled = move |_| {
        if let Some(frame) = frame.get_untracked() {
            let row = frame.scroll_top().max(0) as usize / ROW_PX;
            let wanted = row.saturating_sub(MOVED) / MOVED * MOVED;
            if first.get_untracked() != wanted {
                first.set(wanted);
            }
        }
    };
    view! {
        <div node_ref=frame class="fleet" tabindex="0" role="region" aria-label="Table of replicas" on:scroll=scrolled>
            <table
                data-testid="replicas"
                data-cpu=move || listed.with(|all| all.iter().any(|one| one.cores.is_some())).to_string()
                data-gpu=move || listed.with(|all| all.iter().any(|one| one.gpu.is_some())).to_string()
                aria-rowcount=move || listed.with(Vec::len) + 1
            >
                <caption class="visually-hidden">"Replicas at the end of the range"</caption>
                <thead>
                    <tr>{SortKey::ALL.map(head).into_iter().collect_view()}</tr>
                </thead>
                <tbody node_ref=body on:click=narrow></tbody>
            </table>
        </div>
        <footer>
            <span>
                {move || match listed.with(Vec::len) {
                    1 => "1 replica".to_owned(),
                    count => format!("{count} replicas"),
                }}
            </span>
            <button type="button" class="control" data-testid="copy-replicas" on:click=copy>
                {told}
            </button>
        </footer>
    }
}

/// The rows on the page, between two that stand for those above and below.
#[derive(Clone, Debug, Default, PartialEq)]
struct Rows {
    first: usize,
    /// Of all rows.
    count: usize,
    html: Vec<String>,
}

impl Rows {
    /// Heights of the rows above and below.
    fn around_px(&self) -> (usize, usize) {
        (self.first * ROW_PX, (self.count - self.first - self.html.len()) * ROW_PX)
    }

    /// Writes all rows.
    fn replace(&self, body: &web_sys::Element) {
        let focused = document().active_element().filter(|element| body.contains(Some(element)));
        let id = focused.map(|element| element.id());
        let (above, below) = self.around_px();
        let html = self.html.concat();
        body.set_inner_html(&format!("<tr height=\"{above}\"></tr>{html}<tr height=\"{below}\"></tr>"));
        // Who walks the rows by keyboard stays where they are.
        let again = id.and_then(|id| document().get_element_by_id(&id)).and_then(|link| link.dyn_into().ok());
        if let Some(link) = again {
            let link: web_sys::HtmlElement = link;
            let _ = link.focus();
        }
    }

    /// Makes these rows of others by what scrolling takes away at one end and adds at the other, which costs the browser
    /// a part of what all rows do; none where more has changed than that.
    fn scroll(&self, old: &Self, body: &web_sys::Element) -> Option<()> {
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

    /// The rows from one to another of all; none where they are not on the page.
    fn within(&self, from: usize, until: usize) -> Option<&[String]> {
        self.html.get(from.checked_sub(self.first)?..until.checked_sub(self.first)?)
    }
}

/// One replica; its name leads to it alone. The spans are there for those who cannot see the bars.
fn write_row(html: &mut String, at: usize, replica: &Replica, view: &View, range: TimeRange) {
    let mut narrowed = view.clone();
    narrowed.scope.replica = Some(replica.replica.clone());
    let link = escaped(&encode(&narrowed));
    let state = replica.current(range).map_or("", |span| span.state.id());
    let span = |span: &crate::data::replicas::intervals::StateInterval| {
        format!("{} {} {}", span.state.id(), span.start_ms, span.end_ms)
    };
    let spans: Vec<String> = replica.intervals.iter().map(span).collect();
    let restarts: Vec<String> = replica.restarts.iter().map(|one| one.time_ms.to_string()).collect();
    let (name, narrow) = (escaped(&replica.name), escaped(&replica.replica));
    let _ = write!(
        html,
        "<tr aria-rowindex=\"{}\" data-replica=\"{name}\" data-state=\"{state}\" data-spans=\"{}\" \
         data-restarts=\"{}\"><th scope=\"row\"><a id=\"replica-{name}\" href=\"?{link}\" data-narrow=\"{narrow}\">\
         {name}</a></th>",
        at + 2,
        spans.join(","),
        restarts.join(" ")
    );
    for order in SortKey::ALL.into_iter().skip(1) {
        let swatch = match order {
            SortKey::State => format!("<i class=\"state\" data-state=\"{state}\"></i>"),
            _ => String::new(),
        };
        let _ = write!(html, "<td>{swatch}{}</td>", escaped(&written(order, replica, range)));
    }
    html.push_str("</tr>");
}

/// The text of a cell; empty for what is not known.
fn written(order: SortKey, replica: &Replica, range: TimeRange) -> String {
    let figure = |value: Option<f64>, unit: Unit| value.map(|value| unit.format_short(value)).unwrap_or_default();
    match order {
        SortKey::Name => replica.name.clone(),
        SortKey::State => replica.current(range).map_or("not told", |span| span.state.title()).to_owned(),
        SortKey::Since => replica.since(range).map_or(String::new(), |since| {
            let before = if since.may_be_earlier { "before " } else { "" };
            format!("{before}{}", time::clock_and_day(since.time_ms, range.end_ms))
        }),
        SortKey::Restarts => {
            let told = replica.restarts.iter().rfind(|one| !one.reason.is_empty());
            let last = told.map(|one| format!(" ({})", one.reason)).unwrap_or_default();
            format!("{}{last}", replica.restart_count())
        }
        SortKey::Engine => replica.engine.clone(),
        SortKey::Address => replica.address.clone(),
        SortKey::Running => figure(replica.running, Unit::Count),
        SortKey::Waiting => figure(replica.waiting, Unit::Count),
        SortKey::Cores => figure(replica.cores, Unit::Cores),
        SortKey::Gpu => figure(replica.gpu, Unit::Share),
    }
}

/// The whole table as text with tabs, for spreadsheets.
fn as_text<'a>(replicas: impl Iterator<Item = &'a Replica>, range: TimeRange) -> String {
    let mut text = SortKey::ALL.map(SortKey::title).join("\t");
    for replica in replicas {
        text.push('\n');
        for order in SortKey::ALL {
            let tab = if order == SortKey::Name { "" } else { "\t" };
            let _ = write!(text, "{tab}{}", written(order, replica, range).replace(['\t', '\n'], " "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::replicas::intervals::StateInterval;
    use catalogue::contract::ReplicaState;

    #[test]
    fn names_from_outside_stay_text() {
        let span = StateInterval {
            state: ReplicaState::Running,
            start_ms: 0,
            end_ms: 9,
            may_start_earlier: false,
            ready_ms: None,
        };
        let hostile = "\"><script>a&b\t</script>";
        let replica =
            Replica { name: hostile.into(), replica: hostile.into(), intervals: vec![span], ..Replica::default() };
        let mut html = String::new();
        // Nothing goes on at the end of this range: a time of day would need a browser.
        write_row(&mut html, 0, &replica, &View::default(), TimeRange::new(0, 99));
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;a&amp;b"), "{html}");
        assert!(html.contains("data-spans=\"running 0 9\"") && html.contains("aria-rowindex=\"2\""), "{html}");
        let text = as_text(std::iter::once(&replica), TimeRange::new(0, 99));
        assert_eq!(text.lines().map(|line| line.matches('\t').count()).collect::<Vec<_>>(), [9, 9]);
    }
}
