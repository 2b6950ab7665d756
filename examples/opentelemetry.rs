//! Traces and metrics of your calls, with OpenTelemetry:
//!
//! ```text
//! cargo run --example opentelemetry --features sandbox
//! ```

use opentelemetry::metrics::{Histogram, MeterProvider as _};
use opentelemetry::trace::{SpanKind, TracerProvider as _};
use opentelemetry::{Context, KeyValue, propagation::TextMapPropagator};
use opentelemetry_http::HeaderInjector;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};
use std::time::Duration;
use tracing::Subscriber;
use tracing_subscriber::{Registry, layer::SubscriberExt};
use traxes_connect::ClientBuilder;

/// Recipe 1: each attempt sends the W3C `traceparent` of its own span, so that the server's spans continue the trace.
fn propagating(client: ClientBuilder) -> ClientBuilder {
    let propagator = TraceContextPropagator::new();
    client.on_attempt(move |headers| propagator.inject_context(&Context::current(), &mut HeaderInjector(headers)))
}

/// Recipe 2: the duration of each call, by operation and outcome, taken from its span. It sees the calls that are sampled, and
/// needs `traxes_connect` at `info`.
#[derive(Debug)]
struct CallDurations(Histogram<f64>);

impl CallDurations {
    fn new(provider: &SdkMeterProvider) -> Self {
        let meter = provider.meter("traxes_connect");
        Self(meter.f64_histogram("traxes_connect.call.duration").with_unit("s").build())
    }
}

impl SpanProcessor for CallDurations {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        let attribute = |name| span.attributes.iter().find(|attribute| attribute.key.as_str() == name);
        let ours = attribute("target").is_some_and(|target| target.value.as_str().starts_with("traxes_connect"));
        // The spans of attempts have the kind CLIENT.
        if !ours || span.span_kind != SpanKind::Internal {
            return;
        }
        let outcome = attribute("outcome").map_or("succeeded".into(), |outcome| outcome.value.clone());
        let duration = span.end_time.duration_since(span.start_time).unwrap_or_default();
        self.0.record(
            duration.as_secs_f64(),
            &[KeyValue::new("operation", span.name), KeyValue::new("outcome", outcome)],
        );
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// What to set as the default subscriber.
fn subscriber(tracers: &SdkTracerProvider) -> impl Subscriber + Send + Sync + use<> {
    Registry::default().with(tracing_opentelemetry::layer().with_tracer(tracers.tracer("traxes_connect")))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use opentelemetry_sdk::{metrics::InMemoryMetricExporter, trace::InMemorySpanExporter};
    use traxes_connect::{CollectiveOnboardingRequest, Sandbox};

    // Yours send what they get over the network, as those of opentelemetry-otlp do.
    let (spans, metrics) = (InMemorySpanExporter::default(), InMemoryMetricExporter::default());
    let meters = SdkMeterProvider::builder().with_periodic_exporter(metrics.clone()).build();
    let durations = CallDurations::new(&meters);
    let tracers =
        SdkTracerProvider::builder().with_span_processor(durations).with_simple_exporter(spans.clone()).build();
    tracing::subscriber::set_global_default(subscriber(&tracers))?;

    let sandbox = Sandbox::start();
    let client = propagating(sandbox.client_builder()).build()?;
    client.create_collective_onboarding(&CollectiveOnboardingRequest::new("Rue de la Loi 16")).await?;

    println!("{:?}", sandbox.requests()[0].headers.get("traceparent"));
    meters.force_flush()?;
    println!("{:#?}\n{:#?}", spans.get_finished_spans()?, metrics.get_finished_metrics()?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_sdk::metrics::InMemoryMetricExporter;
    use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
    use opentelemetry_sdk::trace::InMemorySpanExporter;
    use std::collections::BTreeMap;
    use traxes_connect::{CollectiveOnboardingRequest, RetryPolicy, Sandbox};

    async fn call(sandbox: &Sandbox) {
        let retry = RetryPolicy::new().initial_backoff(Duration::from_millis(1));
        let client = propagating(sandbox.client_builder()).retry(retry).build().unwrap();
        let _ = client.create_collective_onboarding(&CollectiveOnboardingRequest::unnamed()).await;
    }

    #[tokio::test]
    async fn each_attempt_sends_the_traceparent_of_its_own_client_span() {
        let exporter = InMemorySpanExporter::default();
        let tracers = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let _listening = tracing::subscriber::set_default(subscriber(&tracers));
        let sandbox = Sandbox::start();
        sandbox.enqueue(429, &[("retry-after", "0")], "");
        call(&sandbox).await;

        let spans = exporter.get_finished_spans().unwrap();
        let of_kind = |kind| spans.iter().filter(move |span| span.span_kind == kind);
        let call = of_kind(SpanKind::Internal).next().unwrap();
        assert_eq!(call.name, "create_collective_onboarding");
        let expected: Vec<_> = of_kind(SpanKind::Client)
            .map(|attempt| {
                assert_eq!(attempt.name, "POST /v1/onboarding/collectives");
                assert_eq!(attempt.parent_span_id, call.span_context.span_id());
                format!("00-{}-{}-01", call.span_context.trace_id(), attempt.span_context.span_id())
            })
            .collect();
        let sent: Vec<_> = sandbox
            .requests()
            .iter()
            .map(|request| request.headers["traceparent"].to_str().unwrap().to_owned())
            .collect();
        assert_eq!((sent.len(), sent), (2, expected));
    }

    #[tokio::test]
    async fn each_call_is_measured_once_with_its_outcome() {
        let exporter = InMemoryMetricExporter::default();
        let meters = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
        let tracers = SdkTracerProvider::builder().with_span_processor(CallDurations::new(&meters)).build();
        let _listening = tracing::subscriber::set_default(subscriber(&tracers));
        let sandbox = Sandbox::start();
        for status in [400, 500, 500] {
            sandbox.enqueue(status, &[], "");
            call(&sandbox).await;
        }
        sandbox.enqueue(429, &[("retry-after", "0")], "");
        call(&sandbox).await;

        meters.force_flush().unwrap();
        let exported = exporter.get_finished_metrics().unwrap();
        let metric = exported[0].scope_metrics().next().unwrap().metrics().next().unwrap();
        let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() else { panic!("{metric:?}") };
        let counts: BTreeMap<_, _> = histogram
            .data_points()
            .map(|point| {
                let outcome = point.attributes().find(|attribute| attribute.key.as_str() == "outcome").unwrap();
                assert!(point.sum() > 0.0);
                (outcome.value.to_string(), point.count())
            })
            .collect();
        let expected = [("rejected", 1), ("succeeded", 1), ("unknown", 2)];
        assert_eq!(counts, expected.map(|(outcome, calls)| (outcome.to_owned(), calls)).into());
    }
}
