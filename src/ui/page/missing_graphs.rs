//! The graphs of a section that have nothing to draw, and why.
use crate::data::feed::Feed;
use crate::ui::kit::conditional::Show;
use catalogue::Section;
use leptos::prelude::*;

/// The list, folded; nothing while every graph has data, or nothing is known yet.
#[component]
pub(crate) fn Absent(section: Memo<Section>) -> impl IntoView {
    let feed = expect_context::<Feed>();
    let absent = Memo::new(move |_| {
        let titled = feed.missing_graphs(section.get()).into_iter().map(|(graph, why)| (graph.title, why));
        titled.collect::<Vec<_>>()
    });
    let count = Memo::new(move |_| absent.with(Vec::len));
    let heading = move || match count.get() {
        1 => "1 graph of this section has nothing to draw".to_owned(),
        count => format!("{count} graphs of this section have nothing to draw"),
    };
    view! {
        <Show when=move || { count.get() > 0 }>
            <details class="absent" data-testid="absent-graphs">
                <summary>{heading}</summary>
                <dl>
                    {move || {
                        let row = |(title, why): (&'static str, String)| {
                            view! {
                                <dt>{title}</dt>
                                <dd>{why}</dd>
                            }
                        };
                        absent.get().into_iter().map(row).collect_view()
                    }}
                </dl>
            </details>
        </Show>
    }
}
