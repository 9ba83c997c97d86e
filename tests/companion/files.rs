//! Tests of targets in files that other programs write.
use crate::harness::{Companion, FakeTarget, args, scratch_file};
use server::config::serve_args::ServeArgs;

#[tokio::test]
async fn a_changed_file_changes_the_targets_without_a_restart() {
    let (one, two) = (FakeTarget::serving("one 1\n").await, FakeTarget::serving("two 2\n").await);
    let three = FakeTarget::serving("three 3\n").await;
    let entry = |target: &FakeTarget, model: &str| {
        format!("{{\"targets\": [\"{}\"], \"labels\": {{\"model\": \"{model}\", \"team\": \"t\"}}}}", target.instance())
    };
    let list = scratch_file(&format!("[{}]", entry(&one, "a")));
    let other = scratch_file("[]");
    let config = scratch_file(&format!("file_sd = [{:?}, {:?}]\n", list.display(), other.display()));
    // The interval is long: a scrape that takes longer fails, and the next one adds its series again.
    let flags = ServeArgs { config: Some(config.to_path_buf()), scrape_interval: Some("2s".into()), ..args(&[]) };
    let companion = Companion::start(&flags).await;
    companion.wait_for("one", &["model", "team"], &["a t 1"]).await;

    std::fs::write(&*list, format!("[{}, {}]", entry(&one, "a"), entry(&two, "b"))).expect("a file");
    companion.wait_for("two", &["model"], &["b 2"]).await;
    let added = format!("sum_over_time(scrape_series_added{{instance=\"{}\"}}[1m])", one.instance());
    assert_eq!(companion.values(&added, &[]).await, ["1"], "the unchanged target was not restarted");

    // A half-written file changes nothing. It has certainly been read once the second change of the other file takes
    // effect.
    std::fs::write(&*list, "[{\"targets\": [").expect("a file");
    std::fs::write(&*other, format!("[{}]", entry(&three, "c"))).expect("a file");
    companion.wait_for("three", &[], &["3"]).await;
    std::fs::write(&*other, "[]").expect("a file");
    companion.wait_for("three", &[], &[]).await;
    assert_eq!(companion.values("one or two", &[]).await, ["1", "2"]);

    std::fs::write(&*list, format!("[{}]", entry(&two, "b"))).expect("a file");
    companion.wait_for("one or two", &["__name__"], &["two 2"]).await;
    std::fs::remove_file(&*list).expect("a file");
    companion.wait_for("two", &[], &[]).await;
}
