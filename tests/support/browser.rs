//! A headless browser: Chromium by chromedriver, or Firefox by geckodriver for the few tests that need it.
use crate::{FixtureError, PATIENCE, Process, Result, until};
use serde_json::{Value, json};
use std::process::Command;
use tempfile::TempDir;
use thirtyfour::{
    BrowserCapabilitiesHelper, BrowserLogEntry, By, CapabilitiesHelper, ChromeCapabilities, ChromiumLikeCapabilities,
    FirefoxCapabilities, WebDriver, WebElement,
};

/// Records violations of the content security policy; runs before any script of the page.
const WATCH_POLICY: &str = "window.refusedByPolicy = []; document.addEventListener('securitypolicyviolation', \
     event => window.refusedByPolicy.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}`));";

/// Attempts to start chromedriver: it fails if the port that it picks for IPv4 is in use for IPv6, or the reverse.
const CHROMEDRIVER_ATTEMPTS: usize = 5;

/// The colour scheme that the user prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// One browser with one window. Dropping it ends the browser, even if the test failed.
#[derive(Debug)]
pub struct Browser {
    // The order matters: the session must be dropped before its driver, and the driver before the profile.
    driver: WebDriver,
    process: Process,
    _profile: TempDir,
}

impl Browser {
    /// Starts a Chromium with an empty profile.
    ///
    /// # Errors
    /// When `chromedriver` or the browser is not installed or does not start.
    pub async fn start() -> Result<Self> {
        let profile = tempfile::tempdir().map_err(FixtureError::io("cannot create a folder for the browser"))?;
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
    /// [`FixtureError::Absent`] if `geckodriver` is not installed; other errors if it or the browser does not start.
    pub async fn firefox() -> Result<Self> {
        let profile = tempfile::tempdir().map_err(FixtureError::io("cannot create a folder for the browser"))?;
        let mut command = Command::new("geckodriver");
        command.args(["--port=0", "--profile-root"]).arg(profile.path()).env("TZ", "UTC").env("HOME", profile.path());
        let mut geckodriver = Process::start("geckodriver", command)?;
        let address = geckodriver.word_after("Listening on ", PATIENCE).await?;
        let mut capabilities = FirefoxCapabilities::new();
        capabilities.set_headless()?;
        // Adds the console messages of pages to the output of the driver.
        let preferences = json!({ "devtools.console.stdout.content": true });
        capabilities.set_browser_option("prefs", preferences)?;
        let driver = WebDriver::new(format!("http://{address}"), capabilities).await?;
        Ok(Self { driver, process: geckodriver, _profile: profile })
    }

    /// The errors of the page that Firefox has logged so far.
    pub fn firefox_complaints(&self) -> Vec<String> {
        // Without a network, Firefox also logs errors of its own services.
        let is_of_firefox = |line: &String| line.contains("resource://") || line.contains("RSLoader");
        let is_complaint = |line: &String| {
            line.starts_with("JavaScript error: http") || line.starts_with("console.error") && !is_of_firefox(line)
        };
        self.process.lines().into_iter().filter(is_complaint).collect()
    }

    /// The WebDriver session, for commands that this fixture does not wrap.
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Opens `url` and waits for the load event.
    ///
    /// # Errors
    /// When the page does not load.
    pub async fn open(&self, url: &str) -> Result<()> {
        Ok(self.driver.goto(url).await?)
    }

    /// Waits for an element that matches a CSS selector and returns the first one.
    ///
    /// # Errors
    /// When no element matches in time.
    pub async fn find(&self, css: &str) -> Result<WebElement> {
        let elements = until(
            css,
            PATIENCE,
            async || Ok(self.driver.find_all(By::Css(css)).await?),
            |elements| !elements.is_empty(),
        );
        let first = elements.await?.into_iter().next();
        first.ok_or_else(|| FixtureError::Page(format!("{css} is gone")))
    }

    /// Runs a script with `given` as its `arguments` and returns its result.
    ///
    /// # Errors
    /// When the script throws.
    pub async fn evaluate(&self, script: &str, given: Vec<Value>) -> Result<Value> {
        Ok(self.driver.execute(script, given).await?.json().clone())
    }

    /// Sends a command of the DevTools protocol.
    ///
    /// # Errors
    /// When the browser refuses it.
    pub async fn devtools(&self, method: &str, parameters: Value) -> Result<Value> {
        Ok(self.driver.cdp().send_raw(method, parameters).await?)
    }

    /// Emulates a window of `width` × `height` CSS pixels and a theme.
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

    /// Errors in the console since the last call, and violations of the content security policy in the open document:
    /// the page, or an iframe of the same site that the driver has entered. Empty if nothing is wrong.
    ///
    /// # Errors
    /// When the browser does not respond.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let console = self.driver.browser_log().await?;
        let mut complaints: Vec<String> =
            console.into_iter().filter(is_error).map(|entry| format!("console: {}", entry.message)).collect();
        let refused = self.evaluate("return (window.refusedByPolicy ?? []).splice(0)", Vec::new()).await?;
        complaints.extend(refused.as_array().into_iter().flatten().map(|refusal| format!("policy: {refusal}")));
        Ok(complaints)
    }
}

/// Starts chromedriver and returns it with its port.
async fn chromedriver() -> Result<(Process, String)> {
    let mut command = Command::new("chromedriver");
    // The browser inherits the time zone, so times on the page do not depend on the machine.
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
        // Chromium refuses to run as root with its sandbox. It opens only pages of the tests.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--window-size=1400,1060",
    ] {
        capabilities.add_arg(argument)?;
    }
    capabilities.add_arg(&format!("--user-data-dir={}", profile.path().display()))?;
    capabilities.set("goog:loggingPrefs", json!({ "browser": "ALL" }))?;
    Ok(capabilities)
}
