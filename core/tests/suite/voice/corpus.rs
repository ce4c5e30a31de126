//! Recorded speech with what was said, and how many words of it were misheard.
//!
//! A few clips travel with the project (`tests/corpus/voice`; synthetic voices). `POCKETDESK_VOICE_CORPUS` names a
//! folder of the same shape with more of them.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use symphonia::core::{
    codecs::audio::AudioDecoderOptions,
    formats::{FormatOptions, TrackType, probe::Hint},
    io::MediaSourceStream,
    meta::MetadataOptions,
};

/// A recording of the corpus.
#[derive(Debug, Clone, Deserialize)]
pub struct Clip {
    pub file: String,
    /// `None` = nobody speaks.
    pub language: Option<String>,
    /// `clean`, `noisy10dB`, `pauses` or `non-speech`.
    pub condition: String,
    /// What was said.
    pub text: String,
    /// s16, 16 kHz, mono.
    #[serde(skip)]
    pub sound: Vec<i16>,
}

/// The folder that travels with the project.
pub fn travelling() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("tests/corpus/voice")
}

/// All clips of a folder, with their sound.
pub fn read(folder: &Path) -> Vec<Clip> {
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap();
    let mut clips: Vec<Clip> = serde_json::from_slice(&manifest).unwrap();
    for clip in &mut clips {
        clip.sound = decoded(&folder.join(&clip.file));
    }
    clips
}

/// The clip of that name among those that travel.
pub fn clip(file: &str) -> Clip {
    let mut clips = read(&travelling());
    clips.retain(|clip| clip.file == file);
    clips.pop().unwrap_or_else(|| panic!("{file} is in the corpus"))
}

fn decoded(path: &Path) -> Vec<i16> {
    let file = Box::new(std::fs::File::open(path).unwrap_or_else(|why| panic!("{}: {why}", path.display())));
    let stream = MediaSourceStream::new(file, Default::default());
    let mut format = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        .unwrap();
    let track = format.default_track(TrackType::Audio).unwrap();
    let parameters = track.codec_params.as_ref().unwrap().audio().unwrap();
    assert_eq!(parameters.sample_rate, Some(16_000), "{}", path.display());
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .unwrap();
    let (mut sound, mut packet_sound) = (Vec::new(), Vec::new());
    while let Some(packet) = format.next_packet().unwrap() {
        decoder.decode(&packet).unwrap().copy_to_vec_interleaved::<i16>(&mut packet_sound);
        sound.append(&mut packet_sound);
    }
    sound
}

/// Words without what is a matter of taste: case, punctuation, ё.
pub fn plain_words(text: &str) -> Vec<String> {
    let letters: String = text
        .to_lowercase()
        .replace('ё', "е")
        .chars()
        .filter(|&letter| letter != '\'' && letter != '’')
        .map(|letter| if letter.is_alphanumeric() { letter } else { ' ' })
        .collect();
    letters.split_whitespace().map(str::to_owned).collect()
}

/// Words misheard, left out and made up, and words said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Errors {
    pub wrong: usize,
    pub said: usize,
}

impl Errors {
    /// The least number of changes that make what was heard what was said.
    pub fn between(said: &str, heard: &str) -> Self {
        let (said, heard) = (plain_words(said), plain_words(heard));
        let mut row: Vec<usize> = (0..=heard.len()).collect();
        for (at, word) in said.iter().enumerate() {
            let mut before = row[0];
            row[0] = at + 1;
            for (column, other) in heard.iter().enumerate() {
                let change = before + usize::from(word != other);
                before = row[column + 1];
                row[column + 1] = change.min(before + 1).min(row[column] + 1);
            }
        }
        Self { wrong: row[heard.len()], said: said.len() }
    }

    /// Word error rate in per cent.
    pub fn rate(self) -> f64 {
        100.0 * self.wrong as f64 / self.said.max(1) as f64
    }
}

impl std::ops::AddAssign for Errors {
    fn add_assign(&mut self, other: Self) {
        self.wrong += other.wrong;
        self.said += other.said;
    }
}

/// Whether a word or phrase is said over and over.
pub fn loops(text: &str) -> bool {
    let words = plain_words(text);
    (1..=6).any(|period| {
        words.windows(period * 4).any(|span| span.chunks(period).all(|chunk| chunk == &span[..period]))
    })
}

/// What whisper learnt from subtitles and says when it hears nothing.
pub fn credits(text: &str) -> bool {
    let text = text.to_lowercase();
    [
        "субтитр",
        "редактор",
        "корректор",
        "продолжение следует",
        "dimatorzok",
        "спасибо за просмотр",
        "дякую за перегляд",
        "thanks for watching",
        "thank you for watching",
        "subtitles",
        "copyright",
        "amara.org",
    ]
    .iter()
    .any(|credit| text.contains(credit))
}

#[test]
fn errors_are_counted_as_people_would() {
    let rate = |said, heard| Errors::between(said, heard);
    assert_eq!(rate("Не печатает принтер.", "не печатает, принтер"), Errors { wrong: 0, said: 3 });
    assert_eq!(rate("всё равно", "все ровно"), Errors { wrong: 1, said: 2 });
    assert_eq!(rate("a b c", "b c d e"), Errors { wrong: 3, said: 3 });
    assert_eq!(rate("a b", ""), Errors { wrong: 2, said: 2 });
    assert!(loops("ой мама ой мама ой мама ой мама") && !loops("да да да"));
}
