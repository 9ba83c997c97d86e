//! Takes screenshots of the page in both themes and several widths, for people to inspect.
//!
//! `shots FOLDER [NAME | NAME=QUERY ...]`, such as `shots target/shots menu one='section=engine&replica=a'`. Without
//! names it takes every section, a generated fleet, an empty page, and every state that the page can be in. A view
//! without a time range shows the whole recorded session, or that of the fleet. Prints the errors of the page, and by
//! how much it is wider than its window.
use inferboard_tests::{
    Browser, Companion, FixtureError, InventedFleet, Manner, Play, Recording, Replay, Result, StaticHost, Theme, now_ms,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

/// Window sizes in CSS pixels: a phone, a tablet, two desktops, a large screen.
const WINDOWS: [(u32, u32); 5] = [(360, 800), (800, 900), (1280, 900), (1920, 1080), (2560, 1440)];
/// Window sizes for states of the page; the other sizes would show nothing else.
const FEW_WINDOWS: [(u32, u32); 3] = [WINDOWS[0], WINDOWS[2], WINDOWS[3]];
const FLEET_REPLICAS: usize = 300;
/// Plays the recorded nine minutes in 27 s.
const SPEED: f64 = 20.0;
/// The time that a page gets to load and draw its data.
const SETTLE: Duration = Duration::from_millis(2500);

/// The data that a view shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Session,
    Fleet,
    /// A companion that measures only the host.
    First,
    /// A server that does not respond yet.
    Silent,
    /// A server that refuses queries.
    Refusing,
    /// The session, whose companion stops while the page is open.
    Stopped,
}

/// An action before the screenshot.
#[derive(Clone, Copy, Debug)]
enum Act {
    Press(&'static str),
    /// Moves the pointer to the middle of the element and clicks.
    Point(&'static str),
}

struct View {
    name: String,
    place: Place,
    query: String,
    acts: &'static [Act],
    /// Whether the screenshot shows the whole page, rather than the window; open menus and dialogs need the window.
    is_whole: bool,
    windows: &'static [(u32, u32)],
}

fn views() -> Vec<View> {
    use Act::{Point, Press};
    use Place::{First, Fleet, Refusing, Session, Silent, Stopped};
    let section = |name: &str, place, query: &str| View {
        name: name.into(),
        place,
        query: query.into(),
        acts: &[],
        is_whole: true,
        windows: &WINDOWS,
    };
    let state = |name: &str, place, query: &str| View { windows: &FEW_WINDOWS, ..section(name, place, query) };
    let over = |name: &str, acts| View { acts, is_whole: false, ..state(name, Session, "section=requests") };
    vec![
        section("requests", Session, "section=requests"),
        section("engine", Session, "section=engine"),
        section("hardware", Session, "section=hardware"),
        section("replicas", Session, "section=replicas"),
        section("fleet", Fleet, "section=replicas&refresh=off"),
        section("fleet-failed", Fleet, "section=replicas&refresh=off&states=failed,stopped"),
        section("no-replicas", Session, "section=replicas&model=other"),
        state("first-visit", First, "from=now-5m"),
        state("loading", Silent, ""),
        state("failed", Refusing, "from=now-15m"),
        state(
            "heat-map",
            Session,
            "section=requests&card=end-to-end-latency.heat-map&card=time-to-first-token.heat-map",
        ),
        state("fleet-heat-map", Fleet, "section=requests&refresh=off&card=running-and-waiting.heat-map"),
        state("fleet-details", Fleet, "section=requests&refresh=off&card=running-and-waiting.details"),
        state(
            "forms",
            Session,
            "section=requests&card=volume.table&card=end-to-end-latency.statistics&card=time-to-first-token.log\
             &card=running-and-waiting.stacked",
        ),
        state(
            "comparison",
            Session,
            "section=requests&from=FROM&to=TO&card=volume.compare&card=running-and-waiting.compare\
             &card=tokens-per-second.compare",
        ),
        state("embed", Session, "embed=end-to-end-latency"),
        state("embed-all", Session, "embed=all&section=requests"),
        over("menu", &[Press("[data-graph=end-to-end-latency] [data-testid=menu]")]),
        over("help", &[Press("[data-graph=end-to-end-latency] [data-testid=help]")]),
        over("tooltip", &[Point("[data-graph=end-to-end-latency] [data-testid=overlay]")]),
        over("customize", &[Press("[data-testid=customize]")]),
        over("when", &[Press("[data-testid=when]")]),
        over("keys", &[Press("[data-testid=keys]")]),
        over(
            "enlarged",
            &[
                Press("[data-graph=end-to-end-latency] [data-testid=menu]"),
                Press("[data-graph=end-to-end-latency] [data-action=enlarge]"),
            ],
        ),
        // The last one, because it stops the companion that the others use.
        state("stale", Stopped, "section=requests&every=1s"),
    ]
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: shots FOLDER [NAME | NAME=QUERY ...]");
        return ExitCode::from(2);
    };
    let mut selected = views();
    let names: Vec<String> = arguments.collect();
    if !names.is_empty() {
        selected.retain(|view| names.contains(&view.name));
        let custom = names.iter().filter_map(|name| name.split_once('=')).map(|(name, query)| View {
            name: name.into(),
            place: if name.starts_with("fleet") { Place::Fleet } else { Place::Session },
            query: query.into(),
            acts: &[],
            is_whole: true,
            windows: &WINDOWS,
        });
        selected.splice(0..0, custom);
    }
    match take(&folder, &selected).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shots: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn take(folder: &Path, views: &[View]) -> Result<()> {
    fs::create_dir_all(folder)
        .map_err(|source| FixtureError::Io { what: format!("cannot create {}", folder.display()), source })?;
    let recording = Recording::vllm()?;
    let duration_ms = ((recording.last_ms() - recording.first_ms()) as f64 / SPEED) as u64;
    let replay = Replay::start(recording, Play::Live { speed: SPEED }, 0)?;
    let companion =
        Companion::start(&["--no-discovery", "--scrape-interval", "250ms", "--target", &replay.url()]).await?;
    println!("Replaying the session; this takes {} s.", duration_ms / 1000);
    let began_ms = now_ms();
    tokio::time::sleep(Duration::from_millis(duration_ms) + SETTLE).await;
    let ended_ms = now_ms();

    let browser = Browser::start().await?;
    let fleet = InventedFleet::new(FLEET_REPLICAS)?;
    let fleet_companion = Companion::start(&fleet.arguments()).await?;
    let new_companion = Companion::start(&["--no-discovery", "--scrape-interval", "1s"]).await?;
    let (silent, refusing) = (StaticHost::start()?, StaticHost::start()?);
    for host in [&silent, &refusing] {
        host.put_board("inferboard_requests_running", &[])?;
    }
    silent.send_as("/api/v1/query", Manner::Held);
    let refusal = "query processing would load too many samples into memory: narrow the range or select one model";
    let refusal = json!({ "status": "error", "errorType": "execution", "error": refusal });
    refusing.put("/api/v1/query_range", refusal.to_string());
    let mut companion = Some(companion);
    for view in views {
        let url = match view.place {
            Place::Session | Place::Stopped => companion.as_ref().map(|companion| companion.url().to_owned()),
            Place::Fleet => Some(fleet_companion.url().to_owned()),
            Place::First => Some(new_companion.url().to_owned()),
            Place::Silent => Some(silent.origin()),
            Place::Refusing => Some(refusing.origin()),
        };
        let Some(url) = url else { continue };
        let middle_ms = i64::midpoint(began_ms, ended_ms);
        let query = view.query.replace("FROM", &middle_ms.to_string()).replace("TO", &ended_ms.to_string());
        let range = if view.place == Place::Fleet { fleet.range() } else { format!("from={began_ms}&to={ended_ms}") };
        let has_range = query.contains("from=") || matches!(view.place, Place::Silent);
        let address = if has_range { format!("{url}/?{query}") } else { format!("{url}/?{query}&{range}") };
        for theme in [Theme::Light, Theme::Dark] {
            for &(width, height) in view.windows {
                let theme_name = format!("{theme:?}").to_lowercase();
                let path = folder.join(format!("{}-{theme_name}-{width}.png", view.name));
                // Only cards on the screen are drawn; when the server has stopped, it is too late to draw the others.
                let is_last = view.place == Place::Stopped && companion.is_some();
                browser.show_as(width, if is_last { 4000 } else { height }, theme).await?;
                if view.place != Place::Stopped || companion.is_some() {
                    browser.open(&address).await?;
                }
                tokio::time::sleep(SETTLE).await;
                for act in view.acts {
                    perform(&browser, *act).await?;
                }
                if let Some(companion) = companion.take_if(|_| view.place == Place::Stopped) {
                    companion.stop()?;
                    browser.find("[data-status=stale]").await?;
                }
                shoot(&browser, width, theme, &path, view.is_whole).await?;
                println!("{}", path.display());
            }
        }
    }
    Ok(())
}

async fn perform(browser: &Browser, act: Act) -> Result<()> {
    match act {
        Act::Press(css) => browser.find(css).await?.click().await?,
        Act::Point(css) => {
            let element = browser.find(css).await?;
            element.scroll_into_view().await?;
            browser.driver().action_chain().move_to_element_center(&element).click().perform().await?;
        }
    }
    // Waits for a menu or dialog to open and draw.
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(())
}

/// Takes a screenshot of the window, or of the whole page.
async fn shoot(browser: &Browser, width: u32, theme: Theme, path: &Path, is_whole: bool) -> Result<()> {
    for complaint in browser.complaints().await? {
        println!("  {complaint}");
    }
    let size = "const root = document.documentElement; return [root.scrollWidth, root.scrollHeight]";
    let size = browser.evaluate(size, Vec::new()).await?;
    let side = |at: usize| size.get(at).and_then(Value::as_u64).and_then(|side| u32::try_from(side).ok());
    let (page_width, page_height) = (side(0).unwrap_or(width), side(1).unwrap_or(1));
    if page_width > width {
        println!("  {} px wider than the window", page_width - width);
    }
    if is_whole {
        browser.show_as(width, page_height, theme).await?;
        // Waits for the resized canvases to be drawn again.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    Ok(browser.driver().screenshot(path).await?)
}
