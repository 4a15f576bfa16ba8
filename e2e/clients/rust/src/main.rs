include!(concat!(env!("OUT_DIR"), "/ecoman.rs")); fn main(){}
