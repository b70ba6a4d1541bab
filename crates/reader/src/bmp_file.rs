//! Uncompressed BMP images of 1, 4, 8, 24 and 32 bits.
//!
//! A file header of 14 bytes says where the pixels are; an information header of 12 bytes (OS/2) or 40 and more says
//! what they are; a palette follows. Rows are padded to four bytes and go from bottom to top unless the height is
//! negative.

use pimo_frame::Size;

use crate::error::Result;
use crate::input::Input;
pub(crate) use crate::mask::{packed_row, unpack};

pub(crate) const FORMAT: &str = "BMP";
const FILE_HEADER: u64 = 14;

/// What stands before the pixels.
pub(crate) struct Header {
    pub(crate) size: Size,
    /// Whether the first row of the file is the top one.
    pub(crate) top_down: bool,
    /// Bits per pixel.
    pub(crate) bits: usize,
    /// First byte of the pixels.
    pub(crate) pixels: u64,
    /// Blue, green, red and perhaps another byte for each colour.
    pub(crate) palette: Vec<u8>,
    /// Bytes per colour of the palette.
    pub(crate) stride: usize,
}

impl Header {
    /// Reads and checks it.
    pub(crate) fn read(input: &Input) -> Result<Self> {
        let mut head = [0; 18];
        input.read_at(0, &mut head, "the header")?;
        if !head.starts_with(b"BM") {
            return Err(input.malformed(FORMAT, "it does not begin as such a file does"));
        }
        let (pixels, info_bytes) = (u64::from(u32_at(&head, 10)), u32_at(&head, 14));
        let mut info = [0; 40];
        let old = info_bytes == 12;
        if !old && info_bytes < 40 {
            return Err(input.malformed(FORMAT, format!("its information header of {info_bytes} bytes is unknown")));
        }
        let info = &mut info[..if old { 12 } else { 40 }];
        input.read_at(FILE_HEADER, info, "the header")?;
        let (width, height, bits, compression, colours) = if old {
            (i32::from(u16_at(info, 4)), i32::from(u16_at(info, 6)), u16_at(info, 10), 0, 0)
        } else {
            let bits = u16_at(info, 14);
            (u32_at(info, 4) as i32, u32_at(info, 8) as i32, bits, u32_at(info, 16), u32_at(info, 32))
        };
        if compression != 0 || !matches!(bits, 1 | 4 | 8 | 24 | 32) {
            return Err(input.unsupported(
                format!("The image has {bits} bits per pixel in compression {compression}"),
                "Save it uncompressed with 1, 4, 8, 24 or 32 bits per pixel, or as PNG",
            ));
        }
        let Ok(columns) = u32::try_from(width) else {
            return Err(input.malformed(FORMAT, format!("its width is {width}")));
        };
        let size = input.check_size(Size::new(height.unsigned_abs(), columns))?;
        let mut header =
            Self { size, top_down: height < 0, bits: usize::from(bits), pixels, palette: Vec::new(), stride: 4 };
        if bits <= 8 {
            header.stride = if old { 3 } else { 4 };
            let most = 1_u32 << bits;
            let colours = if colours == 0 { most } else { colours.min(most) };
            header.palette = vec![0; colours as usize * header.stride];
            input.read_at(FILE_HEADER + u64::from(info_bytes), &mut header.palette, "the palette")?;
        }
        Ok(header)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
