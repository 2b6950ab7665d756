//! The small examples do what they say.

#![cfg(feature = "sandbox")]

use std::{env, path::PathBuf, process::Command};

fn example(name: &str) -> Command {
    let tests = PathBuf::from(env::current_exe().unwrap().parent().unwrap());
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    Command::new(tests.parent().unwrap().join("examples").join(name))
}

#[test]
fn a_token_source_of_ones_own_survives_a_rotation() {
    let output = example("custom_token_source").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let expected = "with the first token: 1 attempt\nafter the rotation: 2 attempts\n";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}
