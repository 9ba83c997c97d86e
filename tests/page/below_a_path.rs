//! The page below a path of a site: its files, its queries, its links, embed code, and signing in.
use inferboard_tests::{Browser, Companion, FixtureError, PATIENCE, Result, Session, Theme, until};
use std::fs;
use thirtyfour::By;

const PATH: &str = "base_path = \"/metrics-tab/\"\n";
const TOKEN: &str = "reads-0123456789abcdef";
const MIN_PIXELS: u64 = 60;

async fn pathname(browser: &Browser) -> Result<String> {
    let path = browser.evaluate("return location.pathname", Vec::new()).await?;
    Ok(path.as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_draw_and_embed_code_has_the_path() -> Result<()> {
    let (session, browser) = (Session::configured(PATH).await?, Browser::start().await?);
    let url = session.companion.url().to_owned();
    assert!(url.ends_with("/metrics-tab"), "{url}");
    browser.open(&format!("{url}/?section=requests&from=now-2m&every=1s")).await?;
    browser.live_cards(&["volume"]).await?;
    browser.painted("volume", MIN_PIXELS).await?;
    assert_eq!(pathname(&browser).await?, "/metrics-tab/");
    let record_copies = "window.copied = []; Object.defineProperty(navigator, 'clipboard', \
        { value: { writeText: async text => { window.copied.push(text); } } });";
    browser.evaluate(record_copies, Vec::new()).await?;
    browser.choose("volume", "embed").await?;
    let copied = async || browser.evaluate("return window.copied[0] ?? ''", Vec::new()).await;
    let code = until("the code", PATIENCE, copied, |code| code.as_str().is_some_and(|code| !code.is_empty())).await?;
    let code = code.as_str().unwrap_or_default();
    assert!(code.contains(&format!("src=\"{url}/?embed=volume")), "{code}");
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    browser.open(&format!("{url}/?embed=volume&from=now-2m")).await?;
    browser.painted("volume", MIN_PIXELS).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_below_the_path() -> Result<()> {
    let folder = tempfile::tempdir().map_err(FixtureError::io("cannot create a folder"))?;
    let file = folder.path().join("token");
    fs::write(&file, TOKEN).map_err(FixtureError::io("cannot write the token"))?;
    let keys = format!("{PATH}read_token_file = {:?}\n", file.display().to_string());
    let (companion, browser) = (Companion::configured(&keys).await?, Browser::start().await?);
    browser.show_as(1000, 700, Theme::Light).await?;
    browser.open(&format!("{}/?section=hardware&from=now-6h", companion.url())).await?;
    browser.find("[name=token]").await?.send_keys(TOKEN).await?;
    assert_eq!(pathname(&browser).await?, "/metrics-tab/sign-in");
    browser.driver().find(By::Css("form button")).await?.click().await?;
    let section = async || Ok(browser.view().await?.get("section").cloned());
    until("the view of the link", PATIENCE, section, |section| section.as_deref() == Some("hardware")).await?;
    browser.find("[data-testid=cards] .card").await?;
    assert_eq!(browser.count("[data-testid=lost]").await?, 0, "the page reads with the session");
    assert_eq!(pathname(&browser).await?, "/metrics-tab/");
    Ok(())
}
