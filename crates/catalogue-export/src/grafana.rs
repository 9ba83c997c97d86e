//! A Grafana dashboard of the graphs.
use catalogue::{Colours, DrawStyle, GRAPHS, Graph, LineRole, Section, Unit, query_for};
use serde_json::{Value, json};

/// The columns of Grafana's grid.
const GRID_COLUMNS: usize = 24;
/// The columns that a panel takes.
const PANEL_COLUMNS: usize = 8;
/// The rows that a panel takes.
const PANEL_ROWS: usize = 8;

/// A dashboard as JSON, for import: a row for each section and a panel for each graph whose metrics are `present`. Graphs
/// that the page hides by default are in collapsed rows. `model` is the backend's label for models.
pub fn grafana_dashboard(model: &str, present: &dyn Fn(&str) -> bool) -> String {
    let mut panels = Vec::new();
    let (mut id, mut y) = (1, 0);
    for section in Section::ALL {
        for is_shown in [true, false] {
            let own: Vec<(&Graph, String)> = GRAPHS
                .iter()
                .filter(|graph| graph.section == section && graph.is_shown == is_shown)
                .filter_map(|graph| Some((*graph, query(graph, model, present)?)))
                .collect();
            if own.is_empty() {
                continue;
            }
            let more = if is_shown { "" } else { ", more" };
            let row_id = id;
            id += 1;
            let mut row = Vec::new();
            for (at, (graph, query)) in own.iter().enumerate() {
                let per_line = GRID_COLUMNS / PANEL_COLUMNS;
                let position = (at % per_line * PANEL_COLUMNS, y + 1 + at / per_line * PANEL_ROWS);
                row.push(panel(graph, query, id, position));
                id += 1;
            }
            let lines = own.len().div_ceil(GRID_COLUMNS / PANEL_COLUMNS);
            let height = if is_shown { 1 + lines * PANEL_ROWS } else { 1 };
            let collapsed = if is_shown { Vec::new() } else { std::mem::take(&mut row) };
            panels.push(json!({
                "type": "row", "id": row_id, "title": format!("{}{more}", section.title()), "collapsed": !is_shown,
                "gridPos": {"x": 0, "y": y, "w": GRID_COLUMNS, "h": 1}, "panels": collapsed,
            }));
            panels.extend(row);
            y += height;
        }
    }
    let dashboard = json!({
        "title": "Inferboard", "uid": "inferboard", "tags": ["inference"], "schemaVersion": 39, "version": 1,
        "editable": true, "graphTooltip": 1, "refresh": "30s", "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"},
            {
                "name": "model", "type": "query", "label": "Model", "multi": true, "includeAll": true,
                "allValue": ".*", "refresh": 2, "sort": 1, "datasource": source(),
                "query": {"query": format!("label_values({model})"), "refId": "models"},
            },
        ]},
        "panels": panels,
    });
    format!("{dashboard:#}\n")
}

fn query(graph: &Graph, model: &str, present: &dyn Fn(&str) -> bool) -> Option<String> {
    let scope = format!("{model}=~\"$model\"");
    query_for(graph, &scope, "$__rate_interval", &[], present)
}

fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

fn panel(graph: &Graph, query: &str, id: usize, (x, y): (usize, usize)) -> Value {
    let is_stacked = graph.draw_style == DrawStyle::Bars;
    let limits = graph.lines.iter().filter(|line| line.role != LineRole::Data);
    let mut overrides: Vec<Value> = limits
        .map(|line| {
            json!({
                "matcher": {"id": "byRegexp", "options": format!("^{}( ·.*)?$", line.name)},
                "properties": [
                    {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
                    {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [6, 4]}},
                    {"id": "custom.fillOpacity", "value": 0},
                    {"id": "custom.stacking", "value": {"mode": "none"}},
                ],
            })
        })
        .collect();
    let colours: &[(&str, &str)] = match graph.colours {
        Colours::Order => &[],
        Colours::Percentiles => {
            &[("p50", "light-blue"), ("p90", "blue"), ("p95", "semi-dark-blue"), ("p99", "dark-blue")]
        }
        Colours::StatusClasses => {
            const CLASSES: &[(&str, &str)] = &[
                ("1xx", "gray"),
                ("2xx", "blue"),
                ("3xx", "#2aa198"),
                ("4xx|client errors", "orange"),
                ("5xx|server errors|failed", "red"),
            ];
            CLASSES
        }
    };
    overrides.extend(colours.iter().map(|(name, colour)| {
        json!({
            "matcher": {"id": "byRegexp", "options": format!("^({name})( ·.*)?$")},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        })
    }));
    let ceiling = graph.ceiling.filter(|_| !is_stacked);
    json!({
        "type": "timeseries", "id": id, "title": graph.title, "description": graph.help, "datasource": source(),
        "gridPos": {"x": x, "y": y, "w": PANEL_COLUMNS, "h": PANEL_ROWS},
        "targets": [{"refId": "A", "expr": query, "legendFormat": "{{line}}", "range": true, "datasource": source()}],
        "fieldConfig": {
            "defaults": {
                "unit": unit(graph.unit), "min": 0, "max": ceiling,
                "custom": {
                    "drawStyle": if is_stacked { "bars" } else { "line" }, "lineWidth": 1,
                    "fillOpacity": if is_stacked { 80 } else { 8 }, "showPoints": "never",
                    "stacking": {"mode": if is_stacked { "normal" } else { "none" }},
                },
            },
            "overrides": overrides,
        },
        "options": {"tooltip": {"mode": "multi", "sort": "desc"}, "legend": {"displayMode": "list", "placement": "bottom"}},
    })
}

/// Grafana's id of a unit.
fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Count | Unit::Number | Unit::Tokens | Unit::Cores => "short",
        Unit::Seconds => "s",
        Unit::Bytes => "bytes",
        Unit::Share => "percentunit",
        Unit::RequestsPerSecond => "reqps",
        Unit::TokensPerSecond | Unit::PerSecond => "cps",
        Unit::RequestsPerMinute => "reqpm",
        Unit::PerMinute => "cpm",
        Unit::BytesPerSecond => "binBps",
        Unit::FlopsPerSecond => "flops",
        Unit::Watts => "watt",
        Unit::Celsius => "celsius",
        Unit::Hertz => "hertz",
    }
}
