//! The graphs of a section without data, with the reasons.
use crate::data::feed::Feed;
use crate::ui::kit::conditional::Show;
use catalogue::Section;
use leptos::prelude::*;

/// The list, collapsed; nothing if every graph has data or discovery is not complete.
#[component]
pub(crate) fn MissingGraphs(section: Memo<Section>) -> impl IntoView {
    let feed = expect_context::<Feed>();
    let missing = Memo::new(move |_| {
        let titled = feed.missing_graphs(section.get()).into_iter().map(|(graph, reason)| (graph.title, reason));
        titled.collect::<Vec<_>>()
    });
    let count = Memo::new(move |_| missing.with(Vec::len));
    let heading = move || match count.get() {
        1 => "1 graph in this section has no data".to_owned(),
        count => format!("{count} graphs in this section have no data"),
    };
    let row = |(title, reason): (&'static str, String)| {
        view! {
            <dt>{title}</dt>
            <dd>{reason}</dd>
        }
    };
    view! {
        <Show when=move || { count.get() > 0 }>
            <details class="absent" data-testid="absent-graphs">
                <summary>{heading}</summary>
                <dl>{move || missing.get().into_iter().map(row).collect_view()}</dl>
            </details>
        </Show>
    }
}
