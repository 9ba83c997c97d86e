//! The form for signing in.
use inferboard_tests::{Browser, Companion, FixtureError, PATIENCE, Result, Theme, until};
use std::fs;
use thirtyfour::By;

const TOKEN: &str = "reads-0123456789abcdef";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_with_the_token_and_sees_the_view_of_the_link() -> Result<()> {
    let folder = tempfile::tempdir().map_err(FixtureError::io("cannot create a folder"))?;
    let file = folder.path().join("token");
    fs::write(&file, TOKEN).map_err(FixtureError::io("cannot write the token"))?;
    let companion = Companion::configured(&format!("read_token_file = {:?}", file.display().to_string())).await?;
    let browser = Browser::start().await?;
    browser.show_as(1000, 700, Theme::Light).await?;
    browser.open(&format!("{}/?section=hardware&from=now-6h", companion.url())).await?;
    let enter = async |token: &str| -> Result<()> {
        browser.find("[name=token]").await?.send_keys(token).await?;
        Ok(browser.driver().find(By::Css("form button")).await?.click().await?)
    };
    enter("wrong-0123456789abcdef").await?;
    let problem = async || browser.find("[role=alert]").await?.text().await.map_err(Into::into);
    until("the refusal", PATIENCE, problem, |text: &String| text.contains("The token is not the one in")).await?;
    enter(TOKEN).await?;
    let section = async || Ok(browser.view().await?.get("section").cloned());
    until("the view of the link", PATIENCE, section, |section| section.as_deref() == Some("hardware")).await?;
    browser.find("[data-testid=cards] .card").await?;
    assert_eq!(browser.count("[data-testid=lost]").await?, 0, "the page reads with the session");
    Ok(())
}
