//! A pickle interpreter that builds tensors' descriptions and nothing else.
//!
//! A pickle is a program: by design it can call any function there is. This interpreter knows the opcodes by which
//! `torch.save` writes dictionaries, lists, strings, numbers and tensors, and a fixed list of names; anything else is
//! an error. Memory is counted as it is taken.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use pimo_frame::SampleType;

use super::value::{StorageRef, Tensor, Value};

/// Why a pickle is not read.
#[derive(Debug)]
pub(super) enum PickleError {
    Io(io::Error),
    /// Not a pickle, or one that makes no sense.
    Malformed(String),
    /// A pickle of something else than tensors and plain data: what, and the cure.
    Foreign(String, &'static str),
    /// More memory than allowed.
    TooLarge(u64),
}

type Result<T> = std::result::Result<T, PickleError>;

const PLAIN: &str = "Save plain tensors, as in torch.save({\"asmaps\": maps, \"paths\": paths}, file)";

/// Memory that an object takes at most, as a node with its place on the stack and then as a value.
const BYTES_PER_VALUE: u64 = 128;

/// Deepest nesting of values; plain data has three or four levels.
const MAX_DEPTH: usize = 32;

/// Longest name of a module or a class.
const MAX_NAME: u64 = 256;

/// What a pickle described.
#[derive(Debug)]
pub(super) struct Unpickled {
    pub(super) root: Value,
    /// All storages that were named.
    pub(super) storages: HashMap<Arc<str>, StorageRef>,
}

/// Reads one pickle, up to its end, taking at most `max_bytes` of memory.
pub(super) fn read(reader: &mut impl BufRead, max_bytes: u64) -> Result<Unpickled> {
    let mut machine = Machine {
        reader,
        spent: 0,
        max_bytes,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        storages: HashMap::new(),
    };
    let root = machine.run()?;
    let root = machine.value(root, MAX_DEPTH)?;
    Ok(Unpickled { root, storages: machine.storages })
}

/// Index of a node.
type Id = u32;

/// An object under construction. Containers refer to others, because they are filled after they are made.
#[derive(Clone, Debug)]
enum Node {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Callable(Callable),
    StorageType(SampleType),
    Storage(StorageRef),
    Tensor(Arc<Tensor>),
}

/// What may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Callable {
    RebuildTensor,
    OrderedDict,
}

struct Machine<'a, R> {
    reader: &'a mut R,
    spent: u64,
    max_bytes: u64,
    nodes: Vec<Node>,
    stack: Vec<Id>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    storages: HashMap<Arc<str>, StorageRef>,
}

fn malformed<T>(what: impl Into<String>) -> Result<T> {
    Err(PickleError::Malformed(what.into()))
}

impl<R: BufRead> Machine<'_, R> {
    fn run(&mut self) -> Result<Id> {
        if self.byte()? != opcode::PROTO {
            return malformed("its pickle does not begin as one does");
        }
        let protocol = self.byte()?;
        if !(2..=5).contains(&protocol) {
            return malformed(format!("pickle protocol {protocol} is unknown"));
        }
        loop {
            match self.byte()? {
                opcode::STOP => return self.pop(),
                code => self.step(code)?,
            }
        }
    }

    fn step(&mut self, code: u8) -> Result<()> {
        match code {
            opcode::PROTO => self.byte().map(drop),
            opcode::FRAME => self.number::<8>().map(drop),
            opcode::MARK => {
                self.spend(8)?;
                self.marks.push(self.stack.len());
                Ok(())
            }
            opcode::POP => self.pop().map(drop),
            opcode::NONE => self.push(Node::None),
            opcode::TRUE => self.push(Node::Bool(true)),
            opcode::FALSE => self.push(Node::Bool(false)),
            opcode::INT4 | opcode::INT1 | opcode::INT2 | opcode::LONG1 => self.integer(code),
            opcode::FLOAT => {
                let bits = u64::from_be_bytes(self.array()?);
                self.push(Node::Float(f64::from_bits(bits)))
            }
            opcode::TEXT1 | opcode::TEXT4 | opcode::TEXT8 | opcode::OLD_TEXT1 | opcode::OLD_TEXT4 => {
                let text = self.text(code)?;
                self.push(Node::Text(text))
            }
            opcode::BYTES1 | opcode::BYTES4 => {
                let len = if code == opcode::BYTES1 { self.number::<1>()? } else { self.number::<4>()? };
                let bytes = self.bytes(len)?;
                self.push(Node::Bytes(bytes.into()))
            }
            opcode::EMPTY_LIST => self.push(Node::List(Vec::new())),
            opcode::EMPTY_DICT => self.push(Node::Dict(Vec::new())),
            opcode::EMPTY_TUPLE => self.push(Node::Tuple(Vec::new())),
            opcode::TUPLE1 | opcode::TUPLE2 | opcode::TUPLE3 => {
                let len = usize::from(code - opcode::TUPLE1) + 1;
                let items = self.pop_many(len)?;
                self.push(Node::Tuple(items))
            }
            opcode::TUPLE => {
                let items = self.pop_to_mark()?;
                self.push(Node::Tuple(items))
            }
            opcode::APPEND => {
                let item = self.pop_many(1)?;
                self.append(&item)
            }
            opcode::APPENDS => {
                let items = self.pop_to_mark()?;
                self.append(&items)
            }
            opcode::SETITEM => {
                let items = self.pop_many(2)?;
                self.set_items(&items)
            }
            opcode::SETITEMS => {
                let items = self.pop_to_mark()?;
                self.set_items(&items)
            }
            opcode::PUT1 | opcode::PUT4 | opcode::MEMOIZE => self.put(code),
            opcode::GET1 | opcode::GET4 => {
                let index = if code == opcode::GET1 { self.number::<1>()? } else { self.number::<4>()? };
                let Some(&id) = self.memo.get(&(index as u32)) else {
                    return malformed("its pickle refers to an object that it never made");
                };
                self.spend(8)?;
                self.stack.push(id);
                Ok(())
            }
            opcode::GLOBAL => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(&module, &name)
            }
            opcode::STACK_GLOBAL => {
                let (name, module) = (self.pop_text()?, self.pop_text()?);
                self.global(&module, &name)
            }
            opcode::PERSISTENT_ID => self.storage(),
            opcode::REDUCE => self.call(),
            other => Err(PickleError::Foreign(
                format!("The pickle in it uses opcode 0x{other:02x}, which plain tensors do not need"),
                PLAIN,
            )),
        }
    }

    // Reading.

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(PickleError::Io)?;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A little-endian number of `N` bytes.
    fn number<const N: usize>(&mut self) -> Result<u64> {
        Ok(self.array::<N>()?.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    fn bytes(&mut self, len: u64) -> Result<Vec<u8>> {
        self.spend(2 * len.min(u64::MAX / 2))?;
        // Grows with what is there: a length in a damaged file costs nothing.
        let mut bytes = Vec::new();
        let read = self.reader.take(len).read_to_end(&mut bytes).map_err(PickleError::Io)?;
        if (read as u64) < len { Err(PickleError::Io(io::ErrorKind::UnexpectedEof.into())) } else { Ok(bytes) }
    }

    fn text(&mut self, code: u8) -> Result<Arc<str>> {
        let len = match code {
            opcode::TEXT1 | opcode::OLD_TEXT1 => self.number::<1>()?,
            opcode::TEXT8 => self.number::<8>()?,
            _ => self.number::<4>()?,
        };
        let bytes = self.bytes(len)?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(_) => malformed("a string in its pickle is not UTF-8"),
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        self.reader.take(MAX_NAME).read_until(b'\n', &mut line).map_err(PickleError::Io)?;
        match String::from_utf8(line) {
            Ok(line) if line.ends_with('\n') => Ok(line.trim_end().to_owned()),
            _ => malformed("a name in its pickle does not end"),
        }
    }

    fn integer(&mut self, code: u8) -> Result<()> {
        let value = match code {
            opcode::INT1 => i128::from(self.number::<1>()?),
            opcode::INT2 => i128::from(self.number::<2>()?),
            opcode::INT4 => i128::from(self.number::<4>()? as u32 as i32),
            _ => {
                let len = usize::from(self.byte()?);
                if len > 16 {
                    return malformed("an integer in its pickle has more than 128 bits");
                }
                let mut bytes = [0; 16];
                self.reader.read_exact(&mut bytes[..len]).map_err(PickleError::Io)?;
                let missing = 8 * (16 - len as u32);
                // Sign extension: up to the top and back.
                if len == 0 { 0 } else { i128::from_le_bytes(bytes) << missing >> missing }
            }
        };
        self.push(Node::Int(value))
    }

    // The stack.

    fn spend(&mut self, bytes: u64) -> Result<()> {
        self.spent = self.spent.saturating_add(bytes);
        if self.spent > self.max_bytes { Err(PickleError::TooLarge(self.spent)) } else { Ok(()) }
    }

    fn push(&mut self, node: Node) -> Result<()> {
        self.spend(BYTES_PER_VALUE)?;
        let Ok(id) = Id::try_from(self.nodes.len()) else { return malformed("its pickle has too many objects") };
        self.nodes.push(node);
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(id) if self.stack.len() >= floor => Ok(id),
            _ => malformed("its pickle takes objects that it never made"),
        }
    }

    fn pop_many(&mut self, len: usize) -> Result<Vec<Id>> {
        self.spend(BYTES_PER_VALUE)?;
        let mut items = (0..len).map(|_| self.pop()).collect::<Result<Vec<_>>>()?;
        items.reverse();
        Ok(items)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>> {
        match self.marks.pop() {
            Some(mark) if mark <= self.stack.len() => {
                self.spend(4 * (self.stack.len() - mark) as u64)?;
                Ok(self.stack.split_off(mark))
            }
            _ => malformed("its pickle takes objects that it never made"),
        }
    }

    fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    fn pop_node(&mut self) -> Result<Node> {
        self.pop().map(|id| self.node(id).clone())
    }

    fn pop_text(&mut self) -> Result<Arc<str>> {
        match self.pop_node()? {
            Node::Text(text) => Ok(text),
            _ => malformed("a name in its pickle is not a string"),
        }
    }

    fn top(&self) -> Result<Id> {
        self.stack.last().map_or_else(|| malformed("its pickle takes objects that it never made"), |&id| Ok(id))
    }

    fn append(&mut self, items: &[Id]) -> Result<()> {
        self.spend(8 * items.len() as u64)?;
        let list = self.top()?;
        match &mut self.nodes[list as usize] {
            Node::List(list) => {
                list.extend_from_slice(items);
                Ok(())
            }
            _ => malformed("its pickle appends to what is not a list"),
        }
    }

    fn set_items(&mut self, items: &[Id]) -> Result<()> {
        self.spend(8 * items.len() as u64)?;
        let dict = self.top()?;
        match &mut self.nodes[dict as usize] {
            Node::Dict(dict) if items.len().is_multiple_of(2) => {
                dict.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
                Ok(())
            }
            _ => malformed("its pickle sets items of what is not a dictionary"),
        }
    }

    fn put(&mut self, code: u8) -> Result<()> {
        let index = match code {
            opcode::PUT1 => self.number::<1>()? as u32,
            opcode::PUT4 => self.number::<4>()? as u32,
            _ => self.memo.len() as u32,
        };
        self.spend(32)?;
        let top = self.top()?;
        self.memo.insert(index, top);
        Ok(())
    }

    // Names, calls and tensors.

    fn global(&mut self, module: &str, name: &str) -> Result<()> {
        let node = match (module, name) {
            ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Node::Callable(Callable::RebuildTensor),
            ("collections", "OrderedDict") => Node::Callable(Callable::OrderedDict),
            ("torch", storage) if storage.ends_with("Storage") => Node::StorageType(storage_type(storage)?),
            _ => {
                return Err(PickleError::Foreign(
                    format!("The pickle in it asks for `{module} {name}`, which plain tensors do not need"),
                    PLAIN,
                ));
            }
        };
        self.push(node)
    }

    /// A storage, by its persistent id: `('storage', type, key, device, length)`, with a view behind it in old files.
    fn storage(&mut self) -> Result<()> {
        let Node::Tuple(parts) = self.pop_node()? else {
            return malformed("a persistent id in its pickle is no tuple");
        };
        let parts: Vec<&Node> = parts.iter().map(|&id| self.node(id)).collect();
        let [Node::Text(tag), Node::StorageType(sample_type), Node::Text(key), _, Node::Int(len), view @ ..] =
            &parts[..]
        else {
            return malformed("a persistent id in its pickle is no storage");
        };
        let whole = matches!(view, [] | [Node::None]);
        let (true, true, Ok(len)) = (&**tag == "storage", whole, u64::try_from(*len)) else {
            return malformed("a persistent id in its pickle is no whole storage");
        };
        let storage = StorageRef { key: Arc::clone(key), sample_type: *sample_type, len };
        self.spend(BYTES_PER_VALUE)?;
        if let Some(other) = self.storages.insert(Arc::clone(&storage.key), storage.clone())
            && other != storage
        {
            return malformed("its pickle describes one storage in two ways");
        }
        self.push(Node::Storage(storage))
    }

    fn call(&mut self) -> Result<()> {
        let arguments = self.pop_node()?;
        let callable = self.pop_node()?;
        let (Node::Callable(callable), Node::Tuple(arguments)) = (callable, arguments) else {
            return malformed("its pickle calls what cannot be called");
        };
        let node = match callable {
            Callable::OrderedDict if arguments.is_empty() => Node::Dict(Vec::new()),
            Callable::OrderedDict => return malformed("its pickle fills a dictionary in an unknown way"),
            Callable::RebuildTensor => Node::Tensor(Arc::new(self.tensor(&arguments)?)),
        };
        self.push(node)
    }

    fn tensor(&mut self, arguments: &[Id]) -> Result<Tensor> {
        let [storage, offset, shape, strides, ..] = arguments else {
            return malformed("a tensor in its pickle is incomplete");
        };
        let (Node::Storage(storage), Node::Int(offset)) = (self.node(*storage), self.node(*offset)) else {
            return malformed("a tensor in its pickle has no storage");
        };
        let (storage, offset) = (storage.clone(), u64::try_from(*offset));
        let (Ok(offset), Some(shape), Some(strides)) = (offset, self.sides(*shape), self.sides(*strides)) else {
            return malformed("a tensor in its pickle has a shape that is none");
        };
        self.spend(8 * (shape.len() + strides.len()) as u64 + BYTES_PER_VALUE)?;
        let tensor = Tensor { storage, offset, shape, strides };
        let end = tensor.span().and_then(|span| span.checked_add(tensor.offset));
        let countable =
            tensor.shape.iter().filter(|&&side| side > 0).try_fold(1_u64, |all, &side| all.checked_mul(side));
        if countable.is_none()
            || tensor.shape.len() != tensor.strides.len()
            || end.is_none_or(|end| end > tensor.storage.len)
        {
            return malformed(format!("a {tensor} reaches beyond its storage of {} elements", tensor.storage.len));
        }
        Ok(tensor)
    }

    fn sides(&self, tuple: Id) -> Option<Vec<u64>> {
        let Node::Tuple(sides) = self.node(tuple) else { return None };
        let side = |&id: &Id| if let Node::Int(side) = self.node(id) { u64::try_from(*side).ok() } else { None };
        sides.iter().map(side).collect()
    }

    // The result.

    /// The finished object. An object that is in several places is copied; `depth` keeps cycles out.
    fn value(&mut self, id: Id, depth: usize) -> Result<Value> {
        self.spend(BYTES_PER_VALUE)?;
        let Some(depth) = depth.checked_sub(1) else {
            return malformed("the objects in its pickle are nested too deep");
        };
        let values = |machine: &mut Self, ids: Vec<Id>| {
            ids.into_iter().map(|id| machine.value(id, depth)).collect::<Result<Vec<_>>>()
        };
        Ok(match self.node(id).clone() {
            Node::None => Value::None,
            Node::Bool(value) => Value::Bool(value),
            Node::Int(value) => Value::Int(value),
            Node::Float(value) => Value::Float(value),
            Node::Text(text) => Value::Text(text),
            Node::Bytes(bytes) => Value::Bytes(bytes),
            Node::List(items) => Value::List(values(self, items)?),
            Node::Tuple(items) => Value::Tuple(values(self, items)?),
            Node::Dict(items) => {
                let pair = |(key, value)| Ok((self.value(key, depth)?, self.value(value, depth)?));
                Value::Dict(items.into_iter().map(pair).collect::<Result<Vec<_>>>()?)
            }
            Node::Tensor(tensor) => Value::Tensor(tensor),
            Node::Callable(_) | Node::StorageType(_) | Node::Storage(_) => {
                return malformed("its pickle holds a bare storage or class");
            }
        })
    }
}

/// The element type of one of torch's storage classes.
fn storage_type(name: &str) -> Result<SampleType> {
    Ok(match name {
        "HalfStorage" => SampleType::F16,
        "FloatStorage" => SampleType::F32,
        "DoubleStorage" => SampleType::F64,
        "ByteStorage" | "BoolStorage" => SampleType::U8,
        "CharStorage" => SampleType::I8,
        "ShortStorage" => SampleType::I16,
        "IntStorage" => SampleType::I32,
        "LongStorage" => SampleType::I64,
        _ => {
            return Err(PickleError::Foreign(
                format!("The tensors in it are kept in a `{name}`, whose elements are not scores"),
                "Save them as maps.float()",
            ));
        }
    })
}

/// Opcodes, under names that say what they do.
mod opcode {
    pub(super) const PROTO: u8 = 0x80;
    pub(super) const FRAME: u8 = 0x95;
    pub(super) const STOP: u8 = b'.';
    pub(super) const MARK: u8 = b'(';
    pub(super) const POP: u8 = b'0';
    pub(super) const NONE: u8 = b'N';
    pub(super) const TRUE: u8 = 0x88;
    pub(super) const FALSE: u8 = 0x89;
    pub(super) const INT4: u8 = b'J';
    pub(super) const INT1: u8 = b'K';
    pub(super) const INT2: u8 = b'M';
    pub(super) const LONG1: u8 = 0x8a;
    pub(super) const FLOAT: u8 = b'G';
    pub(super) const TEXT1: u8 = 0x8c;
    pub(super) const TEXT4: u8 = b'X';
    pub(super) const TEXT8: u8 = 0x8d;
    /// Strings of Python 2.
    pub(super) const OLD_TEXT1: u8 = b'U';
    pub(super) const OLD_TEXT4: u8 = b'T';
    pub(super) const BYTES1: u8 = b'C';
    pub(super) const BYTES4: u8 = b'B';
    pub(super) const EMPTY_LIST: u8 = b']';
    pub(super) const EMPTY_DICT: u8 = b'}';
    pub(super) const EMPTY_TUPLE: u8 = b')';
    pub(super) const TUPLE1: u8 = 0x85;
    pub(super) const TUPLE2: u8 = 0x86;
    pub(super) const TUPLE3: u8 = 0x87;
    pub(super) const TUPLE: u8 = b't';
    pub(super) const APPEND: u8 = b'a';
    pub(super) const APPENDS: u8 = b'e';
    pub(super) const SETITEM: u8 = b's';
    pub(super) const SETITEMS: u8 = b'u';
    pub(super) const PUT1: u8 = b'q';
    pub(super) const PUT4: u8 = b'r';
    pub(super) const MEMOIZE: u8 = 0x94;
    pub(super) const GET1: u8 = b'h';
    pub(super) const GET4: u8 = b'j';
    pub(super) const GLOBAL: u8 = b'c';
    pub(super) const STACK_GLOBAL: u8 = 0x93;
    pub(super) const PERSISTENT_ID: u8 = b'Q';
    pub(super) const REDUCE: u8 = b'R';
}
