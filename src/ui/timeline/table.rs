//! The replicas as a table: what is known of each now. Of many only the rows near those in sight are on the page.
use super::{
    super::{overlay::px, save, time},
    Shown,
    paint::current,
};
use crate::{
    feed::Replica,
    state::{
        listing::{Listing, Order},
        navigation::Navigation,
        url::encode,
    },
};
use catalogue::Unit;
use leptos::{html, prelude::*};
use std::fmt::Write;

/// Height of a row, in CSS pixels; the stylesheet has it too.
const ROW_PX: f64 = 30.0;
/// Rows on the page at most, and by how many they move on.
const ROWS: usize = 48;
const MOVED: usize = 12;

/// The table.
#[component]
pub(super) fn Table(shown: Shown, listing: Memo<Listing>) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let listed = shown.listed;
    let frame = NodeRef::<html::Div>::new();
    let first = RwSignal::new(0);
    let count = Memo::new(move |_| listed.with(Vec::len));
    // Columns that nothing is known for are left out.
    let columns = Memo::new(move |_| {
        listed.with(|all| {
            let is_known = |order: &Order| match order {
                Order::Cores => all.iter().any(|one| one.cores.is_some()),
                Order::Gpu => all.iter().any(|one| one.gpu.is_some()),
                Order::Engine => all.iter().any(|one| !one.engine.is_empty()),
                Order::Address => all.iter().any(|one| one.address != one.name),
                _ => true,
            };
            Order::ALL.into_iter().filter(is_known).collect::<Vec<_>>()
        })
    });
    let names = Memo::new(move |_| {
        let first = first.get();
        listed.with(|all| all.iter().skip(first).take(ROWS).map(|one| one.name.clone()).collect::<Vec<_>>())
    });
    let (above, below) = (
        move || first.get().min(count.get()) as f64 * ROW_PX,
        move || count.get().saturating_sub(first.get() + ROWS) as f64 * ROW_PX,
    );
    let head = move |order: Order| {
        let sorted = move || {
            listing.with(|listing| match (listing.order == order, listing.is_reversed) {
                (false, _) => "none",
                (true, false) => "ascending",
                (true, true) => "descending",
            })
        };
        view! {
            <th scope="col" aria-sort=sorted>
                <button
                    type="button"
                    data-sort=order.id()
                    on:click=move |_| navigation.adjust(|view| view.listing.turn(order))
                >
                    {order.title()}
                </button>
            </th>
        }
    };
    let told = RwSignal::new("Copy table");
    let copy = move |_| {
        let text = listed.with_untracked(|all| as_text(all.iter().map(AsRef::as_ref), &columns.get(), shown.range()));
        save::copy(text, move |left| told.set(if left.is_none() { "Copied" } else { "Cannot copy here" }));
    };
    view! {
        <div
            node_ref=frame
            class="fleet"
            tabindex="0"
            role="region"
            aria-label="Replicas"
            on:scroll=move |_| {
                if let Some(frame) = frame.get_untracked() {
                    let row = (f64::from(frame.scroll_top()) / ROW_PX) as usize;
                    let wanted = row.saturating_sub(MOVED) / MOVED * MOVED;
                    if first.get_untracked() != wanted {
                        first.set(wanted);
                    }
                }
            }
        >
            <table data-testid="replicas" aria-rowcount=move || count.get() + 1>
                <caption class="visually-hidden">"Replicas at the end of the range"</caption>
                <thead>
                    <tr>{move || columns.get().into_iter().map(head).collect_view()}</tr>
                </thead>
                <tbody>
                    <tr aria-hidden="true" style:height=move || px(above())></tr>
                    <For each=move || names.get() key=String::clone let:name>
                        <Row shown name columns />
                    </For>
                    <tr aria-hidden="true" style:height=move || px(below())></tr>
                </tbody>
            </table>
        </div>
        <footer>
            <span>{move || format!("{} replicas", count.get())}</span>
            <button type="button" class="control" data-testid="copy-replicas" on:click=copy>
                {told}
            </button>
        </footer>
    }
}

/// One replica; its name leads to it alone.
#[component]
fn Row(shown: Shown, name: String, columns: Memo<Vec<Order>>) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let own = name.clone();
    let replica = Memo::new(move |_| {
        let found = shown.listed.with(|all| all.iter().position(|one| one.name == own).map(|at| (at, all[at].clone())));
        found.unwrap_or_default()
    });
    let narrowed = move || {
        let mut view = navigation.view.get();
        view.scope.replica = Some(replica.with(|(_, one)| one.replica.clone()));
        view
    };
    let narrow = move |event: web_sys::MouseEvent| {
        // With a key held the browser opens the link elsewhere, as everywhere.
        if !(event.ctrl_key() || event.meta_key() || event.shift_key()) {
            event.prevent_default();
            let replica = replica.with_untracked(|(_, one)| one.replica.clone());
            navigation.go(|view| view.scope.replica = Some(replica));
        }
    };
    let state = Memo::new(move |_| {
        let range = shown.range();
        replica.with(|(_, one)| one.current(range).map_or("", |span| span.state.id()))
    });
    let cell = move |order: Order| match order {
        Order::Name => view! {
            <th scope="row">
                <a href=move || format!("?{}", encode(&narrowed())) on:click=narrow>
                    {name.clone()}
                </a>
            </th>
        }
        .into_any(),
        Order::State => view! {
            <td>
                <i class="state" data-state=state></i>
                {move || replica.with(|(_, one)| written(order, one, shown.range()))}
            </td>
        }
        .into_any(),
        _ => view! { <td>{move || replica.with(|(_, one)| written(order, one, shown.range()))}</td> }.into_any(),
    };
    view! {
        <tr
            data-replica=move || replica.with(|(_, one)| one.name.clone())
            data-state=state
            data-spans=move || replica.with(|(_, one)| spans(one))
            data-restarts=move || {
                replica.with(|(_, one)| {
                    one.restarts.iter().map(|one| one.time_ms.to_string()).collect::<Vec<_>>().join(" ")
                })
            }
            aria-rowindex=move || replica.with(|(at, _)| at + 2)
        >
            {move || columns.get().into_iter().map(&cell).collect_view()}
        </tr>
    }
}

/// The spans for those who cannot see the bars: state, start and end in Unix milliseconds.
fn spans(replica: &Replica) -> String {
    let span = |span: &crate::feed::Span| format!("{} {} {}", span.state.id(), span.start_ms, span.end_ms);
    replica.spans.iter().map(span).collect::<Vec<_>>().join(",")
}

/// The text of a cell; empty for what is not known.
fn written(order: Order, replica: &Replica, range: (i64, i64)) -> String {
    let figure = |value: Option<f64>, unit: Unit| value.map(|value| unit.format_short(value)).unwrap_or_default();
    match order {
        Order::Name => replica.name.clone(),
        Order::State => match current(replica, range) {
            text if text.is_empty() => "not told".into(),
            text => text,
        },
        Order::Since => replica.since(range).map_or(String::new(), |(since_ms, is_older)| {
            let before = if is_older { "before " } else { "" };
            format!("{before}{}", time::clock_and_day(since_ms, range.1))
        }),
        Order::Restarts => {
            let reasons = replica.restarts.iter().map(|one| one.reason.as_str()).filter(|reason| !reason.is_empty());
            let last = reasons.last().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("{}{last}", replica.restart_count())
        }
        Order::Engine => replica.engine.clone(),
        Order::Address => replica.address.clone(),
        Order::Running => figure(replica.running, Unit::Count),
        Order::Waiting => figure(replica.waiting, Unit::Count),
        Order::Cores => figure(replica.cores, Unit::Cores),
        Order::Gpu => figure(replica.gpu, Unit::Share),
    }
}

/// The whole table as text with tabs, for spreadsheets.
fn as_text<'a>(replicas: impl Iterator<Item = &'a Replica>, columns: &[Order], range: (i64, i64)) -> String {
    let line = |cells: Vec<String>| cells.join("\t");
    let mut text = line(columns.iter().map(|order| order.title().to_owned()).collect());
    for replica in replicas {
        let cells = columns.iter().map(|order| written(*order, replica, range).replace(['\t', '\n'], " "));
        let _ = write!(text, "\n{}", line(cells.collect()));
    }
    text
}
