//! A headless browser, driven by its own driver: Chromium, and Firefox for the little that shows there.
use crate::{FixtureError, PATIENCE, Process, Result, until};
use serde_json::{Value, json};
use std::process::Command;
use tempfile::TempDir;
use thirtyfour::{
    BrowserCapabilitiesHelper, BrowserLogEntry, By, CapabilitiesHelper, ChromeCapabilities, ChromiumLikeCapabilities,
    FirefoxCapabilities, WebDriver, WebElement,
};

/// Notes what the policy refused, before any script of the page runs.
const WATCH_POLICY: &str = "window.refusedByPolicy = []; document.addEventListener('securitypolicyviolation', \
     event => window.refusedByPolicy.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}`));";

/// The driver takes a port that is free in one family of addresses and fails where it is not in the other.
const CHROMEDRIVER_ATTEMPTS: usize = 5;

/// What the person prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// One browser with one window. It ends when dropped, whatever became of the test.
#[derive(Debug)]
pub struct Browser {
    // In this order: the session ends before its driver, the driver before its folder.
    driver: WebDriver,
    process: Process,
    _profile: TempDir,
}

impl Browser {
    /// Starts a Chromium with an empty profile.
    ///
    /// # Errors
    /// When `chromedriver` or the browser is absent or does not come up.
    pub async fn start() -> Result<Self> {
        let profile = tempfile::tempdir().map_err(FixtureError::io("cannot make a folder for the browser"))?;
        let mut attempts = 0..CHROMEDRIVER_ATTEMPTS;
        let (chromedriver, port) = loop {
            match chromedriver().await {
                Err(FixtureError::Program { .. }) if attempts.next().is_some() => {}
                started => break started?,
            }
        };
        let driver =
            WebDriver::new(format!("http://127.0.0.1:{}", port.trim_end_matches('.')), capabilities(&profile)?).await?;
        let browser = Self { driver, process: chromedriver, _profile: profile };
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH_POLICY })).await?;
        Ok(browser)
    }

    /// Starts a Firefox with an empty profile.
    ///
    /// # Errors
    /// [`FixtureError::Absent`] where `geckodriver` is not installed; else when it or the browser does not come up.
    pub async fn firefox() -> Result<Self> {
        let profile = tempfile::tempdir().map_err(FixtureError::io("cannot make a folder for the browser"))?;
        let mut command = Command::new("geckodriver");
        command.args(["--port=0", "--profile-root"]).arg(profile.path()).env("TZ", "UTC").env("HOME", profile.path());
        let mut geckodriver = Process::start("geckodriver", command)?;
        let address = geckodriver.word_after("Listening on ", PATIENCE).await?;
        let mut capabilities = FirefoxCapabilities::new();
        capabilities.set_headless()?;
        // What pages log goes to where the driver writes.
        let preferences = json!({ "devtools.console.stdout.content": true });
        capabilities.set_browser_option("prefs", preferences)?;
        let driver = WebDriver::new(format!("http://{address}"), capabilities).await?;
        Ok(Self { driver, process: geckodriver, _profile: profile })
    }

    /// Errors of the page that Firefox has written so far.
    pub fn firefox_complaints(&self) -> Vec<String> {
        // Without a network Firefox complains of services of its own too.
        let is_own = |line: &String| line.contains("resource://") || line.contains("RSLoader");
        let is_complaint = |line: &String| {
            line.starts_with("JavaScript error: http") || line.starts_with("console.error") && !is_own(line)
        };
        self.process.lines().into_iter().filter(is_complaint).collect()
    }

    /// The session, for what this fixture does not wrap.
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Goes to `url` and waits for the load event.
    ///
    /// # Errors
    /// When the page does not load.
    pub async fn open(&self, url: &str) -> Result<()> {
        Ok(self.driver.goto(url).await?)
    }

    /// The first element that a CSS selector finds, waiting for it.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn find(&self, css: &str) -> Result<WebElement> {
        let found =
            until(css, PATIENCE, async || Ok(self.driver.find_all(By::Css(css)).await?), |found| !found.is_empty());
        let first = found.await?.into_iter().next();
        first.ok_or_else(|| FixtureError::Page(format!("{css} is gone")))
    }

    /// What a script returns; `arguments` holds `given`.
    ///
    /// # Errors
    /// When the script throws.
    pub async fn evaluate(&self, script: &str, given: Vec<Value>) -> Result<Value> {
        Ok(self.driver.execute(script, given).await?.json().clone())
    }

    /// A command of the browser's own protocol.
    ///
    /// # Errors
    /// When the browser refuses it.
    pub async fn devtools(&self, method: &str, parameters: Value) -> Result<Value> {
        Ok(self.driver.cdp().send_raw(method, parameters).await?)
    }

    /// Takes on a window of `width` × `height` CSS pixels and a theme.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn show_as(&self, width: u32, height: u32, theme: Theme) -> Result<()> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await?;
        let scheme = match theme {
            Theme::Light => "light",
            Theme::Dark => "dark",
        };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// What went wrong since the last call: errors in the console, and what the content security policy refused on
    /// the page shown now, or in the frame of the same site that is entered. Empty is good.
    ///
    /// # Errors
    /// When the browser does not tell.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let console = self.driver.browser_log().await?;
        let mut complaints: Vec<String> =
            console.into_iter().filter(is_error).map(|entry| format!("console: {}", entry.message)).collect();
        let refused = self.evaluate("return (window.refusedByPolicy ?? []).splice(0)", Vec::new()).await?;
        complaints.extend(refused.as_array().into_iter().flatten().map(|refusal| format!("policy: {refusal}")));
        Ok(complaints)
    }
}

/// A driver, and its port.
async fn chromedriver() -> Result<(Process, String)> {
    let mut command = Command::new("chromedriver");
    // The browser inherits the zone, so that times on the page do not depend on the machine.
    command.arg("--port=0").env("TZ", "UTC");
    let mut chromedriver = Process::start("chromedriver", command)?;
    let port = chromedriver.word_after("started successfully on port ", PATIENCE).await?;
    Ok((chromedriver, port))
}

fn is_error(entry: &BrowserLogEntry) -> bool {
    entry.level == "SEVERE"
}

fn capabilities(profile: &TempDir) -> Result<ChromeCapabilities> {
    let mut capabilities = ChromeCapabilities::new();
    for argument in [
        "--headless",
        // Chromium refuses to run as root with its sandbox; the tests show it only pages of their own.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--window-size=1400,1000",
    ] {
        capabilities.add_arg(argument)?;
    }
    capabilities.add_arg(&format!("--user-data-dir={}", profile.path().display()))?;
    capabilities.set("goog:loggingPrefs", json!({ "browser": "ALL" }))?;
    Ok(capabilities)
}
