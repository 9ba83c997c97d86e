//! A point in time as a date in the Gregorian calendar, in UTC.

const SECONDS_PER_DAY: i64 = 86_400;

/// A date and time of day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Date {
    pub(crate) year: i64,
    /// From 1.
    pub(crate) month: i64,
    /// From 1.
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    /// From 0, Sunday.
    pub(crate) weekday: i64,
}

impl Date {
    /// The date of a Unix time in seconds. Source: Howard Hinnant, "chrono-compatible low-level date algorithms",
    /// `civil_from_days`; an era has 400 years and begins on 1 March.
    pub(crate) fn from_unix(seconds: i64) -> Self {
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        let second = seconds.rem_euclid(SECONDS_PER_DAY);
        let since_era_zero = days + 719_468;
        let era = since_era_zero.div_euclid(146_097);
        let day_of_era = since_era_zero.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            hour: second / 3_600,
            minute: second % 3_600 / 60,
            weekday: (days + 4).rem_euclid(7),
        }
    }

    pub(crate) fn is_leap_year(self) -> bool {
        self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0)
    }

    pub(crate) fn days_in_month(self) -> i64 {
        match self.month {
            2 => 28 + i64::from(self.is_leap_year()),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// From 1.
    pub(crate) fn day_of_year(self) -> i64 {
        let before: i64 = (1..self.month).map(|month| Self { month, ..self }.days_in_month()).sum();
        before + self.day
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_known_times() {
        let leap_day = Date::from_unix(1_709_210_096);
        assert_eq!(leap_day, Date { year: 2024, month: 2, day: 29, hour: 12, minute: 34, weekday: 4 });
        assert_eq!((leap_day.days_in_month(), leap_day.day_of_year()), (29, 60));
        let before_epoch = Date::from_unix(-1);
        assert_eq!(before_epoch, Date { year: 1969, month: 12, day: 31, hour: 23, minute: 59, weekday: 3 });
        assert_eq!(before_epoch.day_of_year(), 365);
    }
}
