//! Read what processes cost: CPU time, memory, bytes written.

use nix::sys::resource::{UsageWho, getrusage};
use std::fs;
use std::time::Duration;

/// What a set of processes has used since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// CPU time of all threads.
    pub cpu: Duration,
    /// Bytes written to storage.
    pub written_bytes: u64,
    /// Largest resident memory of one process, in bytes.
    pub resident_bytes_max: u64,
}

/// Clock ticks a second in `/proc`; Linux fixes it at 100 for programs.
const TICKS_PER_S: u64 = 100;

/// Sums the usage of `pids`; a process that is gone counts nothing.
pub fn usage(pids: &[u32]) -> Usage {
    pids.iter().fold(Usage::default(), |sum, pid| {
        let cpu = Duration::from_millis(cpu_ticks(*pid).unwrap_or(0) * 1_000 / TICKS_PER_S);
        Usage {
            cpu: sum.cpu + cpu,
            written_bytes: sum.written_bytes + field(*pid, "io", "write_bytes:").unwrap_or(0),
            resident_bytes_max: sum
                .resident_bytes_max
                .max(field(*pid, "status", "VmRSS:").unwrap_or(0) * 1_024),
        }
    })
}

/// User and system time of a process in ticks: fields 14 and 15 of `/proc/PID/stat`, counted
/// after the closing parenthesis, since the name before it may hold anything.
fn cpu_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn field(pid: u32, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// CPU time of this process.
pub fn own_cpu() -> Duration {
    cpu_of(UsageWho::RUSAGE_SELF)
}

/// CPU time of this thread.
pub fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.max(0) as u64, time.tv_nsec as u32)
}

fn cpu_of(who: UsageWho) -> Duration {
    let Ok(usage) = getrusage(who) else { return Duration::ZERO };
    let duration = |time: nix::sys::time::TimeVal| {
        Duration::new(time.tv_sec().max(0) as u64, (time.tv_usec().max(0) * 1_000) as u32)
    };
    duration(usage.user_time()) + duration(usage.system_time())
}

/// Name of the processor and number of cores, for the report.
pub fn hardware() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores")
}
