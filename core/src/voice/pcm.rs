//! Sound of any common rate and number of channels, made into what the recogniser hears: 16 kHz mono.

use super::VoiceError;

/// Frames a second that the recogniser hears.
pub const RATE: u32 = 16_000;
/// Frames a second that are taken: from telephones to studios.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;
/// Channels that are taken.
const CHANNELS: std::ops::RangeInclusive<u16> = 1..=8;

/// Zero crossings of the low-pass filter on each side: more is a steeper edge and more work.
const CROSSINGS: usize = 16;
/// Places between two input frames that the filter is tabled for; between those it is interpolated.
const PHASES: usize = 256;
/// The filter lets through so much of the band that both rates have.
const BAND: f64 = 0.92;

/// The samples in s16 little-endian bytes.
pub fn samples(bytes: &[u8]) -> Result<Vec<i16>, VoiceError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect())
    } else {
        Err(VoiceError::BadAudio { reason: "samples have two bytes each".to_owned() })
    }
}

/// Mixes down and resamples, chunk by chunk, without a seam between chunks. 16 kHz mono passes as it is.
#[derive(Debug)]
pub struct Converter {
    channels: usize,
    /// Samples of a frame that is not whole yet.
    part: Vec<i16>,
    resampler: Option<Resampler>,
}

impl Converter {
    /// For interleaved s16 of that rate and so many channels.
    pub fn new(rate: u32, channels: u16) -> Result<Self, VoiceError> {
        if !RATES.contains(&rate) {
            let (least, most) = (RATES.start(), RATES.end());
            return Err(VoiceError::BadAudio {
                reason: format!("{rate} frames a second; between {least} and {most} are possible"),
            });
        }
        if !CHANNELS.contains(&channels) {
            let most = CHANNELS.end();
            return Err(VoiceError::BadAudio {
                reason: format!("{channels} channels; between 1 and {most} are possible"),
            });
        }
        Ok(Self {
            channels: usize::from(channels),
            part: Vec::new(),
            resampler: (rate != RATE).then(|| Resampler::new(rate)),
        })
    }

    /// Appends what `sound` becomes to `out`. A frame that is cut off is finished by the next chunk.
    pub fn push(&mut self, sound: &[i16], out: &mut Vec<i16>) {
        if self.channels == 1 {
            self.mono(sound, out);
            return;
        }
        self.part.extend_from_slice(sound);
        let whole = self.part.len() / self.channels * self.channels;
        let mono: Vec<i16> = self.part[..whole]
            .chunks_exact(self.channels)
            .map(|frame| {
                let sum: i32 = frame.iter().map(|&sample| i32::from(sample)).sum();
                (sum / frame.len() as i32) as i16
            })
            .collect();
        self.part.drain(..whole);
        self.mono(&mono, out);
    }

    /// Appends what the filter still holds: no more sound will come.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        self.part.clear();
        if let Some(resampler) = &mut self.resampler {
            resampler.finish(out);
        }
    }

    fn mono(&mut self, mono: &[i16], out: &mut Vec<i16>) {
        match &mut self.resampler {
            Some(resampler) => resampler.push(mono, out),
            None => out.extend_from_slice(mono),
        }
    }
}

/// A windowed sinc, read at every 1/16,000 s.
#[derive(Debug)]
struct Resampler {
    rate: u64,
    /// Input frames on each side of an output frame that the filter looks at.
    half: usize,
    /// The filter for `PHASES + 1` places between two input frames, `2 * half` taps each.
    taps: Vec<f32>,
    /// Input that is still looked at; before the recording there was silence.
    input: Vec<f32>,
    /// Where the next output frame is, in 1/16,000 of an input frame, counted from `input[half - 1]`.
    at: u64,
}

impl Resampler {
    fn new(rate: u32) -> Self {
        let band = BAND * f64::min(1.0, f64::from(RATE) / f64::from(rate));
        let half = (CROSSINGS as f64 / band).ceil() as usize;
        let mut taps = Vec::with_capacity((PHASES + 1) * 2 * half);
        for phase in 0..=PHASES {
            let from = taps.len();
            for tap in 0..2 * half {
                let distance = tap as f64 - (half as f64 - 1.0) - phase as f64 / PHASES as f64;
                let window = 0.5 + 0.5 * (std::f64::consts::PI * distance / half as f64).cos();
                taps.push((band * sinc(band * distance) * window.max(0.0)) as f32);
            }
            // Equal loudness in every phase: otherwise silence with an offset would hum.
            let sum: f32 = taps[from..].iter().sum();
            taps[from..].iter_mut().for_each(|tap| *tap /= sum);
        }
        Self { rate: u64::from(rate), half, taps, input: vec![0.0; half - 1], at: 0 }
    }

    fn push(&mut self, mono: &[i16], out: &mut Vec<i16>) {
        self.input.extend(mono.iter().map(|&sample| f32::from(sample)));
        let step = u64::from(RATE);
        let width = 2 * self.half;
        loop {
            let first = (self.at / step) as usize;
            let Some(input) = self.input.get(first..first + width) else { break };
            let place = (self.at % step) as f32 / step as f32 * PHASES as f32;
            let (phase, between) = (place as usize, place.fract());
            let (low, high) = self.taps[phase * width..][..2 * width].split_at(width);
            let heard: f32 = input
                .iter()
                .zip(low.iter().zip(high))
                .map(|(sample, (low, high))| sample * (low + (high - low) * between))
                .sum();
            out.push(heard.round().clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16);
            self.at += self.rate;
        }
        let done = ((self.at / step) as usize).min(self.input.len());
        self.input.drain(..done);
        self.at -= done as u64 * step;
    }

    fn finish(&mut self, out: &mut Vec<i16>) {
        self.push(&vec![0; self.half], out);
    }
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 {
        return 1.0;
    }
    let x = std::f64::consts::PI * x;
    x.sin() / x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f64, seconds: f64) -> Vec<i16> {
        let frames = (f64::from(rate) * seconds) as usize;
        let angle = |at: usize| at as f64 / f64::from(rate) * hertz * std::f64::consts::TAU;
        (0..frames).map(|at| (angle(at).sin() * 10_000.0) as i16).collect()
    }

    fn converted(rate: u32, channels: u16, sound: &[i16], chunk: usize) -> Vec<i16> {
        let mut converter = Converter::new(rate, channels).unwrap();
        let mut out = Vec::new();
        for chunk in sound.chunks(chunk) {
            converter.push(chunk, &mut out);
        }
        converter.finish(&mut out);
        out
    }

    /// Loudness of what two sounds differ by, against the first one's.
    fn difference(one: &[i16], other: &[i16]) -> f64 {
        let power = |sound: &mut dyn Iterator<Item = f64>| sound.map(|sample| sample * sample).sum::<f64>();
        let apart = power(&mut one.iter().zip(other).map(|(a, b)| f64::from(*a) - f64::from(*b)));
        (apart / power(&mut one.iter().map(|sample| f64::from(*sample)))).sqrt()
    }

    #[test]
    fn a_voice_sounds_the_same_from_every_microphone() {
        for rate in [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 191_999] {
            let heard = converted(rate, 1, &tone(rate, 440.0, 1.0), 777);
            let expected = tone(RATE, 440.0, 1.0);
            assert!(heard.len().abs_diff(expected.len()) <= 1, "{rate}: {} frames", heard.len());
            let middle = 1_000..15_000;
            let difference = difference(&expected[middle.clone()], &heard[middle]);
            assert!(difference < 0.003, "{rate}: {difference}");
        }
    }

    #[test]
    fn what_a_phone_cannot_hear_does_not_fold_into_the_voice() {
        let heard = converted(48_000, 1, &tone(48_000, 11_000.0, 1.0), 960);
        let loudest = heard[100..15_900].iter().map(|sample| sample.unsigned_abs()).max();
        assert!(loudest < Some(100), "{loudest:?}");
    }

    #[test]
    fn chunks_leave_no_seam() {
        let sound = tone(44_100, 300.0, 0.5);
        let whole = converted(44_100, 1, &sound, sound.len());
        for chunk in [1, 7, 441, 4_096] {
            assert_eq!(converted(44_100, 1, &sound, chunk), whole);
        }
    }

    #[test]
    fn both_channels_are_heard_even_if_a_frame_is_cut_in_two() {
        let stereo = [100, 300, -100, -300, 1_000, 0, 7];
        assert_eq!(converted(16_000, 2, &stereo, 3), [200, -200, 500], "the half frame at the end is none");
    }

    #[test]
    fn the_recognisers_own_rate_passes_untouched() {
        let sound = tone(16_000, 200.0, 0.1);
        assert_eq!(converted(16_000, 1, &sound, 100), sound);
    }

    #[test]
    fn sound_that_cannot_be_used_is_refused_with_what_can() {
        for (rate, channels) in [(0, 1), (7_999, 1), (200_000, 1), (16_000, 0), (16_000, 9)] {
            let refused = Converter::new(rate, channels).unwrap_err().to_string();
            assert!(refused.contains("between"), "{refused}");
        }
    }
}
