//! The scope: what names no model, links to names that nothing has, and layers that count the same requests.
use inferboard_tests::{Browser, Companion, PATIENCE, Result, StaticHost, until};

const GRAPH: &str = "running-and-waiting";

/// A vLLM that serves the model `a`, with three running requests.
fn vllm() -> Result<StaticHost> {
    let host = StaticHost::start()?;
    let family = |name: &str, value: u32| format!("# TYPE {name} gauge\n{name}{{model_name=\"a\"}} {value}\n");
    host.put(
        "/metrics",
        format!("{}{}", family("vllm:num_requests_running", 3), family("vllm:kv_cache_usage_perc", 1)),
    );
    Ok(host)
}

/// A llama.cpp that does not say which model it serves, with five running requests.
fn llama() -> Result<StaticHost> {
    let host = StaticHost::start()?;
    host.put("/metrics", "# TYPE llamacpp:requests_processing gauge\nllamacpp:requests_processing 5\n");
    Ok(host)
}

async fn companion(targets: &[&StaticHost]) -> Result<Companion> {
    let mut arguments = vec!["--no-discovery".to_owned(), "--scrape-interval".into(), "250ms".into()];
    for target in targets {
        arguments.extend(["--target".into(), format!("{}/metrics", target.origin())]);
    }
    Companion::start(&arguments).await
}

async fn options(browser: &Browser, control: &str) -> Result<Vec<String>> {
    let script = "return [...document.querySelectorAll(arguments[0])].map(option => option.textContent)";
    let texts = browser.evaluate(script, vec![format!("[data-testid={control}] option").into()]).await?;
    Ok(texts.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect())
}

async fn choose_model(browser: &Browser, text: &str) -> Result<()> {
    let script = "const select = document.querySelector('[data-testid=model] select');
        select.value = [...select.options].find(option => option.textContent === arguments[0]).value;
        select.dispatchEvent(new Event('change', { bubbles: true }));";
    browser.evaluate(script, vec![text.into()]).await.map(drop)
}

/// Waits until the card of running requests says all of `present` and none of `absent`.
async fn shows(browser: &Browser, present: &[&str], absent: &[&str]) -> Result<()> {
    let label = async || Ok(browser.card(GRAPH).await?.label);
    let is_right = |label: &String| {
        present.iter().all(|part| label.contains(part)) && !absent.iter().any(|part| label.contains(part))
    };
    until(&format!("{present:?} without {absent:?}"), PATIENCE, label, is_right).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_no_model_is_never_counted_under_another() -> Result<()> {
    let (vllm, llama) = (vllm()?, llama()?);
    let companion = companion(&[&vllm, &llama]).await?;
    let browser = Browser::start().await?;
    browser.open(&format!("{}/?section=requests&from=now-5m&every=1s", companion.url())).await?;
    let models = async || options(&browser, "model").await;
    until("both choices", PATIENCE, models, |names| names == &["All", "a", "no model name"]).await?;
    shows(&browser, &["running · vLLM 3", "running · llama.cpp 5"], &[]).await?;
    choose_model(&browser, "a").await?;
    shows(&browser, &["running 3"], &["running 5", "llama.cpp"]).await?;
    assert_eq!(browser.view().await?["model"], "a");
    choose_model(&browser, "no model name").await?;
    shows(&browser, &["running 5"], &["running 3"]).await?;
    let view = browser.view().await?;
    assert_eq!((view["model-name"].as_str(), view.get("model")), ("none", None));
    let status = async || Ok(browser.find("[data-testid=status]").await?.text().await?);
    until("its replicas only", PATIENCE, status, |status| status == "1 of 1 up").await?;
    browser.driver().refresh().await?;
    shows(&browser, &["running 5"], &["running 3"]).await?;
    choose_model(&browser, "All").await?;
    shows(&browser, &["running · vLLM 3", "running · llama.cpp 5"], &[]).await?;
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_an_unknown_name_says_so_and_offers_the_known_ones() -> Result<()> {
    let vllm = vllm()?;
    let companion = companion(&[&vllm]).await?;
    let browser = Browser::start().await?;
    let page = |scope: &str| format!("{}/?section=requests&from=now-5m&every=1s&{scope}", companion.url());
    browser.open(&page("")).await?;
    let models = async || options(&browser, "model").await;
    until("the only model", PATIENCE, models, |names| names == &["a"]).await?;
    browser.live_cards(&[GRAPH]).await?;
    let replica = vllm.origin().replace("http://", "");
    for (scope, says, offers) in [
        ("model=gone", "model \u{201c}gone\u{201d}", vec!["a", "All"]),
        ("model-name=none", "Everything in this time range names its model.", vec!["a", "All"]),
        ("deployment=gone", "deployment \u{201c}gone\u{201d}. No deployment is known.", vec!["All"]),
        ("replica=gone&model=a", "replica \u{201c}gone\u{201d}", vec![replica.as_str(), "All"]),
    ] {
        browser.open(&page(scope)).await?;
        let banner = browser.find("[data-testid=unknown-scope]").await?;
        assert!(banner.text().await?.contains(says), "{scope}: {}", banner.text().await?);
        let script =
            "return [...document.querySelectorAll('[data-testid=unknown-scope] button')].map(b => b.textContent)";
        let buttons = browser.evaluate(script, Vec::new()).await?;
        assert_eq!(buttons, serde_json::json!(offers), "{scope}");
        // Not even the cards of the host, in any section.
        for section in ["section-requests", "section-hardware", "section-replicas"] {
            if browser.count(&format!("[data-testid={section}]")).await? > 0 {
                browser.press(section).await?;
            }
            assert_eq!(browser.count(".cards .card").await?, 0, "{scope} in {section}");
        }
        browser.find("[data-testid=unknown-scope] button").await?.click().await?;
        let banners = async || browser.count("[data-testid=unknown-scope]").await;
        until("no banner", PATIENCE, banners, |count| *count == 0).await?;
    }
    // The first button of the last link has chosen the replica.
    assert_eq!(browser.view().await?["replica"], replica);
    assert_eq!(browser.complaints().await?, Vec::<String>::new());
    Ok(())
}
