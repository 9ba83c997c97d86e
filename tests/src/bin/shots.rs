//! Pictures of the page over a recorded session, in both themes and five widths, to be looked at.
//!
//! `shots FOLDER [NAME=QUERY ...]`, such as `shots target/shots one='section=engine&replica=a'`; without a view, one for
//! each section, of an invented fleet, and of nothing. A view without a range of its own shows the session, or the
//! fleet's. Prints what the page complains about, and by how much it is wider than its window.
use inferboard_tests::{
    Browser, Companion, FixtureError, InventedFleet, Play, Recording, Replay, Result, Theme, now_ms,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// Window sizes in CSS pixels: a phone, a tablet, two desks, a large screen.
const WINDOWS: [(u32, u32); 5] = [(360, 800), (800, 900), (1280, 900), (1920, 1080), (2560, 1440)];
/// The views taken when none is named.
const SECTIONS: [&str; 7] = [
    "requests=section=requests",
    "engine=section=engine",
    "hardware=section=hardware",
    "replicas=section=replicas",
    "fleet=section=replicas&refresh=off",
    "fleet-failed=section=replicas&refresh=off&states=failed,stopped",
    "no-replicas=section=replicas&model=other",
];
/// Replicas of the views whose name begins with `fleet`.
const FLEET: usize = 300;
/// The recorded nine minutes in 27 s.
const SPEED: f64 = 20.0;
/// What a page gets to ask for its data and draw them.
const SETTLE: Duration = Duration::from_millis(2500);

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: shots FOLDER [NAME=QUERY ...]");
        return ExitCode::from(2);
    };
    let mut views: Vec<String> = arguments.collect();
    if views.is_empty() {
        views.extend(SECTIONS.map(str::to_owned));
    }
    match take(&folder, &views).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shots: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn take(folder: &Path, views: &[String]) -> Result<()> {
    fs::create_dir_all(folder)
        .map_err(|source| FixtureError::Io { what: format!("cannot make {}", folder.display()), source })?;
    let recording = Recording::vllm()?;
    let span_ms = ((recording.last_ms() - recording.first_ms()) as f64 / SPEED) as u64;
    let replay = Replay::start(recording, Play::Live { speed: SPEED }, 0)?;
    let companion =
        Companion::start(&["--no-discovery", "--scrape-interval", "250ms", "--target", &replay.url()]).await?;
    println!("Replaying the session, which takes {} s.", span_ms / 1000);
    let began_ms = now_ms();
    tokio::time::sleep(Duration::from_millis(span_ms) + SETTLE).await;
    let session = format!("from={began_ms}&to={}", now_ms());

    let browser = Browser::start().await?;
    let fleet = InventedFleet::new(FLEET)?;
    let of_fleet = Companion::start(&fleet.arguments()).await?;
    for view in views {
        let (name, query) = view.split_once('=').unwrap_or((view, ""));
        let is_fleet = name.starts_with("fleet");
        let range = if is_fleet { fleet.range() } else { session.clone() };
        let query = if query.contains("from=") { query.to_owned() } else { format!("{query}&{range}") };
        let companion = if is_fleet { &of_fleet } else { &companion };
        for theme in [Theme::Light, Theme::Dark] {
            for (width, height) in WINDOWS {
                let theme_name = format!("{theme:?}").to_lowercase();
                let picture = folder.join(format!("{name}-{theme_name}-{width}.png"));
                browser.show_as(width, height, theme).await?;
                browser.open(&format!("{}/?{query}", companion.url())).await?;
                tokio::time::sleep(SETTLE).await;
                shoot(&browser, width, theme, &picture).await?;
                println!("{}", picture.display());
            }
        }
    }
    Ok(())
}

/// One picture of the whole page, below the window's edge too.
async fn shoot(browser: &Browser, width: u32, theme: Theme, picture: &Path) -> Result<()> {
    for complaint in browser.complaints().await? {
        println!("  {complaint}");
    }
    let size = "const root = document.documentElement; return [root.scrollWidth, root.scrollHeight]";
    let size = browser.evaluate(size, Vec::new()).await?;
    let side = |at: usize| size.get(at).and_then(serde_json::Value::as_u64).and_then(|side| u32::try_from(side).ok());
    let (page_width, page_height) = (side(0).unwrap_or(width), side(1).unwrap_or(1));
    if page_width > width {
        println!("  {} px wider than the window", page_width - width);
    }
    browser.show_as(width, page_height, theme).await?;
    // A resized canvas draws again.
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(browser.driver().screenshot(picture).await?)
}
