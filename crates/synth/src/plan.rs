//! What a dataset shall look like.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use pimo_frame::{SampleType, Size};

use crate::{Defect, SynthError};

/// Most pixels of an image or a map: a map is encoded in memory before it is written.
const MOST_PIXELS: u64 = 1 << 28;

/// A dataset to be made. Start from [`Plan::default`] and change what matters.
///
/// The same plan gives the same files, whatever the number of threads. An image depends on the seed, the position of
/// its category in the list, its defect and its number, and a map also on the position of its detector: adding images,
/// categories or detectors at the end leaves the earlier ones as they were (but for the zeros in front of their
/// numbers).
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Names of the categories, evaluated independently of one another. [`Plan::numbered_categories`] makes some.
    pub categories: Vec<String>,
    /// Normal images per category.
    pub normal: u64,
    /// Anomalous images per category, spread evenly over the kinds of defect.
    pub anomalous: u64,
    /// Kinds of defect.
    pub defects: Vec<Defect>,
    /// Size of images and masks.
    pub size: Size,
    /// Whether the sizes of images differ, from 0.7 to 1.3 of [`Plan::size`] on each side. With a
    /// [`Plan::map_size`] they keep their aspect ratio, so that maps of one size fit all of them.
    pub mixed_sizes: bool,
    /// Size of the maps; that of the images when absent. Maps of low resolution are what most detectors compute.
    pub map_size: Option<Size>,
    /// Detectors, each of which gets maps of its own for the same images.
    pub detectors: Vec<Detector>,
    /// Type of the scores. Integers use their whole range (64-bit ones 53 bits of it).
    pub sample_type: SampleType,
    /// File format of the maps.
    pub map_format: MapFormat,
    /// File format of the masks.
    pub mask_format: MaskFormat,
    /// How the folders are arranged.
    pub layout: Layout,
    /// Whether to write a manifest for each detector.
    pub manifest: bool,
    /// Whether to write the source images, as grey PNG.
    pub source_images: bool,
    /// Threads; 0 for as many as the machine has.
    pub threads: usize,
}

impl Default for Plan {
    /// 20 normal and 20 anomalous images of 256x256 in one category, one detector, float32 maps as `.npy`.
    fn default() -> Self {
        Self {
            seed: 0,
            categories: Self::numbered_categories(1),
            normal: 20,
            anomalous: 20,
            defects: Defect::ALL.to_vec(),
            size: Size::new(256, 256),
            mixed_sizes: false,
            map_size: None,
            detectors: vec![Detector { name: "detector".into(), quality: 0.8 }],
            sample_type: SampleType::F32,
            map_format: MapFormat::Npy,
            mask_format: MaskFormat::Png8,
            layout: Layout::MvtecAd,
            manifest: true,
            source_images: false,
            threads: 0,
        }
    }
}

/// A detector of a given skill.
#[derive(Clone, Debug, PartialEq)]
pub struct Detector {
    /// Its name, a folder under `maps`.
    pub name: String,
    /// From 0, which sees no defect at all, to 1, which finds most of them. All detectors see the same images: what
    /// one misses is likely, but not certain, to be missed by the others.
    pub quality: f32,
}

impl FromStr for Detector {
    type Err = SynthError;

    /// Reads `NAME=QUALITY`.
    fn from_str(text: &str) -> Result<Self, SynthError> {
        let parsed = text.split_once('=').and_then(|(name, quality)| Some((name, quality.parse().ok()?)));
        let (name, quality) = parsed.ok_or_else(|| {
            SynthError::plan(format!("`{text}` is no detector"), "expected NAME=QUALITY, as in strong=0.9")
        })?;
        Ok(Self { name: name.into(), quality })
    }
}

/// A set of values with names, which print and read back.
macro_rules! named {
    ($type:ident, $kind:literal, { $($value:expr => $name:literal),+ $(,)? }) => {
        impl $type {
            /// All values, in the order in which help texts should list them.
            pub const ALL: &'static [Self] = &[$($value),+];

            /// The name by which the value is given on a command line.
            pub fn name(self) -> &'static str {
                const NAMES: &[&str] = &[$($name),+];
                Self::ALL.iter().zip(NAMES).find_map(|(&value, &name)| (value == self).then_some(name)).unwrap_or("?")
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $type {
            type Err = SynthError;

            fn from_str(text: &str) -> Result<Self, SynthError> {
                match text {
                    $($name => Ok($value),)+
                    _ => Err(SynthError::choice($kind, text, &[$($name),+])),
                }
            }
        }
    };
}

/// File format of anomaly maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapFormat {
    /// One `.npy` file per map.
    Npy,
    /// One `maps.npz` per category, stored; the keys are relative paths such as `category/test/good/000`.
    Npz,
    /// The same, deflated.
    NpzDeflate,
    /// One `.tiff` file per map.
    Tiff(TiffCompression),
    /// One grey `.png` file per map; scores of 8 or 16 unsigned bits only.
    Png,
    /// One `maps.npy` of N x H x W per category, and beside it `paths.txt`, one line per map.
    Stack,
    /// One `asmaps.pt` per category, as `torch.save({"asmaps": tensor, "paths": list})` writes it.
    Torch,
}

named!(MapFormat, "map format", {
    Self::Npy => "npy",
    Self::Npz => "npz",
    Self::NpzDeflate => "npz-deflate",
    Self::Tiff(TiffCompression::None) => "tiff",
    Self::Tiff(TiffCompression::Deflate) => "tiff-deflate",
    Self::Tiff(TiffCompression::Lzw) => "tiff-lzw",
    Self::Tiff(TiffCompression::Zstd) => "tiff-zstd",
    Self::Png => "png",
    Self::Stack => "stack",
    Self::Torch => "pt",
});

/// How the strips of a TIFF file are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TiffCompression {
    /// Not at all.
    None,
    /// Deflate (zlib).
    Deflate,
    /// LZW.
    Lzw,
    /// Zstandard.
    Zstd,
}

/// File format of masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaskFormat {
    /// Grey PNG of 8 bits, 0 or 255.
    Png8,
    /// Grey PNG of 1 bit.
    Png1,
    /// Two-dimensional `.npy` of 8-bit integers, 0 or 255.
    Npy,
    /// Grey TIFF of 8 bits, 0 or 255, deflated.
    Tiff,
}

named!(MaskFormat, "mask format", {
    Self::Png8 => "png",
    Self::Png1 => "png1",
    Self::Npy => "npy",
    Self::Tiff => "tiff",
});

impl MaskFormat {
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Png8 | Self::Png1 => "png",
            Self::Npy => "npy",
            Self::Tiff => "tiff",
        }
    }
}

/// How the folders are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `dataset/<category>/{test,ground_truth}/<defect>/NNN...` and `maps/<detector>/<category>/test/<defect>/NNN...`;
    /// normal images are in `good` and have no mask.
    MvtecAd,
    /// `dataset/<category>/<stem>.png`, which are the masks, and `maps/<detector>/<category>/<stem>...`, with stems
    /// such as `good_000`; normal images have an empty mask. Source images go to `images/<category>`.
    Flat,
}

named!(Layout, "layout", {
    Self::MvtecAd => "mvtec-ad",
    Self::Flat => "flat",
});

impl Plan {
    /// Names for `count` categories: `category_0` and so on, with as many digits as the last one needs.
    pub fn numbered_categories(count: usize) -> Vec<String> {
        let digits = count.saturating_sub(1).to_string().len();
        (0..count).map(|number| format!("category_{number:0digits$}")).collect()
    }

    /// Size of the maps of an image of size `image`.
    pub(crate) fn raster(&self, image: Size) -> Size {
        self.map_size.unwrap_or(image)
    }

    /// Refuses what can't be made, or what no evaluation would accept.
    ///
    /// # Errors
    /// [`SynthError::Plan`], saying what is wrong and what would be right.
    pub fn validate(&self) -> Result<(), SynthError> {
        check_names("category", self.categories.iter().map(String::as_str))?;
        check_names("detector", self.detectors.iter().map(|detector| detector.name.as_str()))?;
        for Detector { name, quality } in &self.detectors {
            if !(0.0..=1.0).contains(quality) {
                return Err(SynthError::plan(
                    format!("detector {name} has a quality of {quality}"),
                    "expected a number from 0 to 1",
                ));
            }
        }
        self.check_images()?;
        self.check_maps()
    }

    fn check_images(&self) -> Result<(), SynthError> {
        if self.normal.checked_add(self.anomalous).is_none_or(|images| images == 0 || images > u64::from(u32::MAX)) {
            return Err(SynthError::plan(
                format!("{} normal and {} anomalous images", self.normal, self.anomalous),
                "expected at least one image and at most 4294967295 in all",
            ));
        }
        if self.anomalous > 0 && self.defects.is_empty() {
            return Err(SynthError::plan("anomalous images without a kind of defect", "name at least one"));
        }
        if self.defects.iter().collect::<HashSet<_>>().len() < self.defects.len() {
            return Err(SynthError::plan("a kind of defect is named twice", "name each once"));
        }
        // Mixed sizes reach 1.3 of the size on each side, so 1.69 of its pixels.
        let growth = if self.mixed_sizes { 2 } else { 1 };
        for (what, size, growth) in [("image", Some(self.size), growth), ("map", self.map_size, 1)] {
            let Some(size) = size else { continue };
            if size.pixels() == 0 || size.pixels() > MOST_PIXELS / growth {
                return Err(SynthError::plan(
                    format!("an {what} size of {size}").replace("an map", "a map"),
                    format!("expected from 1 to {} pixels", MOST_PIXELS / growth),
                ));
            }
        }
        Ok(())
    }

    fn check_maps(&self) -> Result<(), SynthError> {
        if let Some(map_size) = self.map_size {
            if self.size.aspect_differs(map_size) {
                return Err(SynthError::plan(
                    format!("maps of {map_size} for images of {} differ in aspect ratio", self.size),
                    "expected the same ratio of height to width to 1 %",
                ));
            }
            if self.mixed_sizes && self.size.height.min(self.size.width) < 100 {
                return Err(SynthError::plan(
                    format!("mixed sizes around {} do not keep the aspect ratio of the maps to 1 %", self.size),
                    "expected images of at least 100 pixels a side, or maps as large as the images",
                ));
            }
        }
        let stacked = matches!(self.map_format, MapFormat::Stack | MapFormat::Torch);
        if stacked && self.mixed_sizes && self.map_size.is_none() {
            return Err(SynthError::plan(
                format!("maps of mixed sizes cannot be stacked in one {} file", self.map_format),
                "give a map size, or choose a format that holds each map on its own",
            ));
        }
        let fits = match self.map_format {
            MapFormat::Png => matches!(self.sample_type, SampleType::U8 | SampleType::U16),
            MapFormat::Torch => !matches!(self.sample_type, SampleType::U16 | SampleType::U32 | SampleType::U64),
            _ => true,
        };
        if !fits {
            let cure =
                if self.map_format == MapFormat::Png { "uint8 or uint16" } else { "floats, uint8 or signed integers" };
            return Err(SynthError::plan(
                format!("{} scores cannot be stored as {}", self.sample_type.name(), self.map_format),
                format!("that format takes {cure}"),
            ));
        }
        Ok(())
    }
}

/// Names become folders, file names and columns of a manifest: they must be plain.
fn check_names<'a>(kind: &str, names: impl Iterator<Item = &'a str>) -> Result<(), SynthError> {
    let mut seen = HashSet::new();
    for name in names {
        let plain = !name.is_empty()
            && name.len() <= 100
            && !name.starts_with('.')
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+'));
        if !plain {
            return Err(SynthError::plan(
                format!("`{name}` cannot name a {kind}"),
                "expected up to 100 letters, digits and _ - . +, not starting with a dot",
            ));
        }
        if !seen.insert(name) {
            return Err(SynthError::plan(format!("two of the {kind} names are `{name}`"), "each must differ"));
        }
    }
    if seen.is_empty() {
        return Err(SynthError::plan(format!("no {kind} is named"), "expected at least one"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_read_back() {
        for &format in MapFormat::ALL {
            assert_eq!(format.name().parse::<MapFormat>().unwrap(), format);
        }
        for &format in MaskFormat::ALL {
            assert_eq!(format.name().parse::<MaskFormat>().unwrap(), format);
        }
        for &layout in Layout::ALL {
            assert_eq!(layout.name().parse::<Layout>().unwrap(), layout);
        }
        assert_eq!("a=0.5".parse::<Detector>().unwrap(), Detector { name: "a".into(), quality: 0.5 });
        assert!("a".parse::<Detector>().unwrap_err().to_string().contains("NAME=QUALITY"));
        assert!("jpg".parse::<MapFormat>().unwrap_err().to_string().contains("tiff-zstd"));
    }

    #[test]
    fn impossible_plans_are_refused_with_a_cure() {
        let refused = |change: fn(&mut Plan), part: &str| {
            let mut plan = Plan::default();
            plan.validate().unwrap();
            change(&mut plan);
            let message = plan.validate().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        };
        refused(|plan| plan.categories.clear(), "no category");
        refused(|plan| plan.categories = vec!["../x".into()], "cannot name a category");
        refused(|plan| plan.detectors.extend(plan.detectors.clone()), "each must differ");
        refused(|plan| plan.detectors[0].quality = f32::NAN, "from 0 to 1");
        refused(|plan| (plan.normal, plan.anomalous) = (0, 0), "at least one image");
        refused(|plan| plan.normal = u64::MAX, "at most");
        refused(|plan| plan.defects.clear(), "kind of defect");
        refused(|plan| plan.defects.push(Defect::Dent), "twice");
        refused(|plan| plan.size = Size::new(0, 5), "image size of 0x5");
        refused(|plan| plan.map_size = Some(Size::new(u32::MAX, u32::MAX)), "a map size");
        refused(|plan| plan.map_size = Some(Size::new(10, 20)), "aspect ratio");
        refused(|plan| plan.map_format = MapFormat::Png, "uint16");
        refused(|plan| (plan.map_format, plan.mixed_sizes) = (MapFormat::Torch, true), "map size");
        refused(|plan| (plan.map_format, plan.sample_type) = (MapFormat::Torch, SampleType::U16), "signed");
        refused(
            |plan| (plan.size, plan.map_size, plan.mixed_sizes) = (Size::new(64, 64), Some(Size::new(8, 8)), true),
            "100 pixels",
        );
    }

    #[test]
    fn categories_are_numbered_with_equal_digits() {
        assert_eq!(Plan::numbered_categories(1), ["category_0"]);
        let names = Plan::numbered_categories(11);
        assert_eq!((names[0].as_str(), names[10].as_str()), ("category_00", "category_10"));
    }
}
