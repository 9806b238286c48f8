//! Measuring in rounds: everything that is compared takes turns, so that a disturbance meets all of it.

use std::time::{Duration, Instant};

use crate::Failure;

/// How long one turn takes, roughly: long enough for the clock, short enough that few are disturbed.
const TURN: Duration = Duration::from_micros(1500);

/// Something to measure.
pub trait Task {
    /// Does it so many times, and says how long that took.
    ///
    /// # Errors
    /// When it cannot be done.
    fn run(&mut self, times: u32) -> Result<Duration, Failure>;
}

impl<F: FnMut() -> Result<(), Failure>> Task for F {
    fn run(&mut self, times: u32) -> Result<Duration, Failure> {
        let start = Instant::now();
        for _ in 0..times {
            self()?;
        }
        Ok(start.elapsed())
    }
}

/// Microseconds for doing it once.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Measured {
    /// The median of all turns.
    pub median: f64,
    /// The turn that was disturbed least.
    pub minimum: f64,
}

/// Measures tasks in turns, so many rounds. Each turn is taken twice and counts the second time: what others left in the caches, and
/// whether the processor slept, is not what is compared.
///
/// # Errors
/// When a task cannot be done.
pub fn interleaved(tasks: &mut [Box<dyn Task + '_>], rounds: usize) -> Result<Vec<Measured>, Failure> {
    let mut turns = Vec::with_capacity(tasks.len());
    for task in tasks.iter_mut() {
        task.run(1)?;
        let once = task.run(2)?.max(Duration::from_nanos(2)).div_f64(2.0);
        turns.push((TURN.as_secs_f64() / once.as_secs_f64()).clamp(1.0, 10_000.0));
    }
    let mut samples = vec![Vec::with_capacity(rounds); tasks.len()];
    for _ in 0..rounds {
        for ((task, times), samples) in tasks.iter_mut().zip(&turns).zip(&mut samples) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 1 and 10,000"
            )]
            let times = *times as u32;
            task.run(times)?;
            samples.push(task.run(times)?.as_secs_f64() * 1e6 / f64::from(times));
        }
    }
    Ok(samples.into_iter().map(summary).collect())
}

/// Returns the time that this thread was on a processor, if the system tells it. Other work on the machine does not add to it, except that it
/// takes room in the caches.
#[must_use]
pub fn processor_time() -> Option<Duration> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    statistics.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn summary(mut samples: Vec<f64>) -> Measured {
    samples.sort_by(f64::total_cmp);
    let at = |position: usize| samples.get(position).copied().unwrap_or(f64::NAN);
    Measured { median: at(samples.len() / 2), minimum: at(0) }
}
