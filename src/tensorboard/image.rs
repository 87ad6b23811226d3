//! Tensors as images.

use graph_core::{Array, DType};

use super::messages::Image;

impl Image {
    /// The image that an array holds; the error says what it should have held.
    pub(super) fn of(array: &Array) -> Result<Image, String> {
        let fact = array.fact();
        let (height, width, channels) = match *fact.shape {
            [height, width] => (height, width, 1),
            [height, width, channels @ (1 | 3 | 4)] => (height, width, channels),
            _ => return Err(format!("{fact} is neither [height, width] nor [height, width, 1, 3 or 4]")),
        };
        // What the format, and TensorBoard's messages, can say.
        let size = |length: usize| i32::try_from(length).ok().filter(|&length| length > 0);
        let (Some(rows), Some(columns)) = (size(height), size(width)) else {
            return Err(format!("{fact} has a side that no image can have"));
        };
        let pixels: Vec<u8> = match fact.dtype {
            DType::U8 => array.as_slice::<u8>().expect("of this dtype").to_vec(),
            DType::F32 => array.as_slice::<f32>().expect("of this dtype").iter().map(|&x| byte(x)).collect(),
            DType::F64 => {
                array.as_slice::<f64>().expect("of this dtype").iter().map(|&x| byte(x as f32)).collect()
            }
            DType::I32 | DType::I64 | DType::Bool => {
                return Err(format!("{fact} is neither of u8 nor of floats between 0 and 1"));
            }
        };
        let color = match channels {
            1 => png::ColorType::Grayscale,
            3 => png::ColorType::Rgb,
            _ => png::ColorType::Rgba,
        };
        let mut encoded = Vec::new();
        let mut encoder = png::Encoder::new(&mut encoded, columns as u32, rows as u32);
        encoder.set_color(color);
        encoder.set_depth(png::BitDepth::Eight);
        let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
        written.map_err(|error| format!("{fact} cannot be an image: {error}"))?;
        Ok(Image { height: rows, width: columns, colorspace: channels as i32, encoded })
    }
}

/// 0 to 1 as 0 to 255; what is outside is cut off, and what is no number is black.
fn byte(value: f32) -> u8 {
    (value * 255.0).round() as u8
}
