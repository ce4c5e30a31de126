//! whisper.cpp by itself, as it comes: the whole recording at once, the whole window of 30 s, greedy, no retries. What
//! the core does with less work must be no worse than this.

use std::path::Path;

use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

pub struct Yardstick {
    state: WhisperState,
}

impl Yardstick {
    pub fn load(model: &Path) -> Self {
        whisper_rs::install_logging_hooks();
        let mut parameters = WhisperContextParameters::new();
        parameters.use_gpu(false);
        let context = WhisperContext::new_with_params(model, parameters).unwrap();
        Self { state: context.create_state().unwrap() }
    }

    /// What it hears in `sound`, s16 at 16 kHz.
    pub fn hear(&mut self, sound: &[i16], language: &str, threads: i32) -> String {
        let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        params.set_n_threads(threads);
        params.set_language(Some(language));
        params.set_no_context(true);
        params.set_suppress_nst(true);
        params.set_temperature_inc(0.0);
        params.set_print_progress(false);
        let sound: Vec<f32> = sound.iter().map(|&sample| f32::from(sample) / 32_768.0).collect();
        self.state.full(params, &sound).unwrap();
        self.state.as_iter().map(|segment| segment.to_str_lossy().unwrap().into_owned()).collect()
    }
}
