//! Rules about which crate may use which.

use serde_json::Value;

use super::{Repository, Violation};

/// Which of our crates each of them uses: the arrows of the design.
const EDGES: &[(&str, &[&str])] = &[
    ("df-core", &[]),
    ("df-bpf", &["df-core"]),
    ("df-capture", &["df-core"]),
    ("df-flow", &["df-core"]),
    ("df-l7", &["df-core"]),
    ("df-trace", &["df-core", "df-l7"]),
    ("df-export", &["df-core", "df-flow", "df-l7", "df-trace"]),
];

/// Our crates use each other as the design says, no less and no more.
pub(super) fn edges_are_those_of_the_design(repository: &Repository) -> Vec<Violation> {
    let packages = repository.metadata["packages"].as_array().into_iter().flatten();
    packages
        .filter(|package| is_library(package))
        .flat_map(|package| edge_violations(repository, package))
        .collect()
}

/// Whether a package is a crate of the design: one that is published. The agent, the examples and what only tests use
/// may know everything, and no library may know them.
fn is_library(package: &Value) -> bool {
    let is_published = package["publish"].as_array().is_none_or(|registries| !registries.is_empty());
    is_published && !text(package, "manifest_path").contains("/examples/")
}

fn edge_violations(repository: &Repository, package: &Value) -> Vec<Violation> {
    let name = text(package, "name");
    let manifest =
        if name == "xtask" { "xtask/Cargo.toml".to_owned() } else { format!("crates/{name}/Cargo.toml") };
    let Some((_, expected)) = EDGES.iter().find(|(known, _)| *known == name) else {
        let advice =
            "a new crate: add its arrows to the design and to the table in xtask/src/tidy/dependencies.rs";
        return vec![Violation::new(&manifest, 1, advice)];
    };
    let found = our_dependencies(package);
    let extra = found.iter().filter(|dependency| !expected.contains(dependency)).map(|dependency| {
        let advice = format!("{name} must not know {dependency}: they meet in the caller");
        Violation::new(&manifest, line_of(repository, &manifest, dependency), advice)
    });
    let missing = expected.iter().filter(|dependency| !found.contains(dependency)).map(|dependency| {
        let advice = format!("the design says that {name} uses {dependency}: add it, or change the design");
        Violation::new(&manifest, 1, advice)
    });
    extra.chain(missing).collect()
}

/// Normal and build dependencies on crates of this repository, which are those with a path.
fn our_dependencies(package: &Value) -> Vec<&str> {
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    let ours =
        dependencies.filter(|dependency| dependency["path"].is_string() && dependency["kind"] != "dev");
    ours.map(|dependency| text(dependency, "name")).collect()
}

/// df-l7 alone builds in seconds.
pub(super) fn df_l7_stays_small(repository: &Repository) -> Vec<Violation> {
    let manifest = "crates/df-l7/Cargo.toml";
    let packages = &repository.l7_packages;
    let runtimes = packages.iter().filter(|name| ASYNC_RUNTIMES.contains(&name.as_str())).map(|name| {
        let advice =
            format!("{name} is an async runtime: df-l7 takes bytes and gives values, it waits for nothing");
        Violation::new(manifest, line_of(repository, manifest, name), advice)
    });
    let many = (packages.len() > MAX_L7_PACKAGES).then(|| {
        let advice =
            format!("{} packages, {MAX_L7_PACKAGES} are allowed: {}", packages.len(), packages.join(" "));
        Violation::new(manifest, 1, advice)
    });
    runtimes.chain(many).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The line of a manifest that names a package; 1 if it comes in through another one.
fn line_of(repository: &Repository, manifest: &str, package: &str) -> usize {
    let lines = repository.text(manifest).unwrap_or_default().lines();
    lines.zip(1..).find(|(line, _)| line.starts_with(package)).map_or(1, |(_, number)| number)
}

const MAX_L7_PACKAGES: usize = 12;
const ASYNC_RUNTIMES: &[&str] = &["async-std", "smol", "tokio"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tidy::File;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Value {
        let dependency =
            |(name, kind): &(&str, Option<&str>)| json!({"name": name, "kind": kind, "path": "/x"});
        let dependencies: Vec<Value> = dependencies.iter().map(dependency).collect();
        json!({"name": name, "manifest_path": format!("/x/{name}/Cargo.toml"), "dependencies": dependencies})
    }

    #[test]
    fn arrows_that_the_design_does_not_have_and_arrows_that_it_has() {
        let packages = [
            package("df-flow", &[("df-core", None), ("df-l7", None), ("df-capture", Some("dev"))]),
            package("df-trace", &[("df-core", None)]),
            package("df-new", &[]),
            json!({"name": "df-testing", "manifest_path": "/x/df-testing/Cargo.toml", "publish": []}),
        ];
        let files = vec![File::new(
            "crates/df-flow/Cargo.toml",
            "[dependencies]\ndf-core.workspace = true\ndf-l7.workspace = true\n",
        )];
        let repository =
            Repository { files, metadata: json!({ "packages": packages }), ..Repository::default() };
        let violations = edges_are_those_of_the_design(&repository);
        let places: Vec<_> =
            violations.iter().map(|violation| (violation.path.as_str(), violation.line)).collect();
        let expected = [
            ("crates/df-flow/Cargo.toml", 3),
            ("crates/df-trace/Cargo.toml", 1),
            ("crates/df-new/Cargo.toml", 1),
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn df_l7_without_runtime_and_with_few_packages() {
        let names = |count: usize| (0..count).map(|number| format!("p{number}"));
        let check = |l7_packages: Vec<String>| {
            df_l7_stays_small(&Repository { l7_packages, ..Repository::default() }).len()
        };
        assert_eq!(check(names(12).collect()), 0);
        assert_eq!(check(names(13).collect()), 1);
        assert_eq!(check(vec!["tokio".to_owned()]), 1);
    }
}
