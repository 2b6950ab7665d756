//! One attempt of a call: its request, its response, and why it failed if it did.

use crate::address::server;
use crate::client::Shared;
use crate::connect_error::{not_connected, root_cause};
use crate::decode::{Decoded, decode};
use crate::error::{Error, ErrorKind};
use crate::error_body::ErrorBody;
use crate::generated;
use crate::operation::{Documented, Operation};
use crate::outcome::Outcome;
use crate::raw_response::RawResponse;
use crate::record::{BodyState, Received, Record};
use crate::request_body::Witness;
use crate::retry::retry_after;
use crate::screen::Screen;
use crate::telemetry::{error_type, record_failure};
use crate::transport::Exchange;
use http::StatusCode;
use progenitor_client::ResponseValue;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::time::{Instant, error::Elapsed, timeout_at};
use tracing::{Instrument, Span};

/// What a generated method returns. The response itself is in the record.
pub(crate) type Generated = Result<ResponseValue<()>, generated::Error>;

/// What an attempt needs besides its request.
pub(crate) struct Attempt<'a, T> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) operation: &'a Operation<T>,
    pub(crate) screen: &'a Screen,
    pub(crate) deadline: Instant,
    /// What sets the deadline, for messages.
    pub(crate) limit: &'static str,
    pub(crate) witness: Arc<Witness>,
    pub(crate) span: Span,
}

/// A success as received.
pub(crate) struct Success<T> {
    pub(crate) decoded: Decoded<T>,
    pub(crate) screen: Screen,
    pub(crate) raw: RawResponse,
}

impl<T: DeserializeOwned + Documented> Attempt<'_, T> {
    /// Sends the request with the generated client, and reads the response.
    pub(crate) async fn run<R: Future<Output = Generated>>(
        self,
        send: impl Fn(generated::Client) -> R,
    ) -> Result<Success<T>, Error> {
        let exchange = Arc::new(Exchange {
            screen: self.screen.clone(),
            base_url: Arc::clone(&self.shared.base_url),
            on_attempt: self.shared.on_attempt.clone(),
            body_limit: self.shared.body_limit,
            span: self.span.clone(),
            witness: Arc::clone(&self.witness),
            record: Record::default(),
        });
        let api = generated::Client {
            // Not used: the operations ask the exchange for their URL.
            baseurl: String::new(),
            client: self.shared.http.clone(),
            inner: Arc::clone(&exchange),
        };
        // Boxed, so that it is not copied with each future around it.
        let exchanged = Box::pin(send(api));
        let ended = timeout_at(self.deadline, exchanged).instrument(self.span.clone()).await;
        let result = self.classify(ended, exchange.record.take());
        let status = match &result {
            Ok(success) => Some(success.raw.status),
            Err(error) => error.status(),
        };
        self.span.record("http.response.status_code", status.map(|status| status.as_u16()));
        if let Err(error) = &result {
            record_failure(&self.span, &error_type(error));
        }
        result
    }

    /// How an attempt ended: the status decides if there is one, otherwise the witness.
    fn classify(&self, ended: Result<Generated, Elapsed>, received: Received) -> Result<Success<T>, Error> {
        let Some(raw) = received.response else { return Err(self.without_response(ended)) };
        if !raw.status.is_success() {
            return Err(self.refused(raw, &received.body_state));
        }
        let BodyState::Complete = received.body_state else { return Err(self.incomplete(raw, received.body_state)) };
        match decode(raw.json(), self.operation.documents(raw.status), self.screen) {
            Ok(decoded) => Ok(Success { decoded, screen: self.screen.clone(), raw }),
            Err(problem) => Err(self.unusable(ErrorKind::Decode, &problem, &raw).with_response(raw)),
        }
    }

    fn without_response(&self, ended: Result<Generated, Elapsed>) -> Error {
        match ended {
            Err(_) => self.out_of_time(&format!("before the {}", self.limit)),
            Ok(Err(generated::Error::CommunicationError(error))) => self.broken(error),
            // A generated method failed before sending: an argument is not a valid header or body.
            Ok(_) => Error::new(ErrorKind::Config, self.outcome_without_response(), "the request could not be built"),
        }
    }

    fn out_of_time(&self, when: &str) -> Error {
        match self.outcome_without_response() {
            Outcome::NotSent => {
                let message = format!("no connection to {} {when}", server(&self.shared.base_url));
                Error::new(ErrorKind::Timeout, Outcome::NotSent, message)
            }
            outcome => Error::new(ErrorKind::Timeout, outcome, format!("no response {when}")),
        }
    }

    fn broken(&self, error: reqwest::Error) -> Error {
        if error.is_builder() {
            let message = format!("the request could not be built: {}", root_cause(&error));
            return Error::new(ErrorKind::Config, Outcome::NotSent, message).with_source(error);
        }
        // Checked first: a connect timeout also counts as a timeout.
        if error.is_connect() {
            return not_connected(&server(&self.shared.base_url), self.shared.proxy.as_deref(), error);
        }
        if error.is_timeout() {
            return self.out_of_time("in time").with_source(error);
        }
        let (outcome, when) = match self.outcome_without_response() {
            Outcome::NotSent => (Outcome::NotSent, "before the request was sent"),
            outcome => (outcome, "before a response arrived"),
        };
        let message = format!("the connection broke {when}: {}", root_cause(&error));
        Error::new(ErrorKind::Transport, outcome, message).with_source(error)
    }

    fn outcome_without_response(&self) -> Outcome {
        if self.witness.was_sent() { Outcome::Unknown } else { Outcome::NotSent }
    }

    /// A status other than 2xx. An unreadable body is not a second failure.
    fn refused(&self, raw: RawResponse, body_state: &BodyState) -> Error {
        let explanation = match raw.status {
            StatusCode::REQUEST_TIMEOUT => ": it stopped waiting for the request, but may already have forwarded it",
            _ => "",
        };
        let message = format!("the server answered {}{explanation}", raw.status);
        // A body that was still arriving may be large: searching it would overrun the deadline.
        let error_body = match body_state {
            BodyState::Complete => ErrorBody::parse(raw.json()).map(|text| self.screen.text(text)),
            _ => ErrorBody::default(),
        };
        Error::new(ErrorKind::Status, Outcome::of_status(raw.status), message)
            .with_error_body(error_body)
            .with_retry_after(retry_after(&raw.headers, SystemTime::now()))
            .with_response(raw)
    }

    /// A 2xx whose body is incomplete.
    fn incomplete(&self, raw: RawResponse, body_state: BodyState) -> Error {
        let late = "did not arrive in time";
        let error = match body_state {
            BodyState::Cut(source) if source.is_timeout() => {
                self.unusable(ErrorKind::Timeout, late, &raw).with_source(source)
            }
            BodyState::Cut(source) => {
                let problem = format!("was cut short: {}", root_cause(&source));
                self.unusable(ErrorKind::Decode, &problem, &raw).with_source(source)
            }
            BodyState::TooLarge => self.unusable(ErrorKind::Decode, "is larger than the body limit", &raw),
            BodyState::Open | BodyState::Complete => self.unusable(ErrorKind::Timeout, late, &raw),
        };
        error.with_response(raw)
    }

    /// A 2xx that yields no value.
    fn unusable(&self, kind: ErrorKind, problem: &str, raw: &RawResponse) -> Error {
        let (outcome, undocumented) = match self.operation.documents(raw.status) {
            // There is nothing to apply, and it may be retried.
            true if self.operation.is_safe => (Outcome::Unknown, ""),
            true => (Outcome::Applied, ""),
            // A gateway that forwarded nothing also answers 200.
            false => (Outcome::Unknown, ", which is not documented"),
        };
        let (status, bytes) = (raw.status, raw.body.len());
        let message = format!("the server answered {status}{undocumented}, and its body {problem} ({bytes} bytes)");
        Error::new(kind, outcome, message)
    }
}
