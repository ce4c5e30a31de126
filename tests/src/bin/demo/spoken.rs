//! How the day begins: somebody speaks, with no connection, and the words appear. The voice is a clip of the corpus,
//! handed in as a microphone would; the recogniser is the real one.

use std::path::{Path, PathBuf};

use pocketdesk_domain::model::{DictateInto, DraftView, Sound};
use pocketdesk_ffi::Pocketdesk;
use symphonia::core::{
    codecs::audio::AudioDecoderOptions,
    formats::{FormatOptions, TrackType, probe::Hint},
    io::MediaSourceStream,
    meta::MetadataOptions,
};

use crate::story::Story;

/// «У нас на третьем этаже не печатает принтер…»
const CLIP: &str = "corpus/voice/ru_00_clean.flac";
/// Samples of a tenth of a second.
const CHUNK: usize = 1_600;

/// The folder of speech models, where there is one that can be used.
pub fn models() -> Option<PathBuf> {
    pocketdesk_models::cached("silero")?;
    Some(pocketdesk_models::cached("base-q5_1")?.parent()?.to_owned())
}

/// Says a ticket: the draft it became, nothing sent.
pub async fn ticket(app: &Pocketdesk, story: &Story) -> Result<DraftView, String> {
    let voice = decoded(&Path::new(env!("CARGO_MANIFEST_DIR")).join(CLIP))?;
    let what = Sound { rate: 16_000, channels: 1, language: None, live: true };
    let dictation = app
        .start_dictation(None, DictateInto::Ticket, what)
        .await
        .map_err(|why| format!("the dictation did not begin: {why}"))?;
    let speaks = async {
        for chunk in voice.chunks(CHUNK) {
            let bytes = chunk.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            dictation.push(bytes).map_err(|why| format!("the sound was refused: {why}"))?;
            dictation.room().await;
        }
        dictation.stop().await.map_err(|why| format!("the dictation did not end in a draft: {why}"))
    };
    let hears = async {
        let mut shown = String::new();
        while let Some(heard) = dictation.next().await {
            let words = [heard.text, heard.stable].concat();
            if words.len() > shown.len() {
                story.tell(&format!("… {words}"));
                shown = words;
            }
        }
    };
    tokio::join!(speaks, hears).0
}

fn decoded(path: &Path) -> Result<Vec<i16>, String> {
    let trouble = |why: String| format!("{}: {why}", path.display());
    let file = std::fs::File::open(path).map_err(|why| trouble(why.to_string()))?;
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(|why| trouble(why.to_string()))?;
    let track = format.default_track(TrackType::Audio).and_then(|track| track.codec_params.clone());
    let codec = track.as_ref().and_then(|params| params.audio()).ok_or_else(|| trouble("no sound".into()))?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(codec, &AudioDecoderOptions::default())
        .map_err(|why| trouble(why.to_string()))?;
    let mut all = Vec::new();
    while let Some(packet) = format.next_packet().map_err(|why| trouble(why.to_string()))? {
        let mut samples = Vec::<i16>::new();
        decoder
            .decode(&packet)
            .map_err(|why| trouble(why.to_string()))?
            .copy_to_vec_interleaved(&mut samples);
        all.extend(samples);
    }
    Ok(all)
}
