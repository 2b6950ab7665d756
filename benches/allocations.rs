//! Counts the allocations of a call and of its decoding, which do not jitter: `cargo bench --bench allocations`.

mod clients;

use clients::{Handwritten, RESPONSE, closed};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};
use tokio::{net::TcpListener, runtime::Builder};
use traxes_connect::OnboardingRequest;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is forwarded unchanged to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CALLS: usize = 1000;

/// Allocations per call over `CALLS` calls, after as many to warm up.
async fn count<F: Future<Output = ()>>(call: impl Fn() -> F) -> f64 {
    let mut before = 0;
    for round in 0..2 * CALLS {
        if round == CALLS {
            before = ALLOCATIONS.load(Relaxed);
        }
        call().await;
    }
    (ALLOCATIONS.load(Relaxed) - before) as f64 / CALLS as f64
}

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        // The server runs in this process, without a per-call allocation of its own.
        tokio::spawn(clients::serve(listener));
        let (client, request) = (clients::ours(address), clients::request());
        let ours = count(|| async { drop(client.create_collective_onboarding(&request).await.expect("a 201")) }).await;
        let (client, request) = (Handwritten::new(address), closed::request());
        let handwritten = count(|| async { drop(client.create(&request).await.expect("a 201")) }).await;
        let decode = count(|| async { drop(serde_json::from_slice::<OnboardingRequest>(RESPONSE.as_bytes())) }).await;
        let closed = count(|| async { drop(serde_json::from_slice::<closed::Onboarding>(RESPONSE.as_bytes())) }).await;
        println!("allocations per call: ours {ours}, handwritten {handwritten}, ratio {:.3}", ours / handwritten);
        println!("allocations per decoding: ours {decode}, closed {closed}, ratio {:.3}", decode / closed);
    });
}
