//! A recording as it is sent: FLAC, 16 kHz mono. Written block by block, so that an hour of it is never in memory.

use std::io::{self, Read};

use flacenc::{
    bitsink::ByteSink,
    component::{BitRepr as _, StreamInfo},
    config::Encoder,
    encode_fixed_size_frame,
    error::{Verified, Verify as _},
    source::{Fill as _, FrameBuf},
};

use super::super::pcm::RATE;

/// Frames of a block; the last one may be shorter.
const BLOCK: usize = 4_096;
/// Frames of the shortest block there is: less sound is followed by 2 ms of silence at most.
const LEAST: usize = 32;
/// Bits of a sample.
const BITS: usize = 16;

/// Frames of sound, some at a time; none at the end.
pub type Sound = Box<dyn FnMut() -> io::Result<Option<Vec<i16>>> + Send>;

/// FLAC of a sound, made as it is read.
pub struct FlacReader {
    sound: Sound,
    config: Verified<Encoder>,
    info: StreamInfo,
    /// Frames that do not fill a block yet.
    frames: Vec<i32>,
    blocks: usize,
    /// Encoded and not read yet.
    ready: Vec<u8>,
    at: usize,
    ended: bool,
}

impl FlacReader {
    /// Of `frames` frames, which `sound` gives: the head of the file says how many there are.
    pub fn new(frames: u64, sound: Sound) -> io::Result<Self> {
        // One thread: the recogniser has the others.
        let mut config = Encoder::default();
        config.multithread = false;
        let config = config.into_verified().map_err(|(_, why)| trouble(why))?;
        let info = StreamInfo::new(RATE as usize, 1, BITS).map_err(trouble)?;
        let ready = head(frames);
        Ok(Self { sound, config, info, frames: Vec::new(), blocks: 0, ready, at: 0, ended: false })
    }

    /// Encodes the next block; whether there was one.
    fn block(&mut self) -> io::Result<bool> {
        while self.frames.len() < BLOCK && !self.ended {
            match (self.sound)()? {
                Some(sound) => self.frames.extend(sound.into_iter().map(i32::from)),
                None => self.ended = true,
            }
        }
        if self.frames.is_empty() {
            return Ok(false);
        }
        if self.frames.len() < LEAST {
            self.frames.resize(LEAST, 0);
        }
        let count = self.frames.len().min(BLOCK);
        let mut block = FrameBuf::with_size(1, count).map_err(trouble)?;
        block.fill_interleaved(&self.frames[..count]).map_err(trouble)?;
        self.frames.drain(..count);
        let frame =
            encode_fixed_size_frame(&self.config, &block, self.blocks, &self.info).map_err(trouble)?;
        let mut bytes = ByteSink::new();
        frame.write(&mut bytes).map_err(trouble)?;
        self.blocks += 1;
        (self.ready, self.at) = (bytes.into_inner(), 0);
        Ok(true)
    }
}

impl Read for FlacReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() && !self.block()? {
            return Ok(0);
        }
        let count = into.len().min(self.ready.len() - self.at);
        into[..count].copy_from_slice(&self.ready[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// "fLaC" and the one metadata block a file must have.
fn head(frames: u64) -> Vec<u8> {
    let rest = frames % BLOCK as u64;
    let frames = if (1..LEAST as u64).contains(&rest) { frames - rest + LEAST as u64 } else { frames };
    let mut head = b"fLaC".to_vec();
    // The last metadata block, STREAMINFO, of 34 bytes.
    head.extend([0x80, 0, 0, 34]);
    let block = u16::try_from(BLOCK).expect("a block is small").to_be_bytes();
    head.extend([block, block].concat());
    // Least and most bytes of a block: not known.
    head.extend([0; 6]);
    // 20 bits of rate, 3 of channels - 1, 5 of bits - 1, 36 of frames.
    let facts = u64::from(RATE) << 44 | (BITS as u64 - 1) << 36 | frames & 0xf_ffff_ffff;
    head.extend(facts.to_be_bytes());
    // The digest of the sound: not computed. The file's own is, when it is kept.
    head.extend([0; 16]);
    head
}

fn trouble(why: impl std::fmt::Display) -> io::Error {
    io::Error::other(format!("the recording could not be compressed: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(frames: usize) -> Vec<i16> {
        (0..frames).map(|at| ((at as f64 / 9.0).sin() * 9_000.0) as i16 + (at * 31 % 97) as i16).collect()
    }

    fn encoded(spoken: &[i16]) -> Vec<u8> {
        let mut parts: Vec<Vec<i16>> = spoken.chunks(8_000).rev().map(<[i16]>::to_vec).collect();
        let next = Box::new(move || Ok(parts.pop()));
        let mut bytes = Vec::new();
        FlacReader::new(spoken.len() as u64, next).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// By a decoder that is not ours.
    fn decoded(bytes: Vec<u8>) -> (u32, Vec<i16>, Option<u64>) {
        use symphonia::core::{
            codecs::audio::AudioDecoderOptions,
            formats::{FormatOptions, TrackType, probe::Hint},
            io::MediaSourceStream,
            meta::MetadataOptions,
        };
        let stream = MediaSourceStream::new(Box::new(io::Cursor::new(bytes)), Default::default());
        let mut format = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .unwrap();
        let track = format.default_track(TrackType::Audio).unwrap();
        let (frames, params) =
            (track.num_frames, track.codec_params.as_ref().unwrap().audio().unwrap().clone());
        let mut decoder = symphonia::default::get_codecs()
            .make_audio_decoder(&params, &AudioDecoderOptions::default())
            .unwrap();
        let mut heard = Vec::new();
        while let Some(packet) = format.next_packet().unwrap() {
            let mut samples = Vec::<i16>::new();
            decoder.decode(&packet).unwrap().copy_to_vec_interleaved(&mut samples);
            heard.extend(samples);
        }
        (params.sample_rate.unwrap(), heard, frames)
    }

    #[test]
    fn what_the_desk_plays_is_what_was_said_sample_by_sample() {
        for frames in [1, 100, BLOCK, BLOCK + 1, 3 * 8_000 + 17] {
            let spoken = sound(frames);
            let (rate, heard, said) = decoded(encoded(&spoken));
            assert_eq!((rate, said), (16_000, Some(heard.len() as u64)));
            let silence = heard.strip_prefix(spoken.as_slice()).expect("every sample is there");
            assert!(silence.len() < LEAST && silence.iter().all(|sample| *sample == 0), "{frames} frames");
        }
    }

    #[test]
    fn a_compressed_recording_is_smaller_than_its_sound() {
        let spoken = sound(160_000);
        let bytes = encoded(&spoken).len();
        assert!(bytes < spoken.len() * 2 * 3 / 4, "{bytes}");
    }
}
