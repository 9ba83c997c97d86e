//! Cards under all the names and units that their exporters have had, each counted once whoever uses it.
use crate::scraped::{MINUTE_MS, Scraped, families};
use catalogue::{QueryContext, Scope, ScopeLabels, drawn_query, graph};
use std::collections::BTreeMap;

/// The lines of a graph after scrapes a minute apart, each of several targets: an instance and its page.
fn lines(id: &str, scrapes: &[&[(&str, String)]]) -> BTreeMap<String, f64> {
    let mut scraped = Scraped::new();
    for pages in scrapes {
        let parsed: Vec<_> = pages.iter().map(|(instance, page)| ((*instance).to_owned(), families(page))).collect();
        let labels: Vec<[(&str, &str); 1]> =
            parsed.iter().map(|(instance, _)| [("instance", instance.as_str())]).collect();
        let targets: Vec<_> = parsed
            .iter()
            .zip(&labels)
            .map(|((_, families), labels)| (families.as_slice(), labels.as_slice()))
            .collect();
        scraped.scrape_at_once(&targets, |_, value| value);
    }
    let (scope, labels) = (Scope::default(), ScopeLabels::default());
    let context = QueryContext::of_moments(&scope, &labels, 5 * MINUTE_MS);
    let query = drawn_query(graph(id).expect("a graph"), &|name| scraped.has(name), &context).expect("a query");
    scraped.lines_at(&query, scraped.now_ms())
}

#[track_caller]
fn assert_lines(found: &BTreeMap<String, f64>, expected: &[(&str, f64)]) {
    for (line, value) in expected {
        let own = found.get(*line).copied().unwrap_or(f64::NAN);
        assert!((own - value).abs() <= 1e-6 * value.abs().max(1.0), "{line}: {own}, not {value}: {found:?}");
    }
}

const OLD: &str = "gpu=\"0\",UUID=\"GPU-0\",Hostname=\"n1\"";
const NEW: &str = "gpu=\"0\",UUID=\"GPU-1\",hostname=\"n2\"";

#[test]
fn old_and_new_names_of_a_fleet_make_one_line_in_one_unit() {
    let old = format!(
        "DCGM_FI_DEV_GPU_UTIL{{{OLD}}} 40\nDCGM_FI_DEV_FB_USED{{{OLD}}} 1000\nDCGM_FI_DEV_FB_FREE{{{OLD}}} 24\n\
         DCGM_FI_DEV_SM_CLOCK{{{OLD}}} 1000\nDCGM_FI_DEV_POWER_USAGE{{{OLD}}} 100\n\
         DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL{{{OLD}}} 10\n"
    );
    let new = format!(
        "DCGM_FI_DEV_GPU_UTIL_RATIO{{{NEW}}} 0.8\nDCGM_FI_DEV_FB_USED_BYTES{{{NEW}}} 1048576\n\
         DCGM_FI_DEV_FB_CAPACITY_BYTES{{{NEW}}} 2097152\nDCGM_FI_DEV_SM_CLOCK_HERTZ{{{NEW}}} 2e9\n\
         DCGM_FI_DEV_BOARD_POWER_WATTS{{{NEW}}} 200\nDCGM_FI_DEV_NVLINK_THROUGHPUT_BYTES_PER_SECOND{{{NEW}}} 1024000\n"
    );
    let fleet = [("a", old), ("b", new)];
    let of = |id: &str| lines(id, &[&fleet]);
    assert_lines(&of("gpu"), &[("average", 0.6), ("busiest", 0.8)]);
    assert_lines(&of("gpu-memory"), &[("in use", 1001.0 * 1_048_576.0), ("capacity", 1026.0 * 1_048_576.0)]);
    assert_lines(&of("gpu-clocks"), &[("SM", 1.5e9)]);
    assert_lines(&of("gpu-power"), &[("drawn", 300.0)]);
    assert_lines(&of("gpu-nvlink"), &[("total", 11.0 * 1_024_000.0)]);
}

#[test]
fn values_tell_percentages_from_shares() {
    let page = |name: &str, values: &[f64]| {
        let card = |(at, value): (usize, &f64)| format!("{name}{{gpu=\"{at}\",UUID=\"GPU-{at}\"}} {value}\n");
        values.iter().enumerate().map(card).collect::<String>()
    };
    let of = |name: &str, values: &[f64]| lines("gpu", &[&[("a", page(name, values))]]);
    // A collector divides by a hundred: 93 %, and a card that is wholly busy.
    assert_lines(&of("DCGM_FI_DEV_GPU_UTIL", &[0.93, 1.0]), &[("average", 0.965), ("busiest", 1.0)]);
    // As constant as it may be: many samples of the same share may have a whole sum.
    let constant: Vec<[(&str, String); 1]> = vec![[("a", page("DCGM_FI_DEV_GPU_UTIL", &[0.7]))]; 10];
    let scrapes: Vec<&[(&str, String)]> = constant.iter().map(<[_; 1]>::as_slice).collect();
    assert_lines(&lines("gpu", &scrapes), &[("average", 0.7)]);
    // Idle cards in percent, and busy ones.
    assert_lines(&of("DCGM_FI_DEV_GPU_UTIL", &[0.0, 1.0]), &[("average", 0.005), ("busiest", 0.01)]);
    assert_lines(&of("DCGM_FI_DEV_GPU_UTIL", &[1.0, 93.0]), &[("average", 0.47), ("busiest", 0.93)]);
    assert_lines(&of("DCGM_FI_DEV_GPU_UTIL_RATIO", &[0.0, 1.0]), &[("average", 0.5), ("busiest", 1.0)]);
    // The new name in front of a DCGM that still counts percent.
    assert_lines(&of("DCGM_FI_DEV_GPU_UTIL_RATIO", &[1.0, 93.0]), &[("average", 0.47), ("busiest", 0.93)]);
}

#[test]
fn energy_goes_on_when_the_user_of_a_card_changes() {
    let page = |minute: u32, pod: &str| {
        format!("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{{OLD},pod=\"{pod}\"}} {}\n", 9_000_000 + minute * 6_000_000)
    };
    // 100 W throughout; a pod hands over in the middle of the window.
    let pages: Vec<[(&str, String); 1]> =
        (0..9).map(|minute| [("a", page(minute, if minute < 6 { "w-0" } else { "w-1" }))]).collect();
    let scrapes: Vec<&[(&str, String)]> = pages.iter().map(<[_; 1]>::as_slice).collect();
    assert_lines(&lines("gpu-energy", &scrapes), &[("mean", 100.0)]);
}

#[test]
fn a_card_fails_once_however_many_signs_it_gives() {
    let page = |card: u32, uncorrected: u32, failed: u32, rows: u32| {
        let labels = format!("gpu=\"{card}\",UUID=\"GPU-{card}\"");
        format!(
            "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL{{{labels}}} {uncorrected}\nDCGM_FI_DEV_ROW_REMAP_FAILED{{{labels}}} {failed}\n\
             DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL{{{labels}}} {rows}\n"
        )
    };
    let cards = [page(0, 3, 1, 2), page(1, 0, 1, 0), page(2, 0, 0, 5), page(3, 0, 0, 0)].concat();
    assert_lines(&lines("gpu-health", &[&[("a", cards)]]), &[("failing", 2.0), ("worn", 2.0)]);
    assert_lines(&lines("gpu-health", &[&[("a", page(0, 0, 0, 0))]]), &[("failing", 0.0), ("worn", 0.0)]);
}

#[test]
fn tokens_per_joule_need_tokens_and_power() {
    let page = |minute: u32| {
        format!(
            "vllm:generation_tokens_total {}\nDCGM_FI_DEV_POWER_USAGE{{{OLD},pod=\"x\"}} 50\n\
             DCGM_FI_DEV_POWER_USAGE{{{OLD},pod=\"y\"}} 50\n",
            minute * 6000
        )
    };
    let pages: Vec<[(&str, String); 1]> = (0..9).map(|minute| [("a", page(minute))]).collect();
    let scrapes: Vec<&[(&str, String)]> = pages.iter().map(<[_; 1]>::as_slice).collect();
    assert_lines(&lines("tokens-per-joule", &scrapes), &[("generated", 2.0)]);
}
