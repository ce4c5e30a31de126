//! The computer's microphone, in whatever rate and channels it has.

use cpal::{
    FromSample, Sample, SampleFormat, SizedSample, Stream, StreamConfig,
    traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _},
};
use tokio::sync::mpsc;

/// Pieces of sound that may wait to be taken: minutes of them, at the 10 ms that sound cards give at a time.
const WAITING: usize = 16_384;

/// An open microphone. Dropping it closes it.
pub struct Microphone {
    /// Frames a second.
    pub rate: u32,
    /// Interleaved channels.
    pub channels: u16,
    heard: mpsc::Receiver<Result<Vec<i16>, String>>,
    _stream: Stream,
}

impl Microphone {
    /// Opens the system's default one; the error is what the system says.
    pub fn open() -> Result<Self, String> {
        // ALSA writes to stderr what the error says, too, in many lines; into a buffer instead.
        #[cfg(target_os = "linux")]
        let _lines = alsa::Output::local_error_handler();
        let device = cpal::default_host().default_input_device().ok_or_else(|| "there is none".to_owned())?;
        let config = device.default_input_config().map_err(|why| why.to_string())?;
        let (format, config) = (config.sample_format(), StreamConfig::from(config));
        let (rate, channels) = (config.sample_rate, config.channels);
        let (tell, heard) = mpsc::channel(WAITING);
        let stream = match format {
            SampleFormat::I8 => stream::<i8>(&device, config, tell),
            SampleFormat::I16 => stream::<i16>(&device, config, tell),
            SampleFormat::I32 => stream::<i32>(&device, config, tell),
            SampleFormat::U8 => stream::<u8>(&device, config, tell),
            SampleFormat::U16 => stream::<u16>(&device, config, tell),
            SampleFormat::F32 => stream::<f32>(&device, config, tell),
            SampleFormat::F64 => stream::<f64>(&device, config, tell),
            other => return Err(format!("it gives samples of the kind {other}")),
        };
        let stream = stream.map_err(|why| why.to_string())?;
        stream.play().map_err(|why| why.to_string())?;
        Ok(Self { rate, channels, heard, _stream: stream })
    }

    /// The next sound; none when the device is gone.
    pub async fn next(&mut self) -> Option<Result<Vec<i16>, String>> {
        self.heard.recv().await
    }
}

fn stream<T>(
    device: &cpal::Device,
    config: StreamConfig,
    tell: mpsc::Sender<Result<Vec<i16>, String>>,
) -> Result<Stream, cpal::Error>
where
    T: SizedSample,
    i16: FromSample<T>,
{
    let told = tell.clone();
    device.build_input_stream(
        config,
        move |data: &[T], _: &_| {
            // The sound card's own thread: it never waits. Who does not take minutes of sound has gone away.
            let _ = tell.try_send(Ok(data.iter().map(|sample| i16::from_sample(*sample)).collect()));
        },
        move |why: cpal::Error| {
            // A card that is late for a moment goes on by itself.
            if !matches!(why.kind(), cpal::ErrorKind::Xrun | cpal::ErrorKind::RealtimeDenied) {
                let _ = told.try_send(Err(why.to_string()));
            }
        },
        None,
    )
}
