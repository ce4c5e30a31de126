//! Real weights and real audio: the recogniser is never replaced. Where there are no weights (`cargo x model base`)
//! these tests say so and pass; with `CI=true` they fail.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pocketdesk_core::{
    env::{
        Env,
        system::{FileSecrets, SystemClock, SystemRng, SystemWork},
    },
    voice::{self, Ask, Language, Transcriber, VoiceError, VoiceSettings, Weights},
};
use pocketdesk_domain::dictation::Transcript;
use tokio::runtime::{Handle, Runtime};

mod accuracy;
mod border;
pub mod corpus;
mod life;
mod yardstick;

/// One at a time: two decodes on a busy machine burn ten times the CPU, and times mean nothing.
static TURN: Mutex<()> = Mutex::new(());

/// A recogniser with one decoding thread, and the runtime it is listened to on.
struct Bench {
    transcriber: Arc<dyn Transcriber>,
    weights: Weights,
    runtime: Runtime,
    _turn: MutexGuard<'static, ()>,
}

/// Whether everything is to be done, not the part that fits into every run.
fn nightly() -> bool {
    std::env::var_os("POCKETDESK_NIGHTLY").is_some()
}

/// The weights, or a line that says what is not tested.
#[allow(clippy::print_stdout, reason = "a skip has to be seen")]
fn weights() -> Option<Weights> {
    let found = pocketdesk_models::cached("base-q5_1").zip(pocketdesk_models::cached("silero"));
    if found.is_none() {
        let missing = "SKIPPED: no speech model in the cache folder; `cargo x model base` makes one";
        assert!(
            std::env::var("CI").is_ok_and(|ci| ci != "true") || std::env::var("CI").is_err(),
            "{missing}"
        );
        println!("{missing}");
    }
    found.map(|(speech, gate)| Weights { speech, gate })
}

impl Bench {
    fn new() -> Option<Self> {
        Self::with(VoiceSettings { threads: 1, ..VoiceSettings::default() })
    }

    fn with(settings: VoiceSettings) -> Option<Self> {
        let weights = weights()?;
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = Runtime::new().unwrap();
        let found = weights.clone();
        let env = env(runtime.handle().clone());
        let transcriber = voice::transcriber(&env, Arc::new(move || Ok(found.clone())), settings);
        Some(Self { transcriber, weights, runtime, _turn: turn })
    }

    /// Hears a whole recording in chunks of 0.1 s, as fast as it can.
    fn hear(&self, sound: &[i16], language: Option<&str>) -> Result<Transcript, VoiceError> {
        let language = language.map(|code| Language::from_code(code).unwrap());
        let ask = Ask { language, partials: false, ..Ask::default() };
        let chunks = sound.chunks(1_600).map(|chunk| Ok(chunk.to_vec()));
        self.runtime.block_on(voice::transcribe(&*self.transcriber, ask, chunks))
    }
}

fn env(runtime: Handle) -> Env {
    Env {
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
        secrets: Arc::new(FileSecrets::new("unused")),
        remote: Arc::new(NoNetwork),
        work: Arc::new(SystemWork::new(runtime)),
    }
}

/// Speech never leaves the device: nothing is ever sent.
struct NoNetwork;

impl pocketdesk_core::env::Remote for NoNetwork {
    fn send(
        &self,
        request: http::Request<bytes::Bytes>,
    ) -> futures_util::future::BoxFuture<
        'static,
        Result<http::Response<pocketdesk_core::env::Body>, pocketdesk_core::env::NetError>,
    > {
        panic!("the recogniser asked for {}", request.uri())
    }
}
