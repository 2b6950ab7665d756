//! Whether a failed attempt is followed by another, and after how long.

use crate::error::{Error, ErrorKind};
use crate::outcome::Outcome;
use chrono::{Datelike, NaiveDateTime};
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, StatusCode};
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Three: most transient faults pass within a second or two, and more attempts make an outage worse.
const MAX_ATTEMPTS: u32 = 3;
/// About as long as a restarting server or a moving address takes.
const INITIAL_BACKOFF: Duration = Duration::from_millis(250);
/// A longer delay helps nobody who is waiting for a page.
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// As long as a person, or a gateway in front of the caller, still waits.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(60);
/// In less time than this, a request may go out and no response come back: a certain outcome would become an unknown one.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(100);
/// The delay for `Retry-After: 0` and dates in the past: an immediate retry would only be refused again.
const SHORTEST_ASKED_DELAY: Duration = Duration::from_millis(50);
/// Up to a tenth of the delay that the server asks for is added to it, so that clients that were throttled together do
/// not retry together.
const ASKED_JITTER_PART: u32 = 10;
/// The most that is added: more would only keep callers waiting.
const MAX_ASKED_JITTER: Duration = Duration::from_secs(1);
/// The three forms of a date that a recipient must accept (RFC 9110, section 5.6.7).
const HTTP_DATES: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
/// No end, as far as `Instant` arithmetic allows: about 30 years, as in tokio.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(86_400 * 365 * 30);

/// How often and for how long a call is tried.
///
/// ```
/// use std::time::Duration;
/// use traxes_connect::RetryPolicy;
///
/// let patient = RetryPolicy::new().max_attempts(5).total_timeout(Duration::from_secs(300));
/// # assert_ne!(patient, RetryPolicy::none());
/// ```
///
/// The client retries what was certainly not applied and may succeed next time: a failed connection, 425 and 429. The delay
/// before retry `n`, counted from 0, is random between zero and `min(max_backoff, initial_backoff * 2^n)`, or what
/// `Retry-After` asks for plus a little more. No attempt starts with less time left than the last one took: the call ends with
/// its error at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    max_attempts: u32,
    initial_backoff: Duration,
    max_backoff: Duration,
    pub(crate) total_timeout: Duration,
    retry_unknown: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: MAX_ATTEMPTS,
            initial_backoff: INITIAL_BACKOFF,
            max_backoff: MAX_BACKOFF,
            total_timeout: TOTAL_TIMEOUT,
            retry_unknown: false,
        }
    }
}

impl RetryPolicy {
    /// Three attempts within 60 seconds, 250 ms to 10 s apart.
    pub fn new() -> Self {
        Self::default()
    }

    /// One attempt within 60 seconds.
    pub fn none() -> Self {
        Self::new().max_attempts(1)
    }

    /// The maximum number of attempts, including the first one. 0 counts as 1.
    pub fn max_attempts(self, attempts: u32) -> Self {
        Self { max_attempts: attempts.max(1), ..self }
    }

    /// The longest delay before the first retry. It doubles with each further retry.
    pub fn initial_backoff(self, backoff: Duration) -> Self {
        Self { initial_backoff: backoff, ..self }
    }

    /// The longest delay before any retry, unless the server asks for a longer one.
    pub fn max_backoff(self, backoff: Duration) -> Self {
        Self { max_backoff: backoff, ..self }
    }

    /// How long the whole call may take: tokens, attempts and waits together.
    pub fn total_timeout(self, timeout: Duration) -> Self {
        Self { total_timeout: timeout.min(LONGEST_TIMEOUT), ..self }
    }

    /// Also retries what may have been applied. **Each retry may create a second collective**, with its own consent link: use
    /// this only if you find and remove duplicates by other means.
    pub fn repeat_unknown_outcomes_and_risk_duplicates(self) -> Self {
        Self { retry_unknown: true, ..self }
    }

    /// What follows an attempt that failed with `error`. `drawn` is a random number from 0 to 1.
    pub(crate) fn next(&self, error: &Error, progress: &Progress, drawn: f64) -> Next {
        let another_token = error.status() == Some(StatusCode::UNAUTHORIZED) && !progress.replayed;
        if another_token && progress.has_time_after(Duration::ZERO) {
            return Next::ReplayWithNewToken;
        }
        // The replay is about the token, and does not count against the policy.
        let attempts = progress.attempts - u32::from(progress.replayed);
        let delay = match error.retry_after() {
            Some(asked) => asked_delay(asked, drawn),
            None => self.longest_delay(attempts - 1).mul_f64(drawn),
        };
        if self.may_succeed(error, progress.is_safe) && attempts < self.max_attempts && progress.has_time_after(delay) {
            return Next::Retry(delay);
        }
        Next::Stop
    }

    fn may_succeed(&self, error: &Error, is_safe: bool) -> bool {
        match error.outcome() {
            Outcome::NotSent => {
                matches!(error.kind(), ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Transport)
                    && !error.is_permanent()
            }
            Outcome::Rejected => {
                matches!(error.status(), Some(StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS))
            }
            Outcome::Applied => false,
            Outcome::Unknown => is_safe || self.retry_unknown,
        }
    }

    fn longest_delay(&self, retry: u32) -> Duration {
        self.initial_backoff.saturating_mul(2u32.saturating_pow(retry)).min(self.max_backoff)
    }
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Next {
    Stop,
    Retry(Duration),
    ReplayWithNewToken,
}

/// The progress of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) attempts: u32,
    /// A request that changes nothing may be retried after any outcome.
    pub(crate) is_safe: bool,
    pub(crate) replayed: bool,
    pub(crate) last_attempt: Duration,
    pub(crate) remaining: Duration,
}

impl Progress {
    /// Whether an attempt that starts after this delay has as long as the last one took.
    pub(crate) fn has_time_after(&self, delay: Duration) -> bool {
        delay.saturating_add(self.last_attempt.max(SHORTEST_ATTEMPT)) <= self.remaining
    }
}

fn asked_delay(asked: Duration, drawn: f64) -> Duration {
    let asked = asked.max(SHORTEST_ASKED_DELAY);
    let jitter = (asked / ASKED_JITTER_PART).min(MAX_ASKED_JITTER);
    asked.saturating_add(jitter.mul_f64(drawn))
}

/// `Retry-After`, in seconds or as a date, which counts from the response's own `Date`: clocks differ. A date in the past means
/// no delay, and seconds that overflow are capped.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: HeaderName| Some(headers.get(name)?.to_str().ok()?.trim());
    let value = text(RETRY_AFTER)?;
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = http_date(value)?;
    let sent = text(DATE).and_then(http_date).unwrap_or(now);
    Some(date.duration_since(sent).unwrap_or_default())
}

fn http_date(text: &str) -> Option<SystemTime> {
    let date = HTTP_DATES.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    // chrono also reads years of more than four digits, which some platforms cannot represent.
    let seconds = Some(date).filter(|date| date.year() < 10_000)?.and_utc().timestamp().try_into().ok()?;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// A random number from 0 to 1. The standard library keys each hasher at random, which is enough to spread retries.
pub(crate) fn random() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw_response::RawResponse;

    #[test]
    fn delays_double_up_to_the_cap_and_never_overflow() {
        let policy = RetryPolicy::new().initial_backoff(Duration::from_millis(100)).max_backoff(Duration::from_secs(1));
        let longest: Vec<_> = (0..6).map(|n| policy.longest_delay(n).as_millis()).collect();
        assert_eq!(longest, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(policy.longest_delay(u32::MAX), Duration::from_secs(1));
        let endless = policy.initial_backoff(Duration::MAX).max_backoff(Duration::MAX);
        assert_eq!(endless.longest_delay(40), Duration::MAX);
    }

    fn progress(attempts: u32, remaining: u64) -> Progress {
        Progress {
            attempts,
            is_safe: false,
            replayed: false,
            last_attempt: Duration::from_millis(5),
            remaining: Duration::from_millis(remaining),
        }
    }

    fn status(status: u16, headers: &[(HeaderName, &str)]) -> Error {
        let headers: HeaderMap = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        let status = StatusCode::from_u16(status).unwrap();
        let asked = retry_after(&headers, UNIX_EPOCH);
        let response = RawResponse { status, headers, body: Default::default() };
        let error = Error::new(ErrorKind::Status, Outcome::of_status(status), "answered");
        error.with_response(response).with_retry_after(asked)
    }

    #[test]
    fn only_what_cannot_have_been_applied_and_may_succeed_is_retried() {
        let of = |kind, outcome| Error::new(kind, outcome, "why");
        let policy = RetryPolicy::new();
        for (error, retried) in [
            (of(ErrorKind::Config, Outcome::NotSent), false),
            (of(ErrorKind::Auth, Outcome::NotSent), false),
            (of(ErrorKind::Connect, Outcome::NotSent), true),
            (of(ErrorKind::Connect, Outcome::NotSent).permanent(true), false),
            (of(ErrorKind::Timeout, Outcome::NotSent), true),
            (of(ErrorKind::Timeout, Outcome::Unknown), false),
            (of(ErrorKind::Timeout, Outcome::Applied), false),
            (of(ErrorKind::Transport, Outcome::NotSent), true),
            (of(ErrorKind::Transport, Outcome::Unknown), false),
            (of(ErrorKind::Decode, Outcome::Applied), false),
            (of(ErrorKind::Decode, Outcome::Unknown), false),
            (status(302, &[]), false),
            (status(307, &[]), false),
            (status(400, &[(RETRY_AFTER, "0")]), false),
            (status(407, &[]), false),
            (status(408, &[(RETRY_AFTER, "0")]), false),
            (status(425, &[]), true),
            (status(429, &[]), true),
            (status(499, &[]), false),
            (status(500, &[]), false),
            (status(503, &[]), false),
            (status(503, &[(RETRY_AFTER, "0")]), false),
        ] {
            let next = policy.next(&error, &progress(1, 60_000), 0.5);
            assert_eq!(matches!(next, Next::Retry(_)), retried, "{error:?}");
            let risky = policy.clone().repeat_unknown_outcomes_and_risk_duplicates();
            let retried = retried || error.outcome() == Outcome::Unknown;
            assert_eq!(matches!(risky.next(&error, &progress(1, 60_000), 0.5), Next::Retry(_)), retried, "{error:?}");
            assert_eq!(policy.next(&error, &progress(3, 60_000), 0.5), Next::Stop, "a fourth attempt after {error:?}");
        }
    }

    #[test]
    fn a_401_is_replayed_once_and_the_replay_is_not_counted() {
        let (policy, unauthorized) = (RetryPolicy::none(), status(401, &[]));
        assert_eq!(policy.next(&unauthorized, &progress(1, 60_000), 0.5), Next::ReplayWithNewToken);
        let replayed = Progress { replayed: true, ..progress(2, 60_000) };
        assert_eq!(policy.next(&unauthorized, &replayed, 0.5), Next::Stop);
        assert!(matches!(RetryPolicy::new().max_attempts(2).next(&status(429, &[]), &replayed, 0.5), Next::Retry(_)));
        assert_eq!(policy.next(&status(429, &[]), &replayed, 0.5), Next::Stop);
    }

    #[test]
    fn no_attempt_starts_with_less_time_than_the_last_one_took() {
        let policy = RetryPolicy::new().initial_backoff(Duration::ZERO);
        for (error, retries) in [(status(429, &[]), true), (status(401, &[]), false)] {
            let next = |last_attempt: u64, remaining: u64| {
                let last_attempt = Duration::from_millis(last_attempt);
                policy.next(&error, &Progress { last_attempt, ..progress(1, remaining) }, 0.5)
            };
            let goes_on = if retries { Next::Retry(Duration::ZERO) } else { Next::ReplayWithNewToken };
            assert_eq!((next(700, 700), next(701, 700)), (goes_on, Next::Stop));
            assert_eq!((next(5, 100), next(5, 99)), (goes_on, Next::Stop));
        }
        let asked = status(429, &[(RETRY_AFTER, "1")]);
        assert_eq!(policy.next(&asked, &progress(1, 1_060), 0.0), Next::Stop);
        assert_eq!(policy.next(&asked, &progress(1, 1_100), 0.0), Next::Retry(Duration::from_secs(1)));
    }

    #[test]
    fn a_delay_is_drawn_from_zero_to_its_longest() {
        let policy = RetryPolicy::new().initial_backoff(Duration::from_millis(400));
        let error = Error::new(ErrorKind::Connect, Outcome::NotSent, "refused");
        for (drawn, delay) in [(0.0, 0), (0.5, 400), (1.0, 800)] {
            assert_eq!(policy.next(&error, &progress(2, 60_000), drawn), Next::Retry(Duration::from_millis(delay)));
        }
    }

    #[test]
    fn a_delay_that_the_server_asks_for_gets_a_little_longer_but_never_shorter() {
        for (asked, drawn, delay) in [
            (0, 0.0, 50),
            (0, 1.0, 55),
            (2_000, 0.0, 2_000),
            (2_000, 1.0, 2_200),
            (50_000, 0.5, 50_500),
            (50_000, 1.0, 51_000),
        ] {
            assert_eq!(
                asked_delay(Duration::from_millis(asked), drawn),
                Duration::from_millis(delay),
                "{asked} {drawn}"
            );
        }
        assert_eq!(asked_delay(Duration::MAX, 1.0), Duration::MAX);
    }

    #[test]
    fn the_dates_of_rfc_9110_are_one_moment() {
        let moment = UNIX_EPOCH + Duration::from_secs(784_111_777);
        for date in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(http_date(date), Some(moment), "{date}");
        }
    }

    #[test]
    fn a_retry_after_date_counts_from_the_date_of_the_response() {
        let date = "Tue, 14 Nov 2023 22:14:20 GMT";
        for (sent, seconds) in [
            (Some("Tue, 14 Nov 2023 22:14:15 GMT"), 5),
            (Some("Tue, 14 Nov 2023 23:00:00 GMT"), 0),
            (Some("today"), 60),
            (None, 60),
        ] {
            let mut headers = HeaderMap::from_iter([(RETRY_AFTER, date.parse().unwrap())]);
            headers.extend(sent.map(|sent| (DATE, sent.parse().unwrap())));
            let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
            assert_eq!(retry_after(&headers, now), Some(Duration::from_secs(seconds)), "{sent:?}");
        }
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let parse = |value: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            retry_after(&headers, now).map(|d| d.as_secs())
        };
        assert_eq!(parse("120"), Some(120));
        assert_eq!(parse(" 0 "), Some(0));
        assert_eq!(parse("99999999999999999999999"), Some(u64::MAX));
        assert_eq!(parse("Tue, 14 Nov 2023 22:14:20 GMT"), Some(60));
        assert_eq!(parse("Tue, 14 Nov 1995 22:14:20 GMT"), Some(0));
        for garbage in ["", "-1", "+5", "1.5", "soon", "0x10", "Tue, 99 Nov 2023", "Fri, 01 Jan +99999 00:00:00 GMT"] {
            assert_eq!(parse(garbage), None, "{garbage}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
