//! The site's folders are embedded into the binary: a file that is new there makes a new binary.

fn main() {
    for folder in ["widgets", "templates", "static", "tests"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
