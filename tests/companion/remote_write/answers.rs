//! Receivers that are slow, refuse, write only a part, or ask for a pause.
use super::messages::Message;
use super::receiver::{Receiver, Reply};
use super::{configuration, counting_target, end_targets, flags, own, wait_for_scrapes, wait_until_equal};
use crate::harness::{Companion, scratch_file};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_slow_receiver_gets_several_requests_at_a_time_in_order() {
    let slow = Reply { delay: Duration::from_millis(300), ..Reply::status(200) };
    let receiver = Receiver::answering(Arc::new(move |_, _| slow.clone())).await;
    let target = counting_target(1000).await;
    let config = scratch_file(&configuration(&receiver.url(), "", ", max_samples_per_send = 100, max_shards = 40"));
    let companion = Companion::start(&flags(&config, &target, None)).await;
    wait_for_scrapes(&companion, &target, 6).await;
    end_targets(&companion, &config).await;
    wait_until_equal(&companion, &target, || receiver.accepted()).await;
    let max = receiver.max_under_way();
    assert!((2..=40).contains(&max), "{max} requests at a time");
    companion.stop().await;
}

#[tokio::test]
async fn a_refused_request_is_not_sent_again_and_the_rest_arrives() {
    let refused = Reply { body: "out of order\r\n\x1b[31msample".into(), ..Reply::status(400) };
    let answer = move |number, _: &Message| if number == 1 { refused.clone() } else { Reply::status(204) };
    let (receiver, target) = (Receiver::answering(Arc::new(answer)).await, counting_target(5).await);
    let config =
        scratch_file(&configuration(&receiver.url(), "protobuf_message = \"io.prometheus.write.v2.Request\"", ""));
    let companion = Companion::start(&flags(&config, &target, None)).await;
    wait_for_scrapes(&companion, &target, 4).await;
    receiver.wait_for_requests(5).await;
    let requests = receiver.requests();
    let refused = requests.iter().find(|request| request.status == 400).expect("a refused request");
    let repeated = requests.iter().filter(|request| request.message.series == refused.message.series);
    assert_eq!(repeated.count(), 1, "it is not sent again");
    let failed = refused.samples();
    companion.wait_for("inferboard_remote_write_samples_failed_total", &[], &[&failed.to_string()]).await;
    companion.stop().await;
}

#[tokio::test]
async fn samples_that_the_receiver_says_it_has_not_written_are_counted() {
    let fewer = Reply { headers: "X-Prometheus-Remote-Write-Samples-Written: 2\r\n".into(), ..Reply::status(204) };
    let all = |message: &Message| {
        let samples: usize = message.series.iter().map(|series| series.samples.len()).sum();
        let headers = format!("X-Prometheus-Remote-Write-Samples-Written: {samples}\r\n");
        Reply { headers, ..Reply::status(204) }
    };
    let answer = move |number, message: &Message| if number == 0 { fewer.clone() } else { all(message) };
    let (receiver, target) = (Receiver::answering(Arc::new(answer)).await, counting_target(5).await);
    let keys = "protobuf_message = \"io.prometheus.write.v2.Request\"";
    let config = scratch_file(&configuration(&receiver.url(), keys, ""));
    let companion = Companion::start(&flags(&config, &target, None)).await;
    receiver.wait_for_requests(3).await;
    let failed = receiver.requests()[0].samples() - 2;
    companion.wait_for("inferboard_remote_write_samples_failed_total", &[], &[&failed.to_string()]).await;
    companion.stop().await;
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_pause_gets_it() {
    let busy = Reply { headers: "Retry-After: 2\r\n".into(), body: "too fast".into(), ..Reply::status(429) };
    let answer = move |number, _: &Message| if number < 2 { busy.clone() } else { Reply::status(204) };
    let (receiver, target) = (Receiver::answering(Arc::new(answer)).await, counting_target(5).await);
    let config = scratch_file(&configuration(&receiver.url(), "", ""));
    let companion = Companion::start(&flags(&config, &target, None)).await;
    receiver.wait_for_requests(4).await;
    let requests = receiver.requests();
    let pauses: Vec<Duration> = requests.windows(2).take(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(pauses.iter().all(|pause| *pause >= Duration::from_secs(2)), "{pauses:?}");
    end_targets(&companion, &config).await;
    wait_until_equal(&companion, &target, || receiver.accepted()).await;
    assert!(own(&companion, "samples_retried_total").await > 0.0);
    companion.stop().await;
}
