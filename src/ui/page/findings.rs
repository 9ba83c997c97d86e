//! What was found about the model: a line each with time, numbers, cause and remedy, and a press that shows the proof.
use crate::data::feed::Feed;
use crate::data::findings::Findings;
use crate::state::navigation::Navigation;
use crate::state::time_range::TimeRange;
use crate::state::view::Range;
use crate::ui::kit::conditional::Show;
use crate::ui::kit::format_time as time;
use crate::ui::page::open_card::CardOpener;
use crate::ui::page::unknown_scope::is_unknown;
use findings::{ENTRIES, Entry, Finding, Severity};
use leptos::prelude::*;

/// What is shown before and after a finding, as a part of its length, and at least, in milliseconds.
const AROUND_PARTS: i64 = 2;
const MIN_AROUND_MS: i64 = 5 * 60_000;

/// One finding in the list: which one, about which replica, and the number of those before it that are alike.
#[derive(Clone, PartialEq)]
struct Item {
    id: &'static str,
    replica: Option<String>,
    at: usize,
}

impl Item {
    fn finds(&self, finding: &Finding) -> bool {
        finding.entry.id == self.id && finding.replica == self.replica
    }
}

/// The findings, the most severe first: that one, and the others on demand. The line is there before they are known, so that
/// the cards keep their place. A finding stays the same element while its numbers change, so that it keeps the focus and
/// stays open.
#[component]
pub(crate) fn FindingsList() -> impl IntoView {
    let (feed, navigation) = (expect_context::<Feed>(), expect_context::<Navigation>());
    let opener = CardOpener::new(feed);
    // Findings are about one model.
    let has_model = Memo::new(move |_| {
        let scope = navigation.view.with(|view| view.scope.clone());
        let has_model = feed.inventory.with(|own| own.as_ref().is_none_or(|own| own.queried(&scope).model.is_some()));
        has_model && !is_unknown(feed, navigation)
    });
    let items = Memo::new(move |_| {
        let mut items: Vec<(Item, &'static Entry)> = Vec::new();
        feed.findings.with(|own| {
            for finding in own.iter().flat_map(|own| &own.report.findings) {
                let at = items.iter().filter(|(item, _)| item.finds(finding)).count();
                let item = Item { id: finding.entry.id, replica: finding.replica.clone(), at };
                items.push((item, finding.entry));
            }
        });
        Items(items)
    });
    let is_open = RwSignal::new(false);
    let count = Memo::new(move |_| items.with(|items| items.0.len()));
    let state = move || {
        feed.findings.with(|own| match own {
            None => "Looking for findings…",
            Some(own) if own.report.unknown.len() == ENTRIES.len() => "Too few data for findings.",
            Some(own) if own.is_cut => "No findings in the last 7 days of the range.",
            Some(_) => "No findings.",
        })
    };
    view! {
        <Show when=move || has_model.get()>
            <div class="findings-line">
                <Show when=move || count.get() != 0 fallback=move || view! { <span>{state}</span> }>
                    <ul class="findings" data-testid="findings" aria-label="Findings">
                        {move || {
                            let shown = if is_open.get() { usize::MAX } else { 1 };
                            let items = items.get().0.into_iter().take(shown);
                            items.map(|(item, entry)| line(item, entry, opener, feed)).collect_view()
                        }}
                    </ul>
                </Show>
                <Show when=move || { count.get() > 1 }>
                    <button
                        type="button"
                        class="control"
                        data-testid="more-findings"
                        aria-expanded=move || is_open.get().to_string()
                        on:click=move |_| is_open.update(|is_open| *is_open = !*is_open)
                    >
                        {move || if is_open.get() { "Only the first".to_owned() } else { format!("{} more", count.get() - 1) }}
                    </button>
                </Show>
            </div>
        </Show>
    }
}

/// Of which time the findings are, and what cannot be told. It stands below the cards, so that they keep their place when
/// it arrives.
#[component]
pub(crate) fn FindingsFoot() -> impl IntoView {
    let feed = expect_context::<Feed>();
    let foot = Memo::new(move |_| feed.findings.with(|own| own.as_ref().map(Foot::of)));
    let unknown =
        Memo::new(move |_| foot.with(|foot| foot.as_ref().map(|foot| foot.unknown.clone()).unwrap_or_default()));
    view! {
        <Show when=move || foot.with(Option::is_some)>
            <div class="findings-foot" data-testid="findings-foot">
                <span>{move || foot.with(|foot| foot.as_ref().map(|foot| foot.text))}</span>
                <Show when=move || unknown.with(|unknown| !unknown.is_empty())>
                    <details>
                        <summary>
                            {move || unknown.with(|own| format!("Cannot tell {} of {} findings", own.len(), ENTRIES.len()))}
                        </summary>
                        <ul>{move || unknown.get().into_iter().map(|text| view! { <li>{text}</li> }).collect_view()}</ul>
                    </details>
                </Show>
            </div>
        </Show>
    }
}

/// What stands below the findings.
#[derive(Clone, PartialEq)]
struct Foot {
    /// Of which time they are; empty if of the whole range.
    text: &'static str,
    /// What cannot be told, and what it needs.
    unknown: Vec<String>,
}

impl Foot {
    fn of(own: &Findings) -> Self {
        let is_part = own.is_cut && !own.report.findings.is_empty();
        let text = if is_part { "The findings are of the last 7 days of the range." } else { "" };
        let unknown = own.report.unknown.iter().map(|own| {
            let mut needs: Vec<String> = own.needs.iter().map(|need| need.text()).collect();
            needs.dedup();
            format!("{}: needs {}.", own.entry.title, needs.join(", "))
        });
        Self { text, unknown: unknown.collect() }
    }
}

/// The findings in their order, which are equal if they are the same ones.
#[derive(Clone)]
struct Items(Vec<(Item, &'static Entry)>);

impl PartialEq for Items {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().map(|(item, _)| item).eq(other.0.iter().map(|(item, _)| item))
    }
}

fn line(item: Item, entry: &'static Entry, opener: CardOpener, feed: Feed) -> impl IntoView {
    let navigation = expect_context::<Navigation>();
    let severity = match entry.severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Notice => "notice",
    };
    let finding = Signal::derive(move || {
        feed.findings.with(|own| {
            let mut alike = own.iter().flat_map(|own| &own.report.findings).filter(|finding| item.finds(finding));
            alike.nth(item.at).cloned()
        })
    });
    let when = move || finding.get().map(|finding| span_text(&finding, feed.range.get_untracked().end_ms));
    let numbers = move || finding.get().map(|finding| format!("{}.", finding.numbers));
    let show = move |_| {
        if let Some(Finding { from_ms, until_ms, .. }) = finding.get_untracked() {
            let around_ms = ((until_ms - from_ms) / AROUND_PARTS).max(MIN_AROUND_MS);
            let end_ms = (until_ms + around_ms).min(feed.now_ms());
            navigation.go(|view| view.range = Range::Between(TimeRange::new(from_ms - around_ms, end_ms)));
            opener.open(entry.graph);
        }
    };
    view! {
        <li data-finding=entry.id data-severity=severity>
            <details>
                <summary>
                    <b>{entry.title}</b>
                    <span class="period">{when}</span>
                    <span>{numbers}</span>
                </summary>
                <p>
                    <span>{entry.cause}" "{entry.remedy}</span>
                    <button type="button" class="control" data-testid="show-finding" on:click=show>
                        "Show it"
                    </button>
                </p>
            </details>
        </li>
    }
}

/// When a finding holds: `14:05 – 14:35`, or `since 14:05`.
fn span_text(finding: &Finding, now_ms: i64) -> String {
    let text = |time_ms: i64, today_ms: i64| {
        let text = time::clock_and_day(time_ms, today_ms);
        text.strip_suffix(":00").map(str::to_owned).unwrap_or(text)
    };
    let from = text(finding.from_ms, now_ms);
    match finding.goes_on {
        true => format!("since {from}"),
        false => format!("{from} – {}", text(finding.until_ms, finding.from_ms)),
    }
}
