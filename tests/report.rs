//! `pimo report`.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use pimo_synth::{Detector, Plan};

use crate::support::{Ended, Toy, pimo, plan, refused, shared_folder, snapshot, succeeded};

/// Writes `report.html` of runs in the folder of the test.
fn report(toy: &Toy, runs: &[&str], further: &[&str]) -> Ended {
    let mut arguments: Vec<OsString> = vec!["report".into()];
    arguments.extend(runs.iter().map(|run| toy.path(run).into()));
    arguments.extend(["-o".into(), toy.path("report.html").into(), "--bootstrap".into(), "100".into()]);
    arguments.extend(further.iter().map(OsString::from));
    pimo(arguments)
}

fn page(toy: &Toy) -> String {
    fs::read_to_string(toy.path("report.html")).unwrap()
}

/// A plan with two detectors and source images.
fn two_detectors() -> Plan {
    let detector = |name: &str, quality| Detector { name: name.into(), quality };
    let detectors = vec![detector("strong", 0.9), detector("weak", 0.4)];
    // So many normal images that a run has no warnings.
    Plan { detectors, normal: 40, anomalous: 8, source_images: true, ..plan() }
}

/// Evaluates one detector of a dataset with two.
fn eval_one(toy: &Toy, name: &str, out: &str, further: &[&str]) {
    let maps = format!("{name}={}", toy.path("data/maps").join(name).display());
    let inputs = ["--maps".into(), maps.into(), "--dataset".into(), toy.path("data/dataset").into()];
    let bounds = ["--fpr-bounds", "1e-3,1e-1"];
    let further: Vec<&str> =
        if further.contains(&"--fpr-bounds") { further.to_vec() } else { [&bounds, further].concat() };
    succeeded(toy.eval_to(out, inputs.to_vec(), &further));
}

fn pictures(page: &str) -> usize {
    page.matches("<img src=\"data:image/png;base64,").count()
}

#[test]
fn a_report_of_two_runs() {
    let toy = Toy::of(&two_detectors());
    eval_one(&toy, "strong", "a", &[]);
    eval_one(&toy, "weak", "b", &[]);
    let ended = succeeded(report(&toy, &["a", "b"], &["--title", "Strong <or> weak"]));
    assert_eq!(ended.stderr, "");
    assert!(ended.stdout.starts_with("2 detectors on 1 category and 8 anomalous images: "), "{}", ended.stdout);
    let whole = page(&toy);
    assert!(whole.contains("<h1>Strong &lt;or&gt; weak</h1>"));
    // Two normal images of each detector, and those that stand for statistics; curves of both.
    assert!(pictures(&whole) >= 2 * 2 + 2 * 3, "{}", pictures(&whole));
    assert_eq!(whole.matches("aria-label=\"PIMO curves").count(), 2);
    assert!(whole.contains("<h3>a</h3>") && whole.contains("<h3>b</h3>"), "both runs are described");
    // The same results give the same page, which may be replaced.
    succeeded(report(&toy, &["a", "b"], &["--title", "Strong <or> weak", "--quiet"]));
    assert_eq!(page(&toy), whole);
    // Of the best one alone, without pictures.
    succeeded(report(&toy, &["a", "b"], &["--images-of", "best", "--no-heatmaps", "--worst", "1"]));
    let short = page(&toy);
    assert_eq!((pictures(&short), short.matches("aria-label=\"PIMO curves").count()), (0, 1));
    let worst = short.split("<h2 id=\"worst\">").nth(1).unwrap().split("</table>").next().unwrap();
    assert_eq!(worst.matches("<tr>").count(), 2);
}

#[test]
fn a_report_of_one_detector() {
    let toy = Toy::new();
    succeeded(toy.eval(&[]));
    succeeded(report(&toy, &["out"], &["--score", "iou"]));
    let page = page(&toy);
    assert!(page.contains("iou_at_lower_threshold") && !page.contains("Who beats whom"));
}

#[test]
fn files_that_are_gone_leave_a_report_without_them() {
    let toy = Toy::of(&two_detectors());
    let inputs = vec!["--manifest".into(), toy.path("data/manifest-strong.csv").into()];
    succeeded(toy.eval_to("out", inputs, &["--model", "strong", "--fpr-bounds", "1e-3,1e-1"]));
    succeeded(report(&toy, &["out"], &[]));
    let drawn = pictures(&page(&toy));
    assert!(drawn > 4, "{drawn}");
    fs::remove_dir_all(toy.path("data/maps/strong/toy/test/stain")).unwrap();
    fs::remove_dir_all(toy.path("data/dataset/toy/test")).unwrap();
    let some = succeeded(report(&toy, &["out"], &["--worst", "0"]));
    snapshot("report_some_files_gone", toy.folder(), &some.stderr);
    assert_eq!(pictures(&page(&toy)), 2, "the normal images are left");
    fs::rename(toy.path("data"), toy.path("moved")).unwrap();
    let none = succeeded(report(&toy, &["out"], &[]));
    snapshot("report_maps_gone", toy.folder(), &none.stderr);
    let without = page(&toy);
    assert_eq!(pictures(&without), 0);
    assert!(without.contains("no heat maps of strong"), "the report says so itself");
    let again = format!("strong={}", toy.path("moved").display());
    let dataset = toy.path("moved").display().to_string();
    let moved = succeeded(report(&toy, &["out"], &["--maps", &again, "--dataset", &dataset]));
    assert!(moved.stderr.lines().count() == 2 && pictures(&page(&toy)) == 2, "{}", moved.stderr);
}

#[test]
fn published_scores_are_reported() {
    let toy = Toy::of(&two_detectors());
    eval_one(&toy, "strong", "a", &["--export", "published"]);
    eval_one(&toy, "weak", "b", &[]);
    let published = toy.path("a/published").display().to_string();
    succeeded(report(&toy, &[], &["--published", &published]));
    assert!(page(&toy).contains("strong") && pictures(&page(&toy)) == 0);
    succeeded(report(&toy, &["b"], &["--published", &published]));
    assert!(page(&toy).contains("Who beats whom"));
}

#[test]
fn runs_that_do_not_belong_together() {
    let toy = Toy::of(&Plan { categories: vec!["toy".into(), "nut".into()], ..two_detectors() });
    eval_one(&toy, "strong", "a", &[]);
    eval_one(&toy, "weak", "bounds", &["--fpr-bounds", "1e-3,1e-2"]);
    eval_one(&toy, "weak", "mode", &["--thresholds", "linspace:1000"]);
    eval_one(&toy, "weak", "category", &["--category", "nut"]);
    refused("report_bounds", toy.folder(), &report(&toy, &["a", "bounds"], &[]), 3);
    refused("report_thresholds", toy.folder(), &report(&toy, &["a", "mode"], &[]), 3);
    refused("report_category", toy.folder(), &report(&toy, &["a", "category"], &[]), 3);
    refused("report_no_run", toy.folder(), &report(&toy, &["data"], &[]), 2);
    refused("report_no_published", toy.folder(), &report(&toy, &["a"], &["--published", "nowhere"]), 2);
    refused("report_score", toy.folder(), &report(&toy, &["a"], &["--score", "auroc"]), 3);
    refused("report_unknown_model", toy.folder(), &report(&toy, &["a"], &["--model", "week"]), 2);
    assert!(!toy.path("report.html").exists(), "nothing was written");
    let common = succeeded(report(&toy, &["a", "category"], &["--intersect", "--no-heatmaps"]));
    assert!(common.stderr.contains("category toy is left out"), "{}", common.stderr);
    // The same detector twice: the names of the runs tell them apart.
    eval_one(&toy, "weak", "again", &["--category", "nut"]);
    succeeded(report(&toy, &["category", "again"], &[]));
    assert!(page(&toy).contains("weak (category)") && page(&toy).contains("weak (again)"));
}

#[test]
fn files_in_the_way() {
    let toy = Toy::new();
    succeeded(toy.eval(&[]));
    fs::write(toy.path("report.html"), "<html>mine</html>").unwrap();
    refused("report_in_the_way", toy.folder(), &report(&toy, &["out"], &[]), 2);
    assert_eq!(page(&toy), "<html>mine</html>");
    succeeded(report(&toy, &["out"], &["--force"]));
    succeeded(report(&toy, &["out"], &[]));
    let out = |path: &Path| pimo(["report".as_ref(), toy.path("out").as_os_str(), "-o".as_ref(), path.as_os_str()]);
    refused("report_is_a_folder", toy.folder(), &out(&toy.path("data")), 2);
    refused("report_no_folder", toy.folder(), &out(&toy.path("no/such/report.html")), 2);
    refused("report_unwritable", toy.folder(), &out(Path::new("/proc/report.html")), 4);
    refused("usage_report_nothing", Path::new(""), &pimo(["report", "-o", "r.html"]), 2);
}

#[test]
fn all_published_scores_make_a_small_page() {
    let Some(published) = shared_folder("published") else { return };
    let toy = Toy::new();
    let ended = succeeded(report(&toy, &[], &["--published", published.to_str().unwrap(), "--no-heatmaps"]));
    assert!(ended.stdout.starts_with("13 detectors on 27 categories and 2458 anomalous images"), "{}", ended.stdout);
    let page = page(&toy);
    assert!(page.len() < 10_000_000, "{} bytes", page.len());
    assert!(page.contains("AUROC prefers another detector than AUPIMO in 15 of 27"), "AUROC is set against AUPIMO");
}
