//! The time of the processor by thread, where the system tells it (Linux).

use std::collections::BTreeMap;
use std::fs;

/// Nanoseconds that the threads of this process have run, by their names.
#[derive(Default)]
pub(super) struct Times(BTreeMap<String, u64>);

impl Times {
    pub(super) fn now() -> Times {
        let mut times = BTreeMap::new();
        for thread in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
            let read = |file: &str| fs::read_to_string(thread.path().join(file)).ok();
            let Some((name, ran)) = read("comm").zip(read("schedstat")) else { continue };
            let ran = ran.split(' ').next().and_then(|ran| ran.parse::<u64>().ok()).unwrap_or_default();
            let sum: &mut u64 = times.entry(name.trim().to_owned()).or_default();
            *sum = sum.saturating_add(ran);
        }
        Times(times)
    }

    /// A thread that ended in between is not counted.
    pub(super) fn since(&self, before: &Times) -> Times {
        let earlier = |name: &str| before.0.get(name).copied().unwrap_or_default();
        Times(self.0.iter().map(|(name, ran)| (name.clone(), ran.saturating_sub(earlier(name)))).collect())
    }

    /// Microseconds for each of so many, by thread.
    pub(super) fn for_each_of(&self, count: usize) -> String {
        let count = u64::try_from(count.max(1)).unwrap_or(u64::MAX);
        let each = |ran: u64| ran.checked_div(count.saturating_mul(1000)).unwrap_or_default();
        let ran = self.0.iter().map(|(name, ran)| (name, each(*ran))).filter(|(_, each)| *each > 0);
        let parts: Vec<String> = ran.map(|(name, each)| format!("{name} {each}")).collect();
        if parts.is_empty() { "not known on this system".to_owned() } else { parts.join(", ") }
    }
}

/// The averages over 1, 5 and 15 minutes.
pub(super) fn load_of_the_machine() -> String {
    let averages = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = averages.split(' ').take(3).collect();
    if averages.is_empty() { "not known".to_owned() } else { averages.join(" ") }
}
