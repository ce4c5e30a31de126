//! Reading a recording of the person's, packet by packet: however long it is, no more than a packet is in memory.

use std::{fs::File, io, path::Path, sync::LazyLock};

use symphonia::core::{
    codecs::{
        audio::{AudioDecoder, AudioDecoderOptions},
        registry::CodecRegistry,
    },
    errors::Error,
    formats::{FormatOptions, FormatReader, TrackType, probe::Hint},
    io::MediaSourceStream,
    meta::MetadataOptions,
};

/// Damaged packets in a row after which the rest is taken for damaged too.
const DAMAGED_IN_A_ROW: u32 = 50;

/// Why a file cannot be heard. Each is a key of a sentence in `texts`.
#[derive(Debug)]
pub enum SoundError {
    /// It cannot be read.
    File(io::Error),
    /// It is no sound file this program knows.
    Format,
    /// There is no sound in it.
    NoTrack,
    /// The sound in it is of a kind this program does not know.
    Codec,
    /// Not one packet of it can be read.
    Damaged,
}

/// What was found of a file that is not as it should be, once it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trouble {
    /// It ends before it should.
    pub cut: bool,
    /// Some of it could not be read and was left out.
    pub damaged: bool,
}

/// See the module.
pub struct SoundFile {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    /// Frames a second.
    pub rate: u32,
    /// Interleaved channels.
    pub channels: u16,
    /// Frames it says it has, if it does.
    expected: Option<u64>,
    frames: u64,
    trouble: Trouble,
    /// Decoded ahead to learn rate and channels; they are the decoder's to say.
    first: Option<Vec<i16>>,
}

/// Symphonia's own decoders, and libopus.
static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut codecs = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut codecs);
    codecs.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
    codecs
});

impl SoundFile {
    /// Opens a file and reads its first packet.
    #[allow(
        clippy::disallowed_methods,
        reason = "a decoder seeks in the person's own file, which is never the core's"
    )]
    pub fn open(path: &Path) -> Result<Self, SoundError> {
        let file = File::open(path).map_err(SoundError::File)?;
        if file.metadata().is_ok_and(|facts| facts.is_dir()) {
            return Err(SoundError::File(io::ErrorKind::IsADirectory.into()));
        }
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|end| end.to_str()) {
            hint.with_extension(extension);
        }
        let stream = MediaSourceStream::new(Box::new(file), Default::default());
        let format = symphonia::default::get_probe()
            .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|why| match why {
                Error::IoError(why) if why.kind() != io::ErrorKind::UnexpectedEof => SoundError::File(why),
                _ => SoundError::Format,
            })?;
        let (track, expected, decoder) = begin(&*format)?;
        let mut sound = Self {
            format,
            decoder,
            track,
            rate: 0,
            channels: 0,
            expected,
            frames: 0,
            trouble: Trouble::default(),
            first: None,
        };
        match sound.sound()? {
            Some(first) => sound.first = Some(first),
            // A file of no length at all is whole, and silent.
            None if expected == Some(0) => (sound.rate, sound.channels) = (16_000, 1),
            None => return Err(SoundError::Damaged),
        }
        Ok(sound)
    }

    /// The next frames; none at the end.
    pub fn sound(&mut self) -> Result<Option<Vec<i16>>, SoundError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let mut in_a_row = 0;
        loop {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(None),
                // One recording after another in one file: all of it was said.
                Err(Error::ResetRequired) => {
                    (self.track, _, self.decoder) = begin(&*self.format)?;
                    self.expected = None;
                    continue;
                }
                Err(Error::IoError(why)) if why.kind() == io::ErrorKind::UnexpectedEof => {
                    self.trouble.cut = true;
                    return Ok(None);
                }
                Err(Error::IoError(why)) => return Err(SoundError::File(why)),
                Err(_) => {
                    self.trouble.damaged = true;
                    return Ok(None);
                }
            };
            if packet.track_id != self.track {
                continue;
            }
            let decoded = match self.decoder.decode(&packet) {
                Ok(decoded) => decoded,
                Err(_) if in_a_row < DAMAGED_IN_A_ROW => {
                    (self.trouble.damaged, in_a_row) = (true, in_a_row + 1);
                    continue;
                }
                Err(_) => return Ok(None),
            };
            let (rate, channels) = (decoded.spec().rate(), decoded.spec().channels().count());
            if decoded.frames() == 0 {
                continue;
            }
            if self.rate == 0 {
                self.rate = rate;
                self.channels = u16::try_from(channels).map_err(|_| SoundError::Codec)?;
            } else if (rate, channels) != (self.rate, usize::from(self.channels)) {
                // Sound that changes its shape half-way is not one recording.
                self.trouble.damaged = true;
                return Ok(None);
            }
            let mut samples = Vec::new();
            decoded.copy_to_vec_interleaved(&mut samples);
            self.frames += decoded.frames() as u64;
            return Ok(Some(samples));
        }
    }

    /// What was wrong with it, once it was read to its end.
    pub fn trouble(&self) -> Trouble {
        // Half a second may be what an encoder adds.
        let missing = self.expected.is_some_and(|all| all > self.frames + u64::from(self.rate) / 2);
        Trouble { cut: self.trouble.cut || (missing && !self.trouble.damaged), ..self.trouble }
    }
}

/// The track with the sound, how many frames it says it has, and what decodes it.
type Begun = (u32, Option<u64>, Box<dyn AudioDecoder>);

fn begin(format: &dyn FormatReader) -> Result<Begun, SoundError> {
    let track = format.default_track(TrackType::Audio).ok_or(SoundError::NoTrack)?;
    let codec = track.codec_params.as_ref().and_then(|params| params.audio()).ok_or(SoundError::Codec)?;
    let decoder =
        CODECS.make_audio_decoder(codec, &AudioDecoderOptions::default()).map_err(|_| SoundError::Codec)?;
    Ok((track.id, track.num_frames, decoder))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How loud each fifth of a second is.
    fn loudness(path: &Path) -> Vec<f64> {
        let mut sound = SoundFile::open(path).unwrap_or_else(|why| panic!("{}: {why:?}", path.display()));
        let mut samples = Vec::new();
        while let Some(more) = sound.sound().unwrap() {
            samples.extend(more);
        }
        assert_eq!(sound.trouble(), Trouble::default(), "{}", path.display());
        let fifth = sound.rate as usize / 5 * usize::from(sound.channels);
        let power = |part: &[i16]| part.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>();
        samples.chunks(fifth).map(|part| (power(part) / fifth as f64).sqrt()).collect()
    }

    /// The files were made of the corpus' clip by LAME, libopus and FFmpeg's Vorbis and AAC.
    #[test]
    fn what_phones_and_messengers_record_is_heard_as_it_was_said() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let said = loudness(&here.join("../tests/corpus/voice/en_08_clean.flac"));
        for name in ["spoken.mp3", "spoken.ogg", "spoken.opus", "spoken.m4a"] {
            let heard = loudness(&here.join("tests/sound").join(name));
            assert!(
                heard.len().abs_diff(said.len()) <= 1,
                "{name}: {} of {} fifths",
                heard.len(),
                said.len()
            );
            let apart: f64 = said.iter().zip(&heard).map(|(said, heard)| (said - heard).abs()).sum();
            let all: f64 = said.iter().sum();
            assert!(apart < all / 4.0, "{name}: it differs by {:.0} %", apart / all * 100.0);
        }
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a file of the person's is made")]
    fn recordings_that_were_put_one_after_another_into_a_file_are_all_heard() {
        let one = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sound/spoken.opus");
        let folder = tempfile::tempdir().unwrap();
        let both = folder.path().join("both.ogg");
        std::fs::write(&both, std::fs::read(&one).unwrap().repeat(2)).unwrap();
        let (one, both) = (loudness(&one), loudness(&both));
        assert!(both.len().abs_diff(one.len() * 2) <= 1, "{} of {} fifths", both.len(), one.len() * 2);
    }
}
