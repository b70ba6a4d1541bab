//! Which images a dataset has, and what their files are called.

use crate::plan::{Layout, MapFormat, Plan};
use crate::scene::Subject;

/// Numbers images from 0 and names their files, relative to the dataset's folder and with `/` between the parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Naming<'p> {
    plan: &'p Plan,
    digits: usize,
}

/// One image of the dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) category: usize,
    /// Position in its category: normal images first, then defect by defect.
    pub(crate) position: u64,
    pub(crate) subject: Subject,
}

impl<'p> Naming<'p> {
    pub(crate) fn new(plan: &'p Plan) -> Self {
        let naming = Self { plan, digits: 0 };
        let most = (0..plan.defects.len()).map(|kind| naming.with_defect(kind)).fold(plan.normal, u64::max);
        Self { digits: most.saturating_sub(1).to_string().len().max(3), ..naming }
    }

    /// Images of one category with the defect at position `kind` of the plan's list.
    fn with_defect(self, kind: usize) -> u64 {
        let kinds = self.plan.defects.len() as u64;
        self.plan.anomalous / kinds + u64::from((kind as u64) < self.plan.anomalous % kinds)
    }

    pub(crate) fn per_category(self) -> u64 {
        self.plan.normal + self.plan.anomalous
    }

    /// Image `index` of the whole dataset.
    pub(crate) fn item(self, index: u64) -> Item {
        let position = index % self.per_category();
        Item { category: (index / self.per_category()) as usize, position, subject: self.subject(position) }
    }

    fn subject(self, position: u64) -> Subject {
        let Some(mut number) = position.checked_sub(self.plan.normal) else {
            return Subject { defect: None, number: position };
        };
        for (kind, &defect) in self.plan.defects.iter().enumerate() {
            if number < self.with_defect(kind) {
                return Subject { defect: Some(defect), number };
            }
            number -= self.with_defect(kind);
        }
        unreachable!("the images of all defects are those of the category")
    }

    fn category(self, item: Item) -> &'p str {
        &self.plan.categories[item.category]
    }

    /// `good`, or the name of the defect.
    pub(crate) fn defect(item: Item) -> &'static str {
        item.subject.defect.map_or("good", |defect| defect.name())
    }

    fn number(self, item: Item) -> String {
        format!("{:0digits$}", item.subject.number, digits = self.digits)
    }

    /// The name under which results list the image.
    pub(crate) fn image_id(self, item: Item) -> String {
        format!("{}/{}/{}", self.category(item), Self::defect(item), self.number(item))
    }

    /// The path that containers record for a map, without an extension.
    pub(crate) fn key(self, item: Item) -> String {
        let (category, defect, number) = (self.category(item), Self::defect(item), self.number(item));
        match self.plan.layout {
            Layout::MvtecAd => format!("{category}/test/{defect}/{number}"),
            Layout::Flat => format!("{category}/{defect}_{number}"),
        }
    }

    /// The mask's file; in the `mvtec-ad` layout normal images have none.
    pub(crate) fn mask(self, item: Item) -> Option<String> {
        let extension = self.plan.mask_format.extension();
        match self.plan.layout {
            Layout::MvtecAd => item.subject.defect.map(|defect| {
                let (category, number) = (self.category(item), self.number(item));
                format!("dataset/{category}/ground_truth/{defect}/{number}_mask.{extension}")
            }),
            Layout::Flat => Some(format!("dataset/{}.{extension}", self.key(item))),
        }
    }

    /// The source image's file, if there are any.
    pub(crate) fn source_image(self, item: Item) -> Option<String> {
        let folder = match self.plan.layout {
            Layout::MvtecAd => "dataset",
            Layout::Flat => "images",
        };
        self.plan.source_images.then(|| format!("{folder}/{}.png", self.key(item)))
    }

    /// The file of a map that has one of its own.
    pub(crate) fn map(self, detector: usize, item: Item) -> Option<String> {
        let extension = match self.plan.map_format {
            MapFormat::Npy => "npy",
            MapFormat::Tiff(_) => "tiff",
            MapFormat::Png => "png",
            MapFormat::Npz | MapFormat::NpzDeflate | MapFormat::Stack | MapFormat::Torch => return None,
        };
        Some(format!("maps/{}/{}.{extension}", self.plan.detectors[detector].name, self.key(item)))
    }

    /// The file that holds all maps of a category.
    pub(crate) fn container(self, detector: usize, category: usize) -> Option<String> {
        let file = match self.plan.map_format {
            MapFormat::Npz | MapFormat::NpzDeflate => "maps.npz",
            MapFormat::Stack => "maps.npy",
            MapFormat::Torch => "asmaps.pt",
            MapFormat::Npy | MapFormat::Tiff(_) | MapFormat::Png => return None,
        };
        Some(format!("maps/{}/{}/{file}", self.plan.detectors[detector].name, self.plan.categories[category]))
    }

    /// How a manifest refers to a map: a file, or an entry of a container after `#`.
    pub(crate) fn map_reference(self, detector: usize, item: Item) -> String {
        match (self.map(detector, item), self.container(detector, item.category)) {
            (None, Some(file)) if matches!(self.plan.map_format, MapFormat::Npz | MapFormat::NpzDeflate) => {
                format!("{file}#{}", self.key(item))
            }
            (None, Some(file)) => format!("{file}#{}", item.position),
            (file, _) => file.unwrap_or_default(),
        }
    }

    /// The manifest of a detector: `manifest.csv` when it is the only one.
    pub(crate) fn manifest(self, detector: usize) -> String {
        match self.plan.detectors.as_slice() {
            [_] => "manifest.csv".into(),
            several => format!("manifest-{}.csv", several[detector].name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Defect;

    #[test]
    fn images_are_spread_over_the_defects_and_named_by_their_folder() {
        let plan = Plan {
            categories: vec!["nut".into(), "bolt".into()],
            normal: 3,
            anomalous: 4,
            defects: vec![Defect::Dent, Defect::Stain, Defect::Debris],
            map_format: MapFormat::Torch,
            ..Plan::default()
        };
        let naming = Naming::new(&plan);
        let ids: Vec<String> = (0..14).map(|index| naming.image_id(naming.item(index))).collect();
        let nut = ["good/000", "good/001", "good/002", "dent/000", "dent/001", "stain/000", "debris/000"];
        assert!(ids[..7].iter().eq(nut.iter().map(|id| format!("nut/{id}")).collect::<Vec<_>>().iter()));
        assert_eq!(ids[13], "bolt/debris/000");
        let last = naming.item(13);
        assert_eq!(naming.mask(last).as_deref(), Some("dataset/bolt/ground_truth/debris/000_mask.png"));
        assert_eq!(naming.mask(naming.item(0)), None);
        assert_eq!(naming.map_reference(0, last), "maps/detector/bolt/asmaps.pt#6");
    }

    #[test]
    fn numbers_have_as_many_digits_as_the_largest_needs() {
        let plan = Plan { normal: 1001, anomalous: 2, layout: Layout::Flat, ..Plan::default() };
        let naming = Naming::new(&plan);
        assert_eq!(naming.key(naming.item(1000)), "category_0/good_1000");
        assert_eq!(naming.key(naming.item(1)), "category_0/good_0001");
        assert_eq!(naming.mask(naming.item(1001)).as_deref(), Some("dataset/category_0/pinhole_0000.png"));
        assert_eq!(naming.map(0, naming.item(0)).as_deref(), Some("maps/detector/category_0/good_0000.npy"));
    }
}
