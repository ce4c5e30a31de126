//! Whisper with the settings that were measured to be both the cheapest and the most faithful for short, spoken
//! requests (4-voice). One context and one state for as long as the model is loaded: states leak when they are made
//! anew.

use pocketdesk_domain::dictation::SpokenSegment;
use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState, WhisperTokenId,
    get_lang_id, install_logging_hooks,
};

use super::{
    ear::{Clip, ms},
    gate::Gate,
    guard::{Guard, Stop, polls_in_graph},
    load_failed,
    words::{Piece, confidence, mean_logprob, words},
};
use crate::voice::{Language, VoiceError, Weights};

/// Samples per position of the encoder: 20 ms.
const POSITION: usize = 320;
/// Positions the encoder looks at beyond the clip.
const SPARE: usize = 128;
/// All of them: 30 s.
const ALL: usize = 1_500;
/// whisper.cpp reads out of bounds in clips of less than 201 samples, and hears nothing in less than a second.
const SHORTEST: usize = 17_600;
/// Below this mean logarithm of probability a clip is decoded once more, with the whole window; the likelier counts.
const DOUBTFUL: f32 = -0.30;
/// How sure one has to be of a language to stay with it.
const SURE: f32 = 0.7;
/// Less than that for all three languages together: it is none of them, most likely no speech at all.
const FOREIGN: f32 = 0.3;

/// Tokens of a model that have a meaning.
pub(super) struct Ids {
    pub(super) eot: WhisperTokenId,
    pub(super) beginning: WhisperTokenId,
    pub(super) vocabulary: usize,
    start: WhisperTokenId,
    /// The token behind the last language's; all of theirs follow on `start`.
    behind_languages: WhisperTokenId,
    /// One per [`Language::ALL`]; none in an English model.
    languages: Option<[WhisperTokenId; 3]>,
}

/// What is spoken, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tongue {
    pub(super) language: Language,
    /// Whether that is settled for this recording.
    pub(super) sure: bool,
}

/// Why there are no words.
pub(super) enum Halt {
    /// Asked to.
    Stopped,
    /// It gave up.
    Failed(VoiceError),
}

/// What a decode gave, before it is words.
struct Heard {
    pieces: Vec<Piece>,
    /// Cut off by the guard.
    astray: bool,
}

pub(super) struct Decoder {
    /// Keeps the context.
    state: WhisperState,
    gate: Gate,
    ids: Ids,
    threads: usize,
}

impl Decoder {
    pub(super) fn load(weights: &Weights, threads: usize) -> Result<Self, VoiceError> {
        install_logging_hooks();
        debug_assert!(polls_in_graph(), "the patch in vendor/whisper is linked in");
        let path = |path: &std::path::Path| {
            path.to_str()
                .map(str::to_owned)
                .ok_or_else(|| VoiceError::Load { reason: "its path is not readable text".into() })
        };
        let gate = Gate::load(&path(&weights.gate)?)?;
        let mut params = WhisperContextParameters::new();
        params.use_gpu(false).flash_attn(false);
        let context =
            WhisperContext::new_with_params(&path(&weights.speech)?, params).map_err(load_failed)?;
        let state = context.create_state().map_err(load_failed)?;
        let languages = context.is_multilingual().then(|| {
            Language::ALL.map(|language| get_lang_id(language.code()).map(|id| context.token_lang(id)))
        });
        let languages = match languages {
            Some([Some(russian), Some(ukrainian), Some(english)]) => Some([russian, ukrainian, english]),
            _ => None,
        };
        let ids = Ids {
            eot: context.token_eot(),
            beginning: context.token_beg(),
            vocabulary: usize::try_from(context.n_vocab()).unwrap_or(0),
            start: context.token_sot(),
            behind_languages: context.token_translate(),
            languages,
        };
        Ok(Self { state, gate, ids, threads: threads.max(1) })
    }

    /// The words of a closed segment; `None` = nobody speaks in it. Settles the language if it is not yet.
    pub(super) fn segment(
        &mut self,
        clip: &Clip,
        tongue: &mut Tongue,
        stop: &Stop,
    ) -> Result<Option<SpokenSegment>, Halt> {
        let Some((from, sound)) = self.gated(clip)? else { return Ok(None) };
        let Some(mut heard) = self.in_its_language(&sound, tongue, stop, false)? else { return Ok(None) };
        let doubt = |heard: &Heard| heard.astray || mean_logprob(&heard.pieces) < DOUBTFUL;
        if doubt(&heard) && context_for(sound.len()) < ALL {
            let again = self.decode(&sound, ALL, tongue.language, stop, false)?;
            // More context is not always better: noise beyond the clip is context, too.
            let likelier = mean_logprob(&again.pieces) > mean_logprob(&heard.pieces);
            let better = heard.astray || heard.pieces.is_empty() || likelier && !again.pieces.is_empty();
            if better && !again.astray {
                heard = again;
            }
        }
        let start_ms = ms(clip.from + from as u64);
        let end_ms = start_ms + ms(sound.len() as u64);
        let words = words(&heard.pieces, start_ms, end_ms);
        let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        if !text.chars().any(char::is_alphanumeric) {
            return Ok(None);
        }
        let confidence = confidence(&heard.pieces);
        Ok(Some(SpokenSegment { start_ms, end_ms, text, confidence, words }))
    }

    /// The words of a segment that goes on. Gives way to a closed one.
    pub(super) fn partial(
        &mut self,
        clip: &Clip,
        tongue: &mut Tongue,
        stop: &Stop,
    ) -> Result<Option<String>, Halt> {
        let Some((_, sound)) = self.gated(clip)? else { return Ok(None) };
        let Some(heard) = self.in_its_language(&sound, tongue, stop, true)? else { return Ok(None) };
        let words = words(&heard.pieces, 0, u64::MAX);
        Ok(Some(words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")))
    }

    /// The part of a clip in which somebody speaks, and where it begins.
    fn gated(&mut self, clip: &Clip) -> Result<Option<(usize, Vec<f32>)>, Halt> {
        let sound: Vec<f32> = clip.sound.iter().map(|&sample| f32::from(sample) / 32_768.0).collect();
        let speech = self.gate.speech(&sound).map_err(Halt::Failed)?;
        Ok(speech.map(|speech| (speech.start, sound[speech].to_vec())))
    }

    /// Decodes; and where the language is a guess, looks at what the encoder heard and decodes again if it was wrong.
    fn in_its_language(
        &mut self,
        sound: &[f32],
        tongue: &mut Tongue,
        stop: &Stop,
        partial: bool,
    ) -> Result<Option<Heard>, Halt> {
        let context = context_for(sound.len());
        let heard = self.decode(sound, context, tongue.language, stop, partial)?;
        if tongue.sure {
            return Ok(Some(heard));
        }
        let Some(languages) = self.ids.languages else {
            *tongue = Tongue { language: Language::English, sure: true };
            return Ok(Some(heard));
        };
        let probabilities = self.languages(&languages)?;
        let sum: f32 = probabilities.iter().sum();
        if sum < FOREIGN {
            return Ok(None);
        }
        let likeliest =
            Language::ALL.into_iter().zip(probabilities).max_by(|one, other| one.1.total_cmp(&other.1));
        let Some((language, probability)) = likeliest else { return Ok(Some(heard)) };
        let guessed = std::mem::replace(tongue, Tongue { language, sure: probability / sum >= SURE });
        if language == guessed.language {
            return Ok(Some(heard));
        }
        self.decode(sound, context, language, stop, partial).map(Some)
    }

    /// How likely each language is for what the encoder heard last, among all of whisper's.
    fn languages(&mut self, languages: &[WhisperTokenId; 3]) -> Result<[f32; 3], Halt> {
        self.state.decode(&[self.ids.start], 0, self.threads).map_err(|error| failed(&error))?;
        let logits = self.state.get_logits().map_err(|error| failed(&error))?;
        let all = &logits[self.ids.start as usize + 1..self.ids.behind_languages as usize];
        let most = all.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = all.iter().map(|logit| (logit - most).exp()).sum();
        Ok(languages.map(|token| (logits[token as usize] - most).exp() / sum))
    }

    fn decode(
        &mut self,
        sound: &[f32],
        context: usize,
        language: Language,
        stop: &Stop,
        preemptible: bool,
    ) -> Result<Heard, Halt> {
        let mut padded;
        let sound = if sound.len() < SHORTEST {
            padded = sound.to_vec();
            padded.resize(SHORTEST, 0.0);
            &padded[..]
        } else {
            sound
        };
        let mut guard = Guard::new(stop, preemptible, &self.ids, sound.len());
        if guard.stops() {
            return Err(Halt::Stopped);
        }
        let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        params.set_n_threads(i32::try_from(self.threads).unwrap_or(1));
        params.set_language(Some(if self.ids.languages.is_some() { language.code() } else { "en" }));
        params.set_no_context(true);
        params.set_suppress_nst(true);
        params.set_single_segment(true);
        params.set_audio_ctx(i32::try_from(context).unwrap_or(0));
        params.set_temperature_inc(0.0);
        params.set_token_timestamps(true);
        params.set_print_progress(false);
        params.set_print_timestamps(false);
        guard.watch(&mut params);
        if let Err(error) = self.state.full(params, sound) {
            return Err(if guard.stops() { Halt::Stopped } else { failed(&error) });
        }
        let mut pieces = Vec::new();
        for segment in self.state.as_iter() {
            let tokens = (0..segment.n_tokens()).filter_map(|at| segment.get_token(at));
            for token in tokens.filter(|token| guard.is_text(token.token_id())) {
                let data = token.token_data();
                let ms = |centiseconds: i64| u64::try_from(centiseconds).unwrap_or(0) * 10;
                pieces.push(Piece {
                    bytes: token.to_bytes().map_err(|error| failed(&error))?.to_vec(),
                    logprob: data.plog,
                    from_ms: ms(data.t0),
                    to_ms: ms(data.t1),
                });
            }
        }
        if let Some(keep) = guard.keep {
            pieces.truncate(keep);
        }
        Ok(Heard { pieces, astray: guard.keep.is_some() })
    }
}

/// Positions of the encoder for a clip of so many samples: no more than it fills, in steps of 64.
fn context_for(samples: usize) -> usize {
    (samples.max(SHORTEST) / POSITION + SPARE).div_ceil(64).saturating_mul(64).min(ALL)
}

fn failed(error: &whisper_rs::WhisperError) -> Halt {
    Halt::Failed(VoiceError::Decode { reason: error.to_string() })
}
