//! How many CPUs this process may keep busy: the default size of a pool.
//!
//! Two things bound it, and both count: the affinity mask (`taskset`, cpusets) and
//! the CPU quota of a cgroup, which is how containers are limited. A quota is a
//! share of time, so it has a fraction, and every group on the path up to the
//! root may set one; the tightest holds. The usual answers each see a part:
//!
//! | | a quota of 1.5 CPUs | quotas it reads | where it looks for cgroup v2 |
//! |---|---|---|---|
//! | `std::thread::available_parallelism` | 1 | own group and all above | the usual mount point |
//! | `num_cpus::get` 1.17 | 2 | own group alone, once for all | the first mount |
//! | here | 2 | own group and all above | every mount that shows the group |
//!
//! Rounded up, because a worker too few leaves paid-for time unused, while a
//! worker too many merely waits for the next period; Go, Java and .NET round up too.
//!
//! The answer is read afresh at each call, and files that are missing or hold
//! nonsense bound nothing.

use std::{
    fs,
    path::{Component, Path, PathBuf},
    time::{Duration, Instant},
};

use crate::affinity;

/// CPUs that this process may use, 1 or more: those of its affinity mask, or its
/// CPU quota rounded up if that is less.
pub(crate) fn available() -> usize {
    // Miri has one CPU and no files.
    if cfg!(miri) || !cfg!(any(target_os = "linux", target_os = "android")) {
        return num_cpus::get().max(1);
    }
    let read = |path: &Path| Some(String::from_utf8_lossy(&fs::read(path).ok()?).into_owned());
    allowed(read, in_mask())
}

/// CPUs in the affinity mask, 1 or more. `num_cpus` would bound them by the quota that it has
/// seen first.
pub(crate) fn in_mask() -> usize {
    affinity::cpus().unwrap_or_else(num_cpus::get)
}

/// The same in a file system that is seen through `read`, with so many CPUs in
/// the affinity mask.
pub(crate) fn allowed(read: impl Fn(&Path) -> Option<String>, mask: usize) -> usize {
    quota(read).unwrap_or(usize::MAX).min(mask).max(1)
}

/// The tightest CPU quota of the groups this process is in, rounded up; `None`
/// where nothing limits it. Sees the file system through `read` alone.
fn quota(read: impl Fn(&Path) -> Option<String>) -> Option<usize> {
    let groups = read(Path::new("/proc/self/cgroup"))?;
    let mounts = read(Path::new("/proc/self/mountinfo"))?;
    let groups: Vec<Group> = groups.lines().filter_map(Group::parse).collect();
    let mounts = mounts.lines().filter_map(Mount::parse);
    let tightest = mounts
        .flat_map(|mount| groups.iter().filter_map(move |group| mount.levels(group)))
        .flatten()
        .filter_map(|(version, level)| version.quota(&level, &read))
        .min()?;
    Some(usize::try_from(tightest).unwrap_or(usize::MAX).max(1))
}

/// How much this process makes of the CPUs, from some moment on.
pub(crate) struct Load {
    since: Instant,
    used: Option<Duration>,
}

impl Load {
    pub(crate) fn begin() -> Self {
        Load { since: Instant::now(), used: time_used() }
    }

    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// Has it used so many since, but for three quarters of one? It has, where nobody says.
    pub(crate) fn uses(&self, cpus: u32) -> bool {
        self.would_use(cpus, self.since.elapsed(), time_used())
    }

    fn would_use(&self, cpus: u32, elapsed: Duration, used: Option<Duration>) -> bool {
        let (Some(before), Some(now)) = (self.used, used) else { return true };
        now.saturating_sub(before) + elapsed * 3 / 4 >= elapsed.saturating_mul(cpus)
    }
}

/// Is it known how much of the CPUs is used?
pub(crate) fn load_is_known() -> bool {
    time_used().is_some()
}

/// The time that all threads of this process have run.
fn time_used() -> Option<Duration> {
    #[cfg(all(target_os = "linux", not(any(loom, shuttle, miri))))]
    {
        use rustix::time::{ClockId, clock_gettime};
        Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).ok()
    }
    #[cfg(not(all(target_os = "linux", not(any(loom, shuttle, miri)))))]
    None
}

/// The two generations of cgroups; a hybrid system mounts both, and only one of
/// them has the CPU controller.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

impl Version {
    /// The quota that the group in directory `level` sets itself, in whole CPUs.
    fn quota(self, level: &Path, read: &impl Fn(&Path) -> Option<String>) -> Option<u64> {
        let (quota, period) = match self {
            Version::V1 => {
                (read(&level.join("cpu.cfs_quota_us"))?, read(&level.join("cpu.cfs_period_us"))?)
            }
            Version::V2 => {
                let max = read(&level.join("cpu.max"))?;
                let (quota, period) = max.trim().split_once(' ')?;
                (quota.to_owned(), period.to_owned())
            }
        };
        // No limit is `-1` in v1 and `max` in v2: no number, no quota.
        let (quota, period) = (quota.trim().parse::<u64>().ok()?, period.trim().parse().ok()?);
        (period > 0).then(|| quota.div_ceil(period))
    }
}

/// A line of `/proc/self/cgroup` that can matter here.
struct Group<'a> {
    version: Version,
    path: &'a Path,
}

impl<'a> Group<'a> {
    /// `4:cpu,cpuacct:/docker/ab12` (v1) or `0::/user.slice` (v2).
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.splitn(3, ':').skip(1);
        let version = match fields.next()? {
            "" => Version::V2,
            controllers if controllers.split(',').any(|name| name == "cpu") => Version::V1,
            _ => return None,
        };
        Some(Group { version, path: Path::new(fields.next()?) })
    }
}

/// A line of `/proc/self/mountinfo` that shows groups.
struct Mount {
    version: Version,
    /// The group that the mount point shows; `/` unless it is a bind mount.
    root: PathBuf,
    point: PathBuf,
}

impl Mount {
    /// `35 31 0:32 ROOT POINT rw shared:7 - TYPE SOURCE rw,cpu`
    fn parse(line: &str) -> Option<Self> {
        let (place, kind) = line.split_once(" - ")?;
        let mut kind = kind.split(' ');
        let version = match kind.next()? {
            "cgroup2" => Version::V2,
            "cgroup" if kind.nth(1)?.split(',').any(|option| option == "cpu") => Version::V1,
            _ => return None,
        };
        let mut place = place.split(' ').skip(3).map(unescaped);
        Some(Mount { version, root: place.next()?, point: place.next()? })
    }

    /// The directories from `group` up to the mount point; `None` if this mount
    /// does not show that group.
    fn levels(&self, group: &Group<'_>) -> Option<Vec<(Version, PathBuf)>> {
        if self.version != group.version {
            return None;
        }
        let below = group.path.strip_prefix(&self.root).ok()?;
        // A group outside this process's cgroup namespace is shown as `/../x`.
        if !below.components().all(|part| matches!(part, Component::Normal(_))) {
            return None;
        }
        let own = self.point.join(below);
        let levels = own.ancestors().take(1 + below.components().count());
        Some(levels.map(|level| (self.version, level.to_owned())).collect())
    }
}

/// Undoes the kernel's escapes of blanks and backslashes in a field.
fn unescaped(field: &str) -> PathBuf {
    let blanks = field.replace(r"\040", " ").replace(r"\011", "\t").replace(r"\012", "\n");
    blanks.replace(r"\134", r"\").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2_MOUNT: &str = "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
    const V1_MOUNT: &str = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct";

    /// The quota that a system with these files gives.
    fn quota_of(cgroup: &str, mountinfo: &str, files: &[(&str, &str)]) -> Option<usize> {
        quota(|path| match path.to_str()? {
            "/proc/self/cgroup" => Some(cgroup.to_owned()),
            "/proc/self/mountinfo" => Some(mountinfo.to_owned()),
            _ => {
                let file = files.iter().find(|(name, _)| Path::new(name) == path)?;
                Some(file.1.to_owned())
            }
        })
    }

    fn v2(cgroup: &str, files: &[(&str, &str)]) -> Option<usize> {
        quota_of(cgroup, V2_MOUNT, files)
    }

    #[test]
    fn a_fraction_of_a_cpu_is_rounded_up() {
        let max = |text| v2("0::/app", &[("/sys/fs/cgroup/app/cpu.max", text)]);
        assert_eq!(max("150000 100000\n"), Some(2));
        assert_eq!(max("200000 100000\n"), Some(2));
        assert_eq!(max("5000 100000\n"), Some(1));
        assert_eq!(max("max 100000\n"), None);
    }

    #[test]
    fn the_tightest_level_counts() {
        let parent = ("/sys/fs/cgroup/pod/cpu.max", "250000 100000\n");
        let child = ("/sys/fs/cgroup/pod/app/cpu.max", "800000 100000\n");
        assert_eq!(v2("0::/pod/app", &[parent, child]), Some(3));
        assert_eq!(v2("0::/pod/app", &[child]), Some(8));
        assert_eq!(v2("0::/pod/app/leaf", &[parent]), Some(3));
        assert_eq!(v2("0::/other", &[parent, child]), None);
    }

    #[test]
    fn the_root_of_a_cgroup_namespace_has_a_quota_too() {
        assert_eq!(v2("0::/", &[("/sys/fs/cgroup/cpu.max", "300000 100000\n")]), Some(3));
    }

    #[test]
    fn a_mount_of_a_subtree_is_entered_at_its_root() {
        let mount = "41 31 0:38 /docker/ab12 /sys/fs/cgroup ro - cgroup2 cgroup2 rw";
        let files = [("/sys/fs/cgroup/cpu.max", "400000 100000"), ("/cpu.max", "1 1")];
        assert_eq!(quota_of("0::/docker/ab12", mount, &files), Some(4));
        assert_eq!(quota_of("0::/docker/ab12/in", mount, &files), Some(4));
        assert_eq!(quota_of("0::/docker/other", mount, &files), None);
        assert_eq!(v2("0::/../outside", &[("/sys/fs/cgroup/cpu.max", "1 1")]), None);
    }

    #[test]
    fn v1_has_a_file_for_each_number() {
        let files = [
            ("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "150000\n"),
            ("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "50000\n"),
            ("/sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n"),
            ("/sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n"),
        ];
        let cgroup = "9:name=systemd:/x\n4:cpu,cpuacct:/a/b\n3:cpuset:/";
        assert_eq!(quota_of(cgroup, V1_MOUNT, &files), Some(3));
        assert_eq!(quota_of("3:cpuset:/a", V1_MOUNT, &files), None);
    }

    #[test]
    fn v1_has_its_numbers_where_the_cpu_controller_is() {
        let elsewhere = "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
        let files = [
            ("/sys/fs/cgroup/memory/cpu.cfs_quota_us", "100000"),
            ("/sys/fs/cgroup/memory/cpu.cfs_period_us", "100000"),
        ];
        assert_eq!(quota_of("4:cpu:/", elsewhere, &files), None);
    }

    #[test]
    fn a_hybrid_system_is_limited_where_its_cpu_controller_is() {
        let mounts = format!("{V1_MOUNT}\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 c rw");
        let v1 = [
            ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000"),
            ("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000"),
        ];
        assert_eq!(quota_of("1:cpu:/\n0::/init", &mounts, &v1), Some(2));
        let v2 = [("/sys/fs/cgroup/unified/init/cpu.max", "50000 100000")];
        assert_eq!(quota_of("1:cpu:/\n0::/init", &mounts, &v2), Some(1));
    }

    #[test]
    fn a_blank_in_a_path_is_unescaped() {
        let mount = r"41 31 0:38 / /my\040groups rw - cgroup2 cgroup2 rw";
        let files = [("/my groups/a b/cpu.max", "200000 100000")];
        assert_eq!(quota_of("0::/a b", mount, &files), Some(2));
    }

    #[test]
    fn nonsense_bounds_nothing() {
        for text in ["", "max", "7", "x y", "100000 0", "-5 100000", "1 2 3", "9 \u{fffd}"] {
            assert_eq!(v2("0::/", &[("/sys/fs/cgroup/cpu.max", text)]), None, "{text:?}");
        }
        assert_eq!(v2("0::/", &[]), None);
        assert_eq!(v2("nonsense\n::\n0:", &[("/sys/fs/cgroup/cpu.max", "1 1")]), None);
        assert_eq!(quota_of("0::/", "nonsense\n - \n - cgroup", &[]), None);
        assert_eq!(quota(|_| None), None);
    }

    #[test]
    fn cpus_are_used_if_at_most_three_quarters_of_one_are_not() {
        let ms = Duration::from_millis;
        let load = |used| Load { since: Instant::now(), used };
        let uses = |cpus, used: u64| load(Some(ms(5))).would_use(cpus, ms(100), Some(ms(5 + used)));
        assert!(uses(1, 25) && !uses(1, 24));
        assert!(uses(2, 125) && !uses(2, 124));
        assert!(uses(4, 325) && !uses(4, 324));
        // Where nobody says.
        assert!(load(None).would_use(2, ms(100), Some(ms(0))));
        assert!(load(Some(ms(5))).would_use(2, ms(100), None));
    }

    #[test]
    #[cfg(all(target_os = "linux", not(any(loom, shuttle, miri))))]
    fn what_all_threads_have_run_is_their_use() {
        let load = Load::begin();
        let until = load.used.unwrap() + Duration::from_millis(20);
        while time_used().unwrap() < until {
            std::hint::spin_loop();
        }
        assert!(load.would_use(1, Duration::from_millis(80), time_used()));
        assert!(load.uses(0));
        assert!(!load.would_use(u32::MAX, load.since.elapsed(), time_used()));
    }

    #[test]
    fn there_is_always_a_cpu() {
        assert!(available() >= 1);
        assert!(available() <= in_mask());
        let read = |path: &Path| fs::read_to_string(path).ok();
        assert_eq!(available(), allowed(read, in_mask()));
    }
}
