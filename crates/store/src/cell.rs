//! One value of a table's column: how each Rust type is stored in Arrow and got back.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Float64Array, Float64Builder, StringArray, StringBuilder,
    UInt32Array, UInt32Builder, UInt64Array, UInt64Builder,
};
use arrow::datatypes::{DataType, Float64Type, UInt32Type, UInt64Type};

/// A type that a column of our tables may have.
pub(crate) trait Cell: Sized {
    /// Its Arrow type.
    const DATA_TYPE: DataType;
    /// Whether it may be null.
    const NULLABLE: bool;
    /// Collects values of a column.
    type Builder: Default;
    /// A column of them.
    type Array: Array;

    /// Adds this value to a column.
    fn append(&self, builder: &mut Self::Builder);
    /// The column collected so far; the builder is empty afterwards.
    fn finish(builder: &mut Self::Builder) -> ArrayRef;
    /// The typed column, if `array` is of this type.
    fn downcast(array: &dyn Array) -> Option<&Self::Array>;
    /// The value at `row`; `None` where the column is null and this type cannot be.
    fn read(array: &Self::Array, row: usize) -> Option<Self>;
}

macro_rules! cell {
    ($value:ty, $data_type:expr, $builder:ty, $array:ty, $append:expr, $downcast:expr, $read:expr) => {
        impl Cell for $value {
            const DATA_TYPE: DataType = $data_type;
            const NULLABLE: bool = false;
            type Builder = $builder;
            type Array = $array;

            fn append(&self, builder: &mut Self::Builder) {
                let append: fn(&mut Self::Builder, &Self) = $append;
                append(builder, self);
            }

            fn finish(builder: &mut Self::Builder) -> ArrayRef {
                Arc::new(builder.finish())
            }

            fn downcast(array: &dyn Array) -> Option<&Self::Array> {
                let downcast: fn(&dyn Array) -> Option<&Self::Array> = $downcast;
                downcast(array)
            }

            fn read(array: &Self::Array, row: usize) -> Option<Self> {
                let read: fn(&Self::Array, usize) -> Self = $read;
                array.is_valid(row).then(|| read(array, row))
            }
        }

        impl Cell for Option<$value> {
            const DATA_TYPE: DataType = $data_type;
            const NULLABLE: bool = true;
            type Builder = $builder;
            type Array = $array;

            fn append(&self, builder: &mut Self::Builder) {
                match self {
                    Some(value) => value.append(builder),
                    None => builder.append_null(),
                }
            }

            fn finish(builder: &mut Self::Builder) -> ArrayRef {
                <$value as Cell>::finish(builder)
            }

            fn downcast(array: &dyn Array) -> Option<&Self::Array> {
                <$value as Cell>::downcast(array)
            }

            fn read(array: &Self::Array, row: usize) -> Option<Self> {
                Some(<$value as Cell>::read(array, row))
            }
        }
    };
}

cell!(
    String,
    DataType::Utf8,
    StringBuilder,
    StringArray,
    |builder, value| builder.append_value(value),
    |array| array.as_string_opt::<i32>(),
    |array, row| array.value(row).to_owned()
);
cell!(
    bool,
    DataType::Boolean,
    BooleanBuilder,
    BooleanArray,
    |builder, value| builder.append_value(*value),
    |array| array.as_boolean_opt(),
    |array, row| array.value(row)
);
cell!(
    u32,
    DataType::UInt32,
    UInt32Builder,
    UInt32Array,
    |builder, value| builder.append_value(*value),
    |array| array.as_primitive_opt::<UInt32Type>(),
    |array, row| array.value(row)
);
cell!(
    u64,
    DataType::UInt64,
    UInt64Builder,
    UInt64Array,
    |builder, value| builder.append_value(*value),
    |array| array.as_primitive_opt::<UInt64Type>(),
    |array, row| array.value(row)
);
cell!(
    f64,
    DataType::Float64,
    Float64Builder,
    Float64Array,
    |builder, value| builder.append_value(*value),
    |array| array.as_primitive_opt::<Float64Type>(),
    |array, row| array.value(row)
);
