//! Times a call, and decoding and encoding alone, with each client: `cargo bench --bench calls`.

mod clients;

use clients::{Handwritten, Hyper, RESPONSE, closed};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Builder;
use traxes_connect::OnboardingRequest;

const IN_FLIGHT: [u64; 3] = [1, 64, 512];

fn calls(criterion: &mut Criterion) {
    let (runtime, address) =
        (Builder::new_current_thread().enable_all().build().expect("a runtime"), clients::server());
    let mut group = criterion.benchmark_group("call");
    for in_flight in IN_FLIGHT {
        group.throughput(Throughput::Elements(in_flight));
        group.bench_function(BenchmarkId::new("ours", in_flight), |bencher| {
            let client = clients::ours(address);
            bencher.iter_custom(|rounds| {
                clients::timed(&runtime, rounds, in_flight, || {
                    let client = client.clone();
                    async move { drop(client.create_collective_onboarding(&clients::request()).await.expect("a 201")) }
                })
            });
        });
        group.bench_function(BenchmarkId::new("handwritten", in_flight), |bencher| {
            let client = Handwritten::new(address);
            bencher.iter_custom(|rounds| {
                clients::timed(&runtime, rounds, in_flight, || {
                    let client = client.clone();
                    async move { drop(client.create(&closed::request()).await.expect("a 201")) }
                })
            });
        });
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function(BenchmarkId::new("hyper", 1), |bencher| {
        let mut client = runtime.block_on(Hyper::connect(address));
        bencher.iter(|| runtime.block_on(client.create(&closed::request())));
    });
    group.finish();
}

fn json(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    group.bench_function("ours", |b| b.iter(|| serde_json::from_slice::<OnboardingRequest>(RESPONSE.as_bytes())));
    group.bench_function("closed", |b| b.iter(|| serde_json::from_slice::<closed::Onboarding>(RESPONSE.as_bytes())));
    group.finish();
    let mut group = criterion.benchmark_group("encode");
    let (ours, closed) = (clients::request(), closed::request());
    group.bench_function("ours", |b| b.iter(|| serde_json::to_vec(&ours)));
    group.bench_function("closed", |b| b.iter(|| serde_json::to_vec(&closed)));
    group.finish();
}

criterion_group!(benches, calls, json);
criterion_main!(benches);
