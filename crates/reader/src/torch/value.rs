//! What a file of `torch.save` holds.

use std::fmt;
use std::sync::Arc;

use pimo_frame::SampleType;

/// A Python object of the kinds that are allowed in such a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A float.
    Float(f64),
    /// A string.
    Text(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A dictionary, ordered or not, in the order of insertion.
    Dict(Vec<(Value, Value)>),
    /// A tensor, of which only the description is in memory.
    Tensor(Arc<Tensor>),
}

/// A tensor's description: where in which storage its elements are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    pub(super) storage: StorageRef,
    /// Elements of the storage before the first of the tensor.
    pub(super) offset: u64,
    pub(super) shape: Vec<u64>,
    /// Elements of the storage from one index to the next, per axis.
    pub(super) strides: Vec<u64>,
}

/// Memory that tensors share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StorageRef {
    pub(super) key: Arc<str>,
    pub(super) sample_type: SampleType,
    /// Number of elements.
    pub(super) len: u64,
}

impl Tensor {
    /// Type of the elements; `bool` counts as uint8.
    pub const fn sample_type(&self) -> SampleType {
        self.storage.sample_type
    }

    /// Lengths of the axes.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Number of elements; `None` if there are too many to count.
    pub fn elements(&self) -> Option<u64> {
        self.shape.iter().try_fold(1_u64, |product, &side| product.checked_mul(side))
    }

    /// Elements of the storage from the first to behind the last of the tensor; `None` if that overflows.
    pub(super) fn span(&self) -> Option<u64> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        let mut last = 0_u64;
        for (&side, &stride) in self.shape.iter().zip(&self.strides) {
            last = last.checked_add((side - 1).checked_mul(stride)?)?;
        }
        last.checked_add(1)
    }
}

impl Value {
    /// The value under a key, if this is a dictionary that has it. Of several, the last counts.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dict(entries) = self else { return None };
        entries
            .iter()
            .rev()
            .find(|(name, _)| matches!(name, Self::Text(name) if **name == *key))
            .map(|(_, value)| value)
    }

    /// The string, if this is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The tensor, if this is one.
    pub fn as_tensor(&self) -> Option<&Tensor> {
        if let Self::Tensor(tensor) = self { Some(tensor) } else { None }
    }

    /// The elements, if this is a list or a tuple.
    pub fn as_slice(&self) -> Option<&[Self]> {
        if let Self::List(values) | Self::Tuple(values) = self { Some(values) } else { None }
    }

    /// What Python calls such a thing.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Text(_) => "a string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Dict(_) => "a dictionary",
            Self::Tensor(_) => "a tensor",
        }
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tensor of shape {}", self.sample_type(), crate::npy::print_shape(&self.shape))
    }
}
