//! Speech on the device, with one decoding thread, beside whisper.cpp's own full-context settings in the same process:
//! the goals of 4-voice. CPU time and counts are facts on a busy machine, too; what waits is reckoned from them on a
//! clock of its own ([`live`]), with the gain of a second thread that was measured on an idle one.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use pocketdesk_core::{
    env::{
        Body, Env, NetError, Remote,
        system::{FileSecrets, SystemClock, SystemRng, SystemWork},
    },
    voice::{self, Ask, Language, Transcriber, VoiceSettings, Weights},
};

use crate::{
    Args, Result,
    meter::{Meter, cpu_ms, quantile},
};

#[allow(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the core's tests, which use all of it and may unwrap"
)]
#[path = "../../../../../core/tests/suite/voice/corpus.rs"]
mod corpus;
mod live;
mod report;
#[allow(clippy::unwrap_used, reason = "shared with the core's tests, which may unwrap")]
#[path = "../../../../../core/tests/suite/voice/yardstick.rs"]
mod yardstick;

/// What two threads do in the time of one (4-voice's research, idle machine).
const SECOND_THREAD: f64 = 1.8;

/// The recogniser under test.
struct Voice {
    transcriber: Arc<dyn Transcriber>,
}

pub async fn run(args: &Args) -> Result<()> {
    let cached = |name| pocketdesk_models::cached(name).ok_or("no speech model: run `cargo x model base`");
    let weights = Weights { speech: cached("base-q5_1")?, gate: cached("silero")? };
    let folder = std::env::var_os("POCKETDESK_VOICE_CORPUS").map_or_else(corpus::travelling, Into::into);
    let clips = corpus::read(&folder);
    let speech: Vec<_> = clips.iter().filter(|clip| clip.language.is_some()).collect();
    let mut report = report::Report::default();
    let unloaded = resident_mb()?;

    let voice = Voice::new(&weights);
    let meter = Meter::start();
    voice.hear(&[], None).await?;
    report.load(meter.wall_ms(), meter.cpu_ms());
    for clip in &speech {
        report.ours(clip, live::speak(&*voice.transcriber, clip).await?);
        eprint!(".");
    }
    report.memory(peak_mb()? - unloaded);
    for clip in clips.iter().filter(|clip| clip.language.is_none()) {
        for language in [None, Some(Language::Russian), Some(Language::Ukrainian), Some(Language::English)] {
            report.silence(voice.hear(&clip.sound, language).await?.chars().count());
        }
    }
    let short =
        &speech.iter().find(|clip| clip.language.as_deref() == Some("en")).ok_or("no English clip")?.sound;
    report.cancels(voice.cancels(short, if args.small { 20 } else { 100 }).await?);
    let utterances = if args.small { 20 } else { 500 };
    report.growth(utterances, voice.growth(&short[..short.len().min(40_000)], utterances).await?);
    drop(voice);

    let mut full = yardstick::Yardstick::load(&weights.speech);
    for clip in &speech {
        let began = cpu_ms();
        let text = full.hear(&clip.sound, clip.language.as_deref().unwrap_or("en"), 1);
        report.full(clip, &text, cpu_ms() - began);
        eprint!(".");
    }
    eprintln!();
    print!("{}", report.printed());
    Ok(())
}

impl Voice {
    fn new(weights: &Weights) -> Self {
        let env = Env {
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
            secrets: Arc::new(FileSecrets::new("unused")),
            remote: Arc::new(NoNetwork),
            work: Arc::new(SystemWork::new(tokio::runtime::Handle::current())),
        };
        let found = weights.clone();
        let settings = VoiceSettings { threads: 1, ..VoiceSettings::default() };
        let transcriber = voice::transcriber(&env, Arc::new(move || Ok(found.clone())), settings);
        Self { transcriber }
    }

    async fn hear(&self, sound: &[i16], language: Option<Language>) -> Result<String> {
        let ask = Ask { language, partials: false, ..Ask::default() };
        let chunks = sound.chunks(1_600).map(|chunk| Ok(chunk.to_vec()));
        Ok(voice::transcribe(&*self.transcriber, ask, chunks).await?.text())
    }

    /// How long a cancelled decode goes on, ms of CPU or of the wall's clock, whichever is less.
    async fn cancels(&self, sound: &[i16], times: u32) -> Result<Vec<f64>> {
        let ask = Ask { language: Some(Language::English), partials: false, ..Ask::default() };
        let mut stopped = Vec::new();
        for round in 0..times {
            let listening = self.transcriber.start(ask)?;
            listening.push(sound)?;
            listening.stop();
            let until = cpu_ms() + 1_300.0 * f64::from(round) / f64::from(times);
            let patience = Meter::start();
            while cpu_ms() < until && patience.wall_ms() < 10_000.0 {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            let meter = Meter::start();
            listening.cancel();
            while listening.next().await.is_some() {}
            stopped.push(meter.wall_ms().min(meter.cpu_ms()));
        }
        Ok(stopped)
    }

    /// Memory gained over so many utterances, MB.
    async fn growth(&self, sound: &[i16], utterances: usize) -> Result<f64> {
        for _ in 0..5 {
            self.hear(sound, Some(Language::English)).await?;
        }
        let before = resident_mb()?;
        for _ in 0..utterances {
            self.hear(sound, Some(Language::English)).await?;
        }
        Ok(resident_mb()? - before)
    }
}

/// Memory of this process that lies in RAM now, MB.
fn resident_mb() -> Result<f64> {
    status_mb("VmRSS:")
}

/// The most of it so far.
fn peak_mb() -> Result<f64> {
    status_mb("VmHWM:")
}

fn status_mb(name: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find(|line| line.starts_with(name)).ok_or("the system says nothing of memory")?;
    let kb: f64 = line.split_whitespace().nth(1).ok_or("no number of KB")?.parse()?;
    Ok(kb * 1024.0 / 1e6)
}

/// Speech never leaves the device.
struct NoNetwork;

impl Remote for NoNetwork {
    fn send(
        &self,
        _: http::Request<bytes::Bytes>,
    ) -> BoxFuture<'static, Result<http::Response<Body>, NetError>> {
        Box::pin(async { Err(NetError::Unreachable) })
    }
}
