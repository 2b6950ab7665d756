//! When a failed attempt is repeated, and after how long.

use crate::error::{Error, ErrorKind, Outcome};
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use std::time::{Duration, SystemTime};

/// Three: most faults that pass at all pass within a second or two, and more attempts make an outage worse.
const ATTEMPTS: u32 = 3;
/// About the time that a restarting server or a moving address needs.
const BASE_DELAY: Duration = Duration::from_millis(250);
/// Past this, waiting longer helps nobody who waits for a page.
const MAX_DELAY: Duration = Duration::from_secs(10);
/// What a person or a gateway in front of the caller still waits for.
const DEADLINE: Duration = Duration::from_secs(60);
/// No end, in terms that the arithmetic of instants allows: about 30 years, as tokio has it.
const MAX_DEADLINE: Duration = Duration::from_secs(86_400 * 365 * 30);

/// How often and for how long a call is tried.
///
/// ```
/// use std::time::Duration;
/// use traxes_connect::RetryPolicy;
///
/// let patient = RetryPolicy::new().attempts(5).deadline(Duration::from_secs(300));
/// # assert_ne!(patient, RetryPolicy::none());
/// ```
///
/// Repeated is what was certainly not applied and may pass: a connection that did not come about, 425, 429, and 503 with
/// `Retry-After`. The wait before repetition `n`, from 0, is random between zero and `min(max_delay, base_delay * 2^n)`,
/// or what `Retry-After` asks for. A wait that would pass the deadline is not begun: the call ends with its error at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u32,
    base_delay: Duration,
    max_delay: Duration,
    pub(crate) deadline: Duration,
    repeat_unknown: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: ATTEMPTS,
            base_delay: BASE_DELAY,
            max_delay: MAX_DELAY,
            deadline: DEADLINE,
            repeat_unknown: false,
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
        Self::new().attempts(1)
    }

    /// How many attempts at most, the first one included. 0 counts as 1.
    pub fn attempts(self, attempts: u32) -> Self {
        Self { attempts: attempts.max(1), ..self }
    }

    /// The longest wait before the first repetition. It doubles with each further one.
    pub fn base_delay(self, delay: Duration) -> Self {
        Self { base_delay: delay, ..self }
    }

    /// The longest wait before any repetition, unless the server asks for a longer one.
    pub fn max_delay(self, delay: Duration) -> Self {
        Self { max_delay: delay, ..self }
    }

    /// How long the whole call may take: tokens, attempts and waits together.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline: deadline.min(MAX_DEADLINE), ..self }
    }

    /// Repeats also what may have been applied. **Each repetition may create a second collective**, with a consent link of
    /// its own: only for those who find and remove duplicates by other means.
    pub fn repeat_unknown_outcomes_and_risk_duplicates(self) -> Self {
        Self { repeat_unknown: true, ..self }
    }

    /// How long to wait before a call that failed with `error`, after `attempts` attempts, is tried again. None: never.
    pub(crate) fn wait(&self, error: &Error, attempts: u32) -> Option<Duration> {
        let passes = match error.outcome() {
            Outcome::NotSent => error.kind() == ErrorKind::Connect,
            Outcome::Rejected => matches!(error.status().map(|s| s.as_u16()), Some(425 | 429 | 503)),
            Outcome::Applied => false,
            Outcome::Unknown => self.repeat_unknown,
        };
        let drawn = || self.longest_delay(attempts - 1).mul_f64(fastrand::f64());
        (passes && attempts < self.attempts).then(|| error.retry_after().unwrap_or_else(drawn))
    }

    fn longest_delay(&self, repetition: u32) -> Duration {
        self.base_delay.saturating_mul(2u32.saturating_pow(repetition)).min(self.max_delay)
    }
}

/// Whether a reply of this status means that the request was not applied (RFC 9110, section 15).
pub(crate) fn outcome_of(status: StatusCode, retry_after: Option<Duration>) -> Outcome {
    match status.as_u16() {
        // The client is asked to send the same request elsewhere; it was not acted on here.
        301 | 302 | 307 | 308 => Outcome::Rejected,
        400..500 => Outcome::Rejected,
        // "Currently unable to handle the request": with the header, from a server that knows its own state.
        503 if retry_after.is_some() => Outcome::Rejected,
        _ => Outcome::Unknown,
    }
}

/// `Retry-After`, in seconds or as a date. A date in the past is no wait, and more seconds than fit are the most that do.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn delays_double_up_to_the_cap_and_never_overflow() {
        let policy = RetryPolicy::new().base_delay(Duration::from_millis(100)).max_delay(Duration::from_secs(1));
        let longest: Vec<_> = (0..6).map(|n| policy.longest_delay(n).as_millis()).collect();
        assert_eq!(longest, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(policy.longest_delay(u32::MAX), Duration::from_secs(1));
        let endless = policy.base_delay(Duration::MAX).max_delay(Duration::MAX);
        assert_eq!(endless.longest_delay(40), Duration::MAX);
    }

    #[test]
    fn jitter_is_full() {
        fastrand::seed(7);
        let longest = Duration::from_millis(800);
        let policy = RetryPolicy::new().base_delay(longest / 2);
        let error = Error::new(ErrorKind::Connect, Outcome::NotSent, "refused");
        let drawn: Vec<_> = (0..1000).map(|_| policy.wait(&error, 2).unwrap()).collect();
        assert!(drawn.iter().all(|d| *d <= longest));
        assert!(drawn.iter().any(|d| *d < longest / 20) && drawn.iter().any(|d| *d > longest * 19 / 20));
        let mean = drawn.iter().sum::<Duration>() / 1000;
        assert!(mean > longest * 45 / 100 && mean < longest * 55 / 100, "{mean:?}");
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
        for garbage in ["", "-1", "+5", "1.5", "soon", "0x10", "Tue, 99 Nov 2023"] {
            assert_eq!(parse(garbage), None, "{garbage}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
