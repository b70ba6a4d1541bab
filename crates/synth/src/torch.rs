//! The pickle inside an `asmaps.pt`: `{"asmaps": tensor, "paths": list of str}`.

use pimo_frame::SampleType;

/// torch's storage class of a sample type; there is none for wide unsigned integers.
const fn storage_class(sample_type: SampleType) -> Option<&'static str> {
    match sample_type {
        SampleType::F16 => Some("HalfStorage"),
        SampleType::F32 => Some("FloatStorage"),
        SampleType::F64 => Some("DoubleStorage"),
        SampleType::U8 => Some("ByteStorage"),
        SampleType::I8 => Some("CharStorage"),
        SampleType::I16 => Some("ShortStorage"),
        SampleType::I32 => Some("IntStorage"),
        SampleType::I64 => Some("LongStorage"),
        SampleType::U16 | SampleType::U32 | SampleType::U64 => None,
    }
}

/// Opcodes of pickle protocol 2. Nothing is memoised: no object occurs twice.
struct Pickle(Vec<u8>);

impl Pickle {
    fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.raw(&(text.len() as u32).to_le_bytes());
        self.raw(text.as_bytes());
    }

    fn global(&mut self, module: &str, name: &str) {
        self.raw(format!("c{module}\n{name}\n").as_bytes());
    }

    fn integer(&mut self, value: u64) {
        if let Ok(small) = i32::try_from(value) {
            self.0.push(b'J');
            self.raw(&small.to_le_bytes());
        } else {
            // LONG1: nine bytes keep the sign bit clear.
            self.raw(&[0x8a, 9]);
            self.raw(&value.to_le_bytes());
            self.0.push(0);
        }
    }
}

/// The file `data.pkl` for maps of `shape` = [N, H, W].
///
/// Types without a storage class of their own are refused by [`Plan::validate`](crate::Plan::validate).
pub(crate) fn pickle(sample_type: SampleType, shape: [u64; 3], paths: impl Iterator<Item = String>) -> Vec<u8> {
    let [images, height, width] = shape;
    let mut pickle = Pickle(Vec::new());
    pickle.raw(b"\x80\x02}(");
    pickle.text("asmaps");
    pickle.global("torch._utils", "_rebuild_tensor_v2");
    pickle.raw(b"((");
    pickle.text("storage");
    pickle.global("torch", storage_class(sample_type).unwrap_or("UntypedStorage"));
    pickle.text("0");
    pickle.text("cpu");
    pickle.integer(images * height * width);
    pickle.raw(b"tQ");
    pickle.integer(0);
    pickle.raw(b"(");
    for length in shape {
        pickle.integer(length);
    }
    pickle.raw(b"t(");
    for stride in [height * width, width, 1] {
        pickle.integer(stride);
    }
    // requires_grad=False, backward_hooks=OrderedDict()
    pickle.raw(b"t\x89");
    pickle.global("collections", "OrderedDict");
    pickle.raw(b")RtR");
    pickle.text("paths");
    pickle.raw(b"](");
    paths.for_each(|path| pickle.text(&path));
    pickle.raw(b"eu.");
    pickle.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_beyond_31_bits_are_long() {
        let mut pickle = Pickle(Vec::new());
        pickle.integer(1 << 31);
        assert_eq!(pickle.0, [0x8a, 9, 0, 0, 0, 0x80, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_pickle_names_storage_shape_and_paths() {
        let bytes = pickle(SampleType::F16, [2, 3, 4], ["a/b".to_owned(), "c".to_owned()].into_iter());
        assert!(bytes.starts_with(b"\x80\x02}(X\x06\x00\x00\x00asmapsctorch._utils\n_rebuild_tensor_v2\n"));
        assert!(bytes.windows(18).any(|part| part == b"ctorch\nHalfStorage"));
        assert!(bytes.ends_with(b"X\x03\x00\x00\x00a/bX\x01\x00\x00\x00ceu."));
    }
}
