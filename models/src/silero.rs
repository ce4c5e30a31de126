//! Silero's detector of speech from safetensors to whisper.cpp's ggml.

use std::io::Write;

use half::f16;

use crate::{
    Failure,
    ggml::{self, Writer, number},
    safetensors::Tensors,
};

/// As in the file's header; whisper.cpp prints it and computes alike for every 6.2.
const VERSION: [i32; 3] = [6, 2, 0];

/// Channels in and out of the four convolutions.
const CHANNELS: [(usize, usize); 4] = [(129, 128), (128, 64), (64, 64), (64, 128)];

/// Name in ggml, name in safetensors, shape in ggml (outermost first), halves.
type Line = (String, String, Vec<usize>, bool);

fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, (input, output)) in CHANNELS.into_iter().enumerate() {
        let (to, from) = (format!("_model.encoder.{at}.reparam_conv"), format!("conv{}", at + 1));
        lines.push((format!("{to}.weight"), format!("{from}.weight"), vec![output, input, 3], true));
        lines.push((format!("{to}.bias"), format!("{from}.bias"), vec![output], false));
    }
    for (part, shape) in [
        ("weight_ih", vec![512, 128]),
        ("weight_hh", vec![512, 128]),
        ("bias_ih", vec![512]),
        ("bias_hh", vec![512]),
    ] {
        lines.push((format!("_model.decoder.rnn.{part}"), format!("lstm_cell.{part}"), shape, false));
    }
    let last = "_model.decoder.decoder.2";
    lines.push((format!("{last}.weight"), "final_conv.weight".into(), vec![128], true));
    lines.push((format!("{last}.bias"), "final_conv.bias".into(), vec![], false));
    let basis = "_model.stft.forward_basis_buffer";
    lines.push((basis.into(), "stft_conv.weight".into(), vec![258, 1, 256], true));
    lines
}

/// Writes it.
pub fn convert(file: &[u8], out: impl Write) -> Result<(), Failure> {
    let tensors = Tensors::open(file)?;
    let mut out = Writer(out);
    let failed =
        |error: std::io::Error| Failure::malformed("silero.bin", format!("it could not be written: {error}"));
    let mut head = VERSION.to_vec();
    head.extend([512, 64, number(CHANNELS.len())]);
    head.extend(CHANNELS.iter().flat_map(|(input, output)| [number(*input), number(*output), 3]));
    head.extend([128, 128, 128, 1]);
    out.numbers(&[ggml::MAGIC]).map_err(failed)?;
    out.word(b"silero-16k").map_err(failed)?;
    out.numbers(&head).map_err(failed)?;
    for (to, from, shape, halves) in lines() {
        let tensor = tensors.get(&from)?;
        // What has one channel is written without that dimension.
        if tensor.values.len() != shape.iter().product::<usize>() {
            return Err(Failure::malformed(from, format!("its shape is {:?}", tensor.shape)));
        }
        let (kind, bytes) = if halves {
            let halves = tensor.values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes());
            (ggml::F16, halves.collect::<Vec<u8>>())
        } else {
            (ggml::F32, tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        };
        out.tensor(&to, &shape, kind, &bytes).map_err(failed)?;
    }
    out.0.flush().map_err(failed)
}
