//! The values of a card as a table.
use crate::data::feed::Feed;
use crate::ui::graph::context::CardContext;
use crate::ui::kit::format_time as time;
use leptos::prelude::*;

/// The table, newest values first.
#[component]
pub(crate) fn Table() -> impl IntoView {
    let card @ CardContext { graph, lines, .. } = expect_context();
    let feed = expect_context::<Feed>();
    let names = Memo::new(move |_| {
        lines.with(|lines| lines.frame.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>())
    });
    let caption = move || format!("{} {}, newest first", graph.title, card.value_unit().suffix());
    let rows = move || {
        let lines = lines.get();
        let today_ms = feed.now_ms();
        let row = |(at, time_ms): (usize, &i64)| {
            let columns = lines.frame.columns.iter();
            let cells = columns.map(|column| {
                let value = column.values.get(at).copied().unwrap_or(f64::NAN);
                view! { <td>{card.format_cell(&column.name, value)}</td> }
            });
            view! {
                <tr>
                    <th scope="row">{time::clock_and_day(*time_ms, today_ms)}</th>
                    {cells.collect_view()}
                </tr>
            }
        };
        let times_ms = lines.frame.times_ms.iter().enumerate().take(lines.known_count());
        times_ms.rev().map(row).collect_view()
    };
    view! {
        <div class="values" data-testid="table" tabindex="0" role="region" aria-label=format!("Values of {}", graph.title)>
            <table>
                <caption class="visually-hidden">{caption}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Time"</th>
                        {move || names.get().into_iter().map(|name| view! { <th scope="col">{name}</th> }).collect_view()}
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}
