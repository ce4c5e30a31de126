//! Cancelling, unloading, and days of use.

use std::time::{Duration, Instant};

use pocketdesk_core::voice::{Ask, Language, VoiceEvent, VoiceSettings};

use super::{
    Bench,
    corpus::{self, Errors},
    nightly,
};

/// CPU time of this process: on a busy machine a wall clock says more about the others.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[test]
fn who_cancels_is_not_kept_waiting_wherever_the_recogniser_is() {
    let Some(bench) = Bench::new() else { return };
    let clip = corpus::clip("en_04_clean.flac");
    let ask = Ask { language: Some(Language::English), partials: false, ..Ask::default() };
    let before = bench.hear(&clip.sound, Some("en")).unwrap();
    let rounds = if nightly() { 200 } else { 20 };
    let mut done = 0;
    let mut stopped: Vec<Duration> = (0..rounds)
        .map(|round| {
            let listening = bench.transcriber.start(ask).unwrap();
            listening.push(&clip.sound).unwrap();
            listening.stop();
            // From the gate over every part of the encoder to the words.
            let until = cpu() + Duration::from_millis(1_200) * round / rounds;
            let patience = Instant::now();
            while cpu() < until && patience.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(2));
            }
            let (wall, spent) = (Instant::now(), cpu());
            listening.cancel();
            let returned = wall.elapsed();
            assert!(returned < Duration::from_millis(100), "cancel itself took {returned:?}");
            while let Some(event) = bench.runtime.block_on(listening.next()) {
                done += u32::from(matches!(event, VoiceEvent::Done(_)));
            }
            // Neither clock can be too short: others take the wall's time, this process's other threads the CPU's.
            wall.elapsed().min(cpu() - spent)
        })
        .collect();
    stopped.sort();
    assert!(done <= rounds / 3, "{done} of {rounds} were through already: that proves nothing");
    let p99 = stopped[(stopped.len() * 99).div_ceil(100) - 1];
    println!(
        "cancelled decodes stop within {p99:?} (p99 of {rounds}), median {:?}",
        stopped[stopped.len() / 2]
    );
    assert!(p99 <= Duration::from_millis(600), "{stopped:?}");
    let after = bench.hear(&clip.sound, Some("en")).unwrap();
    assert_eq!(after, before, "the same state hears the same again");
}

#[test]
fn a_model_nobody_uses_is_freed_and_comes_back() {
    if super::weights().is_some() {
        alone("voice::life::idle_for_long");
    }
}

#[test]
#[ignore = "a_model_nobody_uses_is_freed_and_comes_back runs it alone"]
fn idle_for_long() {
    // Long enough that a busy machine measures before the model goes.
    let settings = VoiceSettings { threads: 1, idle_ms: 3_000 };
    let Some(bench) = Bench::with(settings) else { return };
    let clip = corpus::clip("en_08_clean.flac");
    let before = bench.hear(&clip.sound, Some("en")).unwrap();
    let (loaded, patience) = (resident_kb(), Instant::now());
    while resident_kb() + 50_000 > loaded {
        assert!(patience.elapsed() < Duration::from_secs(30), "60 MB of weights are still there");
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("{} KB freed", loaded - resident_kb());
    assert_eq!(bench.hear(&clip.sound, Some("en")).unwrap(), before);
    bench.transcriber.unload();
    assert_eq!(bench.hear(&clip.sound, Some("en")).unwrap(), before, "right after an unload");
}

#[test]
fn long_dictation_does_not_go_astray() {
    let Some(bench) = Bench::new() else { return };
    let clips: Vec<_> = ["en_04_clean", "en_08_clean", "en_05_pause"]
        .map(|file| corpus::clip(&format!("{file}.flac")))
        .into();
    let seconds = if nightly() { 30 * 60 } else { 2 * 60 };
    let (mut sound, mut said) = (Vec::new(), String::new());
    for clip in clips.iter().cycle() {
        if sound.len() / 16_000 >= seconds {
            break;
        }
        sound.extend_from_slice(&clip.sound);
        sound.resize(sound.len() + 16_000, 0);
        said.push_str(&clip.text);
        said.push(' ');
    }
    let heard = bench.hear(&sound, Some("en")).unwrap();
    let errors = Errors::between(&said, &heard.text());
    println!("{} s: WER {:.1} %, {} segments", sound.len() / 16_000, errors.rate(), heard.segments.len());
    assert!(errors.rate() <= 8.0, "{}", heard.text());
    assert!(heard.segments.windows(2).all(|pair| pair[0].end_ms <= pair[1].start_ms));
    assert!(heard.segments.iter().all(|segment| segment.end_ms - segment.start_ms <= 25_100));
}

#[test]
fn day_after_day_no_memory_is_lost() {
    if super::weights().is_some() {
        let said = alone("voice::life::many_utterances");
        assert!(said.contains("utterances:"), "it ran: {said}");
    }
}

/// Runs an ignored test in a process of its own: what other tests allocate is not the recogniser's. What it said.
#[allow(clippy::print_stdout, reason = "what the other process says is this test's log")]
fn alone(test: &str) -> String {
    let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
    alone.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    let done = alone.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    print!("{said}");
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("1 passed"), "it ran: {said}");
    said
}

#[test]
#[ignore = "day_after_day_no_memory_is_lost runs it alone"]
fn many_utterances() {
    let Some(bench) = Bench::new() else { return };
    let clip = corpus::clip("en_08_clean.flac");
    let short = &clip.sound[..40_000];
    let hear = |times: usize| {
        for _ in 0..times {
            assert!(!bench.hear(short, Some("en")).unwrap().segments.is_empty());
        }
    };
    let utterances = if nightly() { 500 } else { 50 };
    hear(5);
    let before = resident_kb();
    hear(utterances);
    let grown = resident_kb().saturating_sub(before);
    println!("{utterances} utterances: {grown} KB more");
    assert!(grown <= 1_024, "{grown} KB more after {utterances} utterances");
}

/// Memory of this process that lies in RAM.
fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
