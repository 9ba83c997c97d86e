//! The page under its content security policy, and a check of the browser fixture.
use inferboard_tests::{Browser, Companion, Result};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_loads_without_errors_under_its_policy() -> Result<()> {
    let companion = Companion::start(&["--no-discovery"]).await?;
    let answer = companion.api().get("/").await?;
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let policy = header("content-security-policy");
    for wanted in ["default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "connect-src 'self'"] {
        assert!(policy.split(';').any(|directive| directive.trim() == wanted), "{wanted} is not in {policy:?}");
    }
    assert!(!policy.contains("unsafe-inline"), "{policy}");

    let browser = Browser::start().await?;
    browser.open(companion.url()).await?;
    browser.find("body *").await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

/// Checks the fixture itself: it must detect what the other tests rely on.
#[tokio::test(flavor = "multi_thread")]
async fn the_browser_fixture_detects_paint_drags_errors_and_policy_violations() -> Result<()> {
    let browser = Browser::start().await?;
    let page = "<meta http-equiv=Content-Security-Policy content=\"img-src 'none'\"><canvas width=100 height=50></canvas>\
        <script>addEventListener('pointerup', up => document.title = Math.round(up.clientX - window.down)); \
        addEventListener('pointerdown', down => window.down = down.clientX)</script>";
    browser.open(&format!("data:text/html,{page}")).await?;
    let canvas = browser.find("canvas").await?;
    assert_eq!(browser.paint(&canvas).await?.ink(), 0);
    let draw = "const g = document.querySelector('canvas').getContext('2d'); g.fillStyle = '#1f6feb'; g.fillRect(0, 0, 10, 5);";
    browser.evaluate(draw, Vec::new()).await?;
    let paint = browser.paint(&canvas).await?;
    assert_eq!((paint.ink(), paint.coloured()), (50, 50));

    browser.drag(&canvas, 0.2, 0.7).await?;
    assert_eq!(browser.driver().title().await?, "50");

    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    browser.evaluate("setTimeout(() => { throw new Error('on purpose') })", Vec::new()).await?;
    browser
        .evaluate("document.body.append(Object.assign(new Image(), { src: 'data:image/png,x' }))", Vec::new())
        .await?;
    let complaints = inferboard_tests::until(
        "two complaints",
        std::time::Duration::from_secs(10),
        async || browser.complaints().await,
        |complaints| complaints.len() > 1,
    );
    let complaints = complaints.await?.join("\n");
    assert!(complaints.contains("on purpose") && complaints.contains("policy: \"img-src"), "{complaints}");
    Ok(())
}
