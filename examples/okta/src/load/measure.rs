//! A round: requests sent by several clients, each timed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::client::{Answer, Client, Request};
use super::processor::Times;
use crate::failure::Failure;

pub(super) const HEADS: &str = "round        requests  failures  a second   p50 ms   p99 ms   max ms";

/// What came of a round.
pub(super) struct Round {
    /// One for each request, in the order of the requests.
    pub(super) answers: Vec<Answer>,
    /// What went wrong, one a line.
    pub(super) failures: Vec<String>,
    latencies: Vec<Duration>,
    took: Duration,
    processor: Times,
}

impl Round {
    /// Sends all requests, each client one after the other, on a thread that does nothing else.
    pub(super) async fn run(
        addresses: &[SocketAddr],
        clients: usize,
        requests: Vec<Request>,
        is_right: fn(&Answer) -> bool,
    ) -> Result<Round, Failure> {
        let addresses = addresses.to_vec();
        let thread = std::thread::Builder::new().name("load-clients".to_owned());
        let (done, outcome) = tokio::sync::oneshot::channel();
        thread.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let outcome = match runtime {
                Ok(runtime) => runtime.block_on(send_all(&addresses, clients, requests, is_right)),
                Err(error) => Err(error.into()),
            };
            let _ = done.send(outcome);
        })?;
        outcome.await.map_err(|error| Failure::new(error.to_string()))?
    }

    pub(super) fn line(&self, what: &str) -> String {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let count = u32::try_from(self.latencies.len()).unwrap_or(u32::MAX);
        format!(
            "{what:<12} {count:>8} {:>9} {:>9.0} {:>8.1} {:>8.1} {:>8.1}",
            self.failures.len(),
            f64::from(count) / self.took.as_secs_f64(),
            milliseconds(self.percentile(50)),
            milliseconds(self.percentile(99)),
            milliseconds(self.percentile(100)),
        )
    }

    /// The time of the processor for each request, by the names of threads.
    pub(super) fn processor_time(&self) -> String {
        self.processor.for_each_of(self.latencies.len())
    }

    fn percentile(&self, percent: usize) -> Duration {
        let place = self.latencies.len().saturating_mul(percent).div_ceil(100).saturating_sub(1);
        self.latencies.get(place).copied().unwrap_or_default()
    }
}

async fn send_all(
    addresses: &[SocketAddr],
    clients: usize,
    requests: Vec<Request>,
    is_right: fn(&Answer) -> bool,
) -> Result<Round, Failure> {
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
    let mut connections = Vec::new();
    for address in addresses.iter().cycle().take(clients.min(requests.len())) {
        connections.push(Client::connect(*address).await?);
    }
    let local = tokio::task::LocalSet::new();
    let (before, begun) = (Times::now(), Instant::now());
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|mut client| {
            let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
            local.spawn_local(async move {
                let mut answered = Vec::new();
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(request) = requests.get(place) else { return Ok::<_, Failure>(answered) };
                    let sent = Instant::now();
                    let answer = client.send(request).await?;
                    answered.push((place, sent.elapsed(), answer));
                }
            })
        })
        .collect();
    local.await;
    let (took, processor) = (begun.elapsed(), Times::now().since(&before));
    let mut answered = Vec::new();
    for task in tasks {
        answered.extend(task.await.map_err(|error| Failure::new(error.to_string()))??);
    }
    answered.sort_by_key(|(place, _, _)| *place);
    let mut latencies: Vec<Duration> = answered.iter().map(|(_, latency, _)| *latency).collect();
    latencies.sort();
    let answers: Vec<Answer> = answered.into_iter().map(|(_, _, answer)| answer).collect();
    let failures = answers.iter().filter(|answer| !is_right(answer)).map(described).collect();
    Ok(Round { answers, failures, latencies, took, processor })
}

fn described(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let text: String =
        text.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
    format!("status {}: {}", answer.status, text.trim())
}
