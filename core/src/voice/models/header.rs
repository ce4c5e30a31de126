//! Whether a model file has exactly the shape the recogniser expects, told before the recogniser sees a byte of it.
//!
//! whisper.cpp believes its files: a dimension count of 200 writes beyond an array, a vocabulary of two milliard is
//! an exception nobody catches, and a tensor named twice leaves another one unset. So here nothing is believed: the
//! dimensions must be those of a published Whisper, every tensor must be there once, with its name, shape and type,
//! and all sizes together must be the file's length. What passes is as the recogniser's own loader would want it.
//! Weights themselves are the digests' matter.

use std::{
    collections::BTreeMap,
    io::{BufReader, Read, Seek, SeekFrom},
};

use pocketdesk_protocol::models::Role;

/// "ggml".
const MAGIC: i32 = 0x6767_6d6c;
/// Bytes of one token; the longest there is has 128.
const TOKEN_BYTES: i32 = 512;
/// Letters of a tensor's name.
const NAME_BYTES: i32 = 64;
/// Bins of the mel filters.
const BINS: i32 = 201;

/// Layers of the encoder and the decoder, width, heads: every Whisper there is.
const SIZES: [(i32, i32, i32, i32); 6] = [
    (4, 4, 384, 6),
    (6, 6, 512, 8),
    (12, 12, 768, 12),
    (24, 24, 1024, 16),
    (32, 32, 1280, 20),
    (32, 4, 1280, 20),
];

/// How numbers of a tensor are kept: ggml's number, values and bytes of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    number: i32,
    values: u64,
    bytes: u64,
}

const F32: Kind = Kind { number: 0, values: 1, bytes: 4 };
const F16: Kind = Kind { number: 1, values: 1, bytes: 2 };
const Q5_0: Kind = Kind { number: 6, values: 32, bytes: 22 };
const Q5_1: Kind = Kind { number: 7, values: 32, bytes: 24 };
const Q8_0: Kind = Kind { number: 8, values: 32, bytes: 34 };

/// `ftype` of a file and what its matrices are; four bits are too few for Russian and Ukrainian and not loaded.
const FILE_TYPES: [(i32, Kind); 4] = [(1, F16), (2_007, Q8_0), (2_008, Q5_0), (2_009, Q5_1)];

/// Innermost dimension first, as ggml has it.
type Expected = BTreeMap<String, (Vec<i32>, Kind)>;

/// Why a file is not such a model; a sentence's end.
pub type Refused = String;

/// Reads the file to its end. `role` says what it is to be.
pub fn check(role: Role, file: impl Read + Seek) -> Result<(), Refused> {
    let mut file = Walk::new(file)?;
    if file.number()? != MAGIC {
        return Err("it is not a ggml file".to_owned());
    }
    let expected = match role {
        Role::Speech => speech(&mut file)?,
        Role::Vad => gate(&mut file)?,
        Role::Other => return Err("nobody knows what it is for".to_owned()),
    };
    tensors(&mut file, expected)
}

/// The head of a Whisper file, up to its tensors.
fn speech<R: Read + Seek>(file: &mut Walk<R>) -> Result<Expected, Refused> {
    let [vocabulary, audio_positions, width, audio_heads, audio_layers] = file.numbers()?;
    let [text_positions, text_width, text_heads, text_layers, mels, file_type] = file.numbers()?;
    let known = SIZES.contains(&(audio_layers, text_layers, width, audio_heads));
    if !known || text_width != width || text_heads != audio_heads {
        return Err(format!(
            "no Whisper has {audio_layers}+{text_layers} layers of {width} with {audio_heads} heads"
        ));
    }
    if !(51_864..=51_866).contains(&vocabulary) {
        return Err(format!("no Whisper has {vocabulary} tokens"));
    }
    if audio_positions != 1_500 || text_positions != 448 || !(mels == 80 || mels == 128) {
        return Err(format!("no Whisper has {audio_positions}, {text_positions} positions, {mels} bands"));
    }
    let matrices = FILE_TYPES.iter().find(|(number, _)| *number == file_type);
    let Some((_, matrices)) = matrices else {
        return Err(format!("its weights are of unknown type {file_type}"));
    };
    if file.numbers()? != [mels, BINS] {
        return Err("its filters have another shape than its bands".to_owned());
    }
    file.skip(u64::from(mels.unsigned_abs()) * u64::from(BINS.unsigned_abs()) * 4)?;
    let tokens = file.number()?;
    if !(50_256..=vocabulary).contains(&tokens) {
        return Err(format!("it spells {tokens} tokens of {vocabulary}"));
    }
    for _ in 0..tokens {
        let length = file.number()?;
        if !(0..=TOKEN_BYTES).contains(&length) {
            return Err(format!("a token has {length} bytes"));
        }
        file.skip(u64::from(length.unsigned_abs()))?;
    }
    Ok(whisper(
        *matrices,
        [width, vocabulary, audio_positions, text_positions, mels],
        audio_layers,
        text_layers,
    ))
}

/// Every tensor of a Whisper.
fn whisper(matrices: Kind, sizes: [i32; 5], audio_layers: i32, text_layers: i32) -> Expected {
    let [width, vocabulary, audio_positions, text_positions, mels] = sizes;
    let mut all = Expected::new();
    let mut add = |name: String, shape: Vec<i32>, kind: Kind| drop(all.insert(name, (shape, kind)));
    add("encoder.positional_embedding".into(), vec![width, audio_positions], F32);
    for (conv, input) in [("conv1", mels), ("conv2", width)] {
        add(format!("encoder.{conv}.weight"), vec![3, input, width], F16);
        add(format!("encoder.{conv}.bias"), vec![1, width], F32);
    }
    add("decoder.positional_embedding".into(), vec![width, text_positions], F32);
    add("decoder.token_embedding.weight".into(), vec![width, vocabulary], matrices);
    let mut norms = vec!["encoder.ln_post".to_owned(), "decoder.ln".to_owned()];
    for (side, layers) in [("encoder", audio_layers), ("decoder", text_layers)] {
        for layer in 0..layers {
            let block = format!("{side}.blocks.{layer}");
            norms.extend([format!("{block}.attn_ln"), format!("{block}.mlp_ln")]);
            let mut attentions = vec!["attn"];
            if side == "decoder" {
                norms.push(format!("{block}.cross_attn_ln"));
                attentions.push("cross_attn");
            }
            for attention in attentions {
                for part in ["query", "key", "value", "out"] {
                    add(format!("{block}.{attention}.{part}.weight"), vec![width, width], matrices);
                    if part != "key" {
                        add(format!("{block}.{attention}.{part}.bias"), vec![width], F32);
                    }
                }
            }
            add(format!("{block}.mlp.0.weight"), vec![width, 4 * width], matrices);
            add(format!("{block}.mlp.0.bias"), vec![4 * width], F32);
            add(format!("{block}.mlp.2.weight"), vec![4 * width, width], matrices);
            add(format!("{block}.mlp.2.bias"), vec![width], F32);
        }
    }
    for norm in norms {
        add(format!("{norm}.weight"), vec![width], F32);
        add(format!("{norm}.bias"), vec![width], F32);
    }
    all
}

/// Of Silero's 16 kHz detector: window, context, count of convolutions, their channels and widths, then the rest.
const GATE: [i32; 19] = [512, 64, 4, 129, 128, 3, 128, 64, 3, 64, 64, 3, 64, 128, 3, 128, 128, 128, 1];

/// The head of a Silero file, up to its tensors.
fn gate<R: Read + Seek>(file: &mut Walk<R>) -> Result<Expected, Refused> {
    let name = b"silero-16k";
    if file.number()? != 10 || file.bytes(name.len())? != name {
        return Err("it is not Silero's detector for 16 kHz".to_owned());
    }
    let version: [i32; 3] = file.numbers()?;
    if !version.iter().all(|part| (0..1_000).contains(part)) {
        return Err(format!("its version is {version:?}"));
    }
    if file.numbers()? != GATE {
        return Err("its layers are not Silero's".to_owned());
    }
    let mut all = Expected::new();
    let mut add =
        |name: &str, shape: &[i32], kind| drop(all.insert(format!("_model.{name}"), (shape.to_vec(), kind)));
    add("stft.forward_basis_buffer", &[256, 1, 258], F16);
    for (at, (input, output)) in [(129, 128), (128, 64), (64, 64), (64, 128)].into_iter().enumerate() {
        add(&format!("encoder.{at}.reparam_conv.weight"), &[3, input, output], F16);
        add(&format!("encoder.{at}.reparam_conv.bias"), &[output], F32);
    }
    for side in ["ih", "hh"] {
        add(&format!("decoder.rnn.weight_{side}"), &[128, 512], F32);
        add(&format!("decoder.rnn.bias_{side}"), &[512], F32);
    }
    add("decoder.decoder.2.weight", &[128], F16);
    add("decoder.decoder.2.bias", &[], F32);
    Ok(all)
}

/// Walks the tensors to the end of the file.
fn tensors<R: Read + Seek>(file: &mut Walk<R>, mut expected: Expected) -> Result<(), Refused> {
    while file.left > 0 {
        let [rank, letters, number] = file.numbers()?;
        if !(0..=3).contains(&rank) || !(1..=NAME_BYTES).contains(&letters) {
            return Err(format!("a tensor has {rank} dimensions and a name of {letters} letters"));
        }
        let mut shape = Vec::new();
        for _ in 0..rank {
            shape.push(file.number()?);
        }
        let name = file.bytes(usize::try_from(letters).unwrap_or(0))?;
        let name = String::from_utf8(name).map_err(|_| "a tensor's name is not text".to_owned())?;
        let Some((wanted, kind)) = expected.remove(&name) else {
            return Err("a tensor is not one of this model, or is there twice".to_owned());
        };
        if shape != wanted || number != kind.number {
            return Err(format!(
                "{name} has shape {shape:?} and type {number}, not {wanted:?} and {}",
                kind.number
            ));
        }
        // Every factor is one of ours by now: nothing here can overflow.
        let values: u64 = shape.iter().map(|size| u64::from(size.unsigned_abs())).product();
        file.skip(values / kind.values * kind.bytes)?;
    }
    match expected.first_key_value() {
        None => Ok(()),
        Some((name, _)) => Err(format!("{name} is missing")),
    }
}

/// A file read forwards, with what is left of it.
struct Walk<R> {
    file: BufReader<R>,
    left: u64,
}

impl<R: Read + Seek> Walk<R> {
    fn new(mut file: R) -> Result<Self, Refused> {
        let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
        file.rewind().map_err(failed)?;
        Ok(Self { file: BufReader::with_capacity(64 << 10, file), left: length })
    }

    fn take(&mut self, count: u64) -> Result<(), Refused> {
        self.left = self.left.checked_sub(count).ok_or("it ends too early")?;
        Ok(())
    }

    fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Refused> {
        self.take(count as u64)?;
        let mut bytes = vec![0; count];
        self.file.read_exact(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    fn number(&mut self) -> Result<i32, Refused> {
        Ok(self.numbers::<1>()?[0])
    }

    fn numbers<const N: usize>(&mut self) -> Result<[i32; N], Refused> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            self.take(4)?;
            let mut bytes = [0; 4];
            self.file.read_exact(&mut bytes).map_err(failed)?;
            *number = i32::from_le_bytes(bytes);
        }
        Ok(numbers)
    }

    fn skip(&mut self, count: u64) -> Result<(), Refused> {
        self.take(count)?;
        let by = i64::try_from(count).map_err(|_| "it ends too early")?;
        self.file.seek_relative(by).map_err(failed)
    }
}

fn failed(error: std::io::Error) -> Refused {
    format!("it cannot be read: {error}")
}
