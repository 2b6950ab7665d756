//! Our speed relative to the hand-written client's, in alternating blocks, so that other load on the machine affects both
//! equally: `cargo bench --bench ratios`. Each line is a name, the median of the blocks' ratios, and its 95 % interval.

mod clients;

use clients::{Handwritten, RESPONSE, closed};
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use traxes_connect::OnboardingRequest;

const PAIRS: usize = 300;
/// Short compared with scheduler and neighbour effects, and long compared with a call.
const BLOCK: Duration = Duration::from_millis(20);

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let address = clients::server();
    for in_flight in [1, 64, 512] {
        let (ours, handwritten) = (clients::ours(address), Handwritten::new(address));
        let ours = |rounds| {
            clients::timed(&runtime, rounds, in_flight, || {
                let client = ours.clone();
                async move { drop(client.create_collective_onboarding(&clients::request()).await.expect("a 201")) }
            })
        };
        let handwritten = |rounds| {
            clients::timed(&runtime, rounds, in_flight, || {
                let client = handwritten.clone();
                async move { drop(client.create(&closed::request()).await.expect("a 201")) }
            })
        };
        compare(&format!("call/{in_flight}"), ours, handwritten);
    }
    let (ours, closed) = (
        repeated(|| serde_json::from_slice::<OnboardingRequest>(RESPONSE.as_bytes())),
        repeated(|| serde_json::from_slice::<closed::Onboarding>(RESPONSE.as_bytes())),
    );
    compare("decode", ours, closed);
    let (ours, closed) = (clients::request(), closed::request());
    compare("encode", repeated(|| serde_json::to_vec(&ours)), repeated(|| serde_json::to_vec(&closed)));
}

fn repeated<T>(work: impl Fn() -> T) -> impl Fn(u64) -> Duration {
    move |rounds| {
        let started = Instant::now();
        for _ in 0..rounds {
            std::hint::black_box(work());
        }
        started.elapsed()
    }
}

fn compare(name: &str, ours: impl Fn(u64) -> Duration, handwritten: impl Fn(u64) -> Duration) {
    let mut rounds = 1;
    while ours(rounds).min(handwritten(rounds)) < BLOCK {
        rounds *= 2;
    }
    let mut ratios: Vec<f64> = (0..PAIRS)
        .map(|pair| {
            // Neither always goes first.
            let (ours, handwritten) = match pair % 2 {
                0 => (ours(rounds), handwritten(rounds)),
                _ => {
                    let handwritten = handwritten(rounds);
                    (ours(rounds), handwritten)
                }
            };
            handwritten.as_secs_f64() / ours.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    // The ranks that bracket the population median with 95 % confidence, whatever its distribution: n / 2 -+ 1.96 sqrt(n) / 2.
    let spread = (1.96 * (PAIRS as f64).sqrt() / 2.0).ceil() as usize;
    println!("{name} {:.3} {:.3} {:.3}", ratios[PAIRS / 2], ratios[PAIRS / 2 - spread], ratios[PAIRS / 2 + spread]);
}
