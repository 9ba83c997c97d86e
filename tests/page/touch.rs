//! The page by touch: one finger points, selects and scrolls; two fingers zoom and pan.
use inferboard_tests::{Browser, Companion, InventedFleet, PATIENCE, Paint, Result, until};
use serde_json::json;
use thirtyfour::WebElement;

/// Enough replicas for the rows to scroll.
const REPLICAS: usize = 24;
const GRAPH: &str = "running-and-waiting";

#[tokio::test(flavor = "multi_thread")]
async fn touch_points_selects_pinches_and_scrolls() -> Result<()> {
    let fleet = InventedFleet::new(REPLICAS)?;
    let companion = Companion::start(&fleet.arguments()).await?;
    let browser = phone(&companion, &fleet, "requests").await?;
    browser.live_cards(&[GRAPH]).await?;
    let canvas = browser.find(&format!("[data-graph={GRAPH}] .stage canvas")).await?;
    let screen = Screen { browser: &browser, overlay: browser.overlay(GRAPH).await?, canvas };
    screen.scrolls_and_points().await?;
    let whole = screen.range().await?;
    screen.pinches(whole).await?;
    screen.selects(whole).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinch_zooms_the_timeline() -> Result<()> {
    let fleet = InventedFleet::new(REPLICAS)?;
    let companion = Companion::start(&fleet.arguments()).await?;
    let browser = phone(&companion, &fleet, "replicas").await?;
    let overlay = browser.find("[data-testid=timeline-overlay]").await?;
    let canvas = browser.find(".timeline canvas").await?;
    let screen = Screen { browser: &browser, overlay, canvas };
    screen.pinches(screen.range().await?).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// A browser that shows a section on the screen of a phone, short enough that the page scrolls.
async fn phone(companion: &Companion, fleet: &InventedFleet, section: &str) -> Result<Browser> {
    let browser = Browser::start().await?;
    let phone = json!({ "width": 390, "height": 420, "deviceScaleFactor": 1, "mobile": true });
    browser.devtools("Emulation.setDeviceMetricsOverride", phone).await?;
    browser.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": true, "maxTouchPoints": 3 })).await?;
    browser.open(&format!("{}/?section={section}&refresh=off&{}", companion.url(), fleet.range())).await?;
    // Findings move what is below them when they arrive.
    until("the findings", PATIENCE, async || browser.count("[data-testid=findings-foot]").await, |count| *count == 1)
        .await?;
    Ok(browser)
}

/// A graph that is operated by touch.
struct Screen<'a> {
    browser: &'a Browser,
    overlay: WebElement,
    canvas: WebElement,
}

impl Screen<'_> {
    /// Window coordinates of places on the graph, given as shares of its width and CSS pixels below its middle.
    async fn places(&self, places: &[(f64, f64)]) -> Result<Vec<(f64, f64)>> {
        let [left, top, width, height] = self.browser.place(&self.overlay).await?;
        Ok(places.iter().map(|(share, down)| (left + width * share, top + height / 2.0 + down)).collect())
    }

    /// The start and the end of the range in the address.
    async fn range(&self) -> Result<(i64, i64)> {
        let view = self.browser.view().await?;
        let time = |name| view.get(name).and_then(|time| time.parse().ok()).unwrap_or(0);
        Ok((time("from"), time("to")))
    }

    async fn new_range(&self, old: (i64, i64)) -> Result<(i64, i64)> {
        until("a new range", PATIENCE, async || self.range().await, |range| *range != old).await
    }

    async fn paint(&self) -> Result<Paint> {
        self.browser.paint(&self.canvas).await
    }

    async fn count(&self, css: &str, wanted: usize) -> Result<()> {
        until(css, PATIENCE, async || self.browser.count(css).await, |count| *count == wanted).await.map(drop)
    }

    /// A finger that moves down scrolls the page and leaves the graph alone; a tap pins the crosshair.
    async fn scrolls_and_points(&self) -> Result<()> {
        let (browser, before) = (self.browser, self.range().await?);
        let path: Vec<(f64, f64)> = (0..12).map(|step| (0.5, 15.0 * f64::from(step))).collect();
        let path = self.places(&path).await?;
        let scrolled = async || browser.evaluate("return scrollY", Vec::new()).await;
        let start = scrolled().await?.as_f64().unwrap_or(0.0);
        browser.touch(&[&path]).await?;
        browser.lift().await?;
        until("a scrolled page", PATIENCE, scrolled, |now| now.as_f64().is_some_and(|now| now < start - 50.0)).await?;
        self.count(".crosshair, .selection", 0).await?;
        assert_eq!(self.range().await?, before);

        self.tap().await?;
        self.count(&format!("[data-graph={GRAPH}] .tooltip.pinned"), 1).await?;
        self.tap().await?;
        self.count(".tooltip.pinned", 0).await
    }

    /// Taps the middle of the graph, wherever it is by now.
    async fn tap(&self) -> Result<()> {
        let place = self.places(&[(0.5, 0.0)]).await?;
        self.browser.touch(&[&place]).await?;
        self.browser.lift().await
    }

    /// Two fingers zoom in around the point between them, with an immediate preview, and pan.
    async fn pinches(&self, whole: (i64, i64)) -> Result<()> {
        let painted = async || self.paint().await;
        let before = until("a painted graph", PATIENCE, painted, |paint| paint.coloured() > 100).await?;
        let left = self.places(&[(0.4, 0.0), (0.35, 0.0), (0.3, 0.0)]).await?;
        let right = self.places(&[(0.6, 0.0), (0.65, 0.0), (0.7, 0.0)]).await?;
        self.browser.touch(&[&left, &right]).await?;
        until("the pinch on the graph", PATIENCE, painted, |paint| *paint != before).await?;
        assert_eq!(self.range().await?, whole, "the range stays until the fingers are lifted");
        self.browser.lift().await?;
        let zoomed = self.new_range(whole).await?;
        let length = |(start, end): (i64, i64)| (end - start) as f64;
        let share = length(zoomed) / length(whole);
        assert!((0.48..0.52).contains(&share), "fingers twice as far apart leave half the range, not {share}");
        // The middle of the graph is before the middle of its range, as labels and names take up space on the left.
        let middle = (zoomed.0 + zoomed.1 - 2 * whole.0) as f64 / 2.0 / length(whole);
        assert!((0.35..0.52).contains(&middle), "{middle}");

        let (left, right) = (self.places(&[(0.3, 0.0), (0.4, 0.0), (0.5, 0.0)]), [(0.5, 0.0), (0.6, 0.0), (0.7, 0.0)]);
        self.browser.touch(&[&left.await?, &self.places(&right).await?]).await?;
        self.browser.lift().await?;
        let panned = self.new_range(zoomed).await?;
        assert!((length(panned) / length(zoomed) - 1.0).abs() < 0.02, "{panned:?} {zoomed:?}");
        let moved = (zoomed.0 - panned.0) as f64 / length(zoomed);
        assert!((0.18..0.35).contains(&moved), "a pan to the right by a fifth shows earlier times: {moved}");

        for range in [zoomed, whole] {
            self.browser.press("back").await?;
            until("the previous range", PATIENCE, async || self.range().await, |now| *now == range).await?;
        }
        until("the original graph", PATIENCE, painted, |paint| *paint == before).await?;
        Ok(())
    }

    /// One finger that moves along the graph selects a range.
    async fn selects(&self, whole: (i64, i64)) -> Result<()> {
        let path: Vec<(f64, f64)> = (0..9).map(|step| (0.4 + 0.05 * f64::from(step), 0.0)).collect();
        self.browser.touch(&[&self.places(&path).await?]).await?;
        self.count(".selection", self.browser.count("[data-testid=overlay]").await?).await?;
        self.browser.lift().await?;
        let selected = self.new_range(whole).await?;
        let share = (selected.1 - selected.0) as f64 / (whole.1 - whole.0) as f64;
        assert!((0.35..0.55).contains(&share), "{share}");
        self.count(".selection", 0).await
    }
}
