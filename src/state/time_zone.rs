//! The time zone of the times shown: the browser's, UTC, or one by name.
use js_sys::{Array, Intl, Object, Reflect};
use wasm_bindgen::JsValue;

/// A time zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TimeZone {
    /// The browser's own.
    #[default]
    Browser,
    /// UTC.
    Utc,
    /// An IANA name such as `Europe/Berlin`.
    Named(String),
}

impl TimeZone {
    /// The name in links; empty for the browser's zone.
    pub fn id(&self) -> &str {
        match self {
            Self::Browser => "",
            Self::Utc => "utc",
            Self::Named(name) => name,
        }
    }

    /// The zone of a name, whether the browser knows it or not.
    pub fn from_id(id: &str) -> Self {
        match id {
            "" => Self::Browser,
            "utc" | "UTC" => Self::Utc,
            name => Self::Named(name.to_owned()),
        }
    }

    /// How far local time is ahead of UTC, in milliseconds; zero if the browser does not know the zone.
    pub fn offset_ms(&self, time_ms: i64) -> i64 {
        match self {
            Self::Utc => 0,
            Self::Browser => {
                let date = js_sys::Date::new(&JsValue::from_f64(time_ms as f64));
                -(date.get_timezone_offset() as i64) * 60_000
            }
            Self::Named(name) => named_offset_ms(name, time_ms).unwrap_or(0),
        }
    }

    /// Whether the browser knows the zone.
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Named(name) if named_offset_ms(name, 0).is_none())
    }
}

/// Asks the browser, which reveals the offsets of its zones only in formatted dates.
fn named_offset_ms(name: &str, time_ms: i64) -> Option<i64> {
    let options = Object::new();
    for (key, value) in [
        ("timeZone", name),
        ("hourCycle", "h23"),
        ("year", "numeric"),
        ("month", "numeric"),
        ("day", "numeric"),
        ("hour", "numeric"),
        ("minute", "numeric"),
        ("second", "numeric"),
    ] {
        Reflect::set(&options, &key.into(), &value.into()).ok()?;
    }
    // The binding of the constructor cannot catch that it throws on an unknown zone; `Reflect` can.
    let format = Reflect::construct(
        &Reflect::get(&Reflect::get(&js_sys::global(), &"Intl".into()).ok()?, &"DateTimeFormat".into()).ok()?.into(),
        &Array::of2(&"en-US".into(), &options),
    );
    let format: Intl::DateTimeFormat = format.ok()?.into();
    let parts = format.format_to_parts(&js_sys::Date::new(&JsValue::from_f64(time_ms as f64)));
    let part = |kind: &str| {
        let is_kind = |part: &JsValue| {
            Reflect::get(part, &"type".into()).ok().as_ref().and_then(JsValue::as_string).as_deref() == Some(kind)
        };
        let part = parts.iter().find(is_kind)?;
        Reflect::get(&part, &"value".into()).ok()?.as_string()?.parse::<i64>().ok()
    };
    let day = chrono::NaiveDate::from_ymd_opt(
        i32::try_from(part("year")?).ok()?,
        u32::try_from(part("month")?).ok()?,
        u32::try_from(part("day")?).ok()?,
    )?;
    let second_of_day = part("hour")? * 3600 + part("minute")? * 60 + part("second")?;
    let local_ms = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis() + second_of_day * 1000;
    Some(local_ms - time_ms.div_euclid(1000) * 1000)
}

#[cfg(test)]
#[cfg(target_arch = "wasm32")]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    const HOUR_MS: i64 = 3_600_000;

    #[wasm_bindgen_test]
    fn offsets_depend_on_the_date() {
        let autumn = 1_792_890_000_000; // 2026-10-25T01:00:00Z, when Berlin goes from +2 h to +1 h
        for (name, time_ms, minutes) in [
            ("Europe/Berlin", autumn - 1, 120),
            ("Europe/Berlin", autumn, 60),
            ("Europe/Berlin", 1_774_746_000_000 - 1, 60), // 2026-03-29T01:00:00Z
            ("Europe/Berlin", 1_774_746_000_000, 120),
            ("Asia/Kathmandu", autumn, 345),
            ("America/St_Johns", autumn, -150),
            // Daylight saving time of half an hour.
            ("Australia/Lord_Howe", 1_780_000_000_000, 630),
            ("Australia/Lord_Howe", 1_795_000_000_000, 660),
        ] {
            assert_eq!(TimeZone::from_id(name).offset_ms(time_ms), minutes * 60_000, "{name} {time_ms}");
        }
        assert_eq!(TimeZone::from_id("UTC").offset_ms(autumn), 0);
    }

    #[wasm_bindgen_test]
    fn unknown_names_are_like_utc_and_reported_as_unknown() {
        for name in ["Europe/Atlantis", "<b>", "a b", "Europe/Berlin\u{0}"] {
            let zone = TimeZone::from_id(name);
            assert!(!zone.is_known() && zone.offset_ms(5 * HOUR_MS) == 0, "{name}");
        }
        assert!(TimeZone::from_id("Asia/Tokyo").is_known() && TimeZone::Browser.is_known());
    }
}
