//! Tells cargo that the data of the feeds are part of the binary.

fn main() {
    for data in ["../mappings", "../schemas"] {
        println!("cargo:rerun-if-changed={data}");
    }
}
