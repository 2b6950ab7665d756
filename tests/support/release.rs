//! How far a version must be bumped for what changed since the last release.

use crate::surface::Change;
use spec_drift::Verdict;

/// The distance between two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bump {
    None,
    Patch,
    Minor,
    Major,
}

/// The bump that the crate's version needs for a surface change, by Cargo's rules. Registries ignore what follows the plus, so
/// a new `info.version` alone is a patch.
pub fn owed_by_crate(released: &str, surface: Change, new_info_version: bool) -> Bump {
    let (breaking, additive) =
        if parts(released)[0] == 0 { (Bump::Minor, Bump::Patch) } else { (Bump::Major, Bump::Minor) };
    let owed = match surface {
        Change::Breaking => breaking,
        Change::Additive => additive,
        Change::None => Bump::None,
    };
    owed.max(if new_info_version { Bump::Patch } else { Bump::None })
}

/// The bump that `info.version` needs for the worst verdict.
pub fn owed_by_description(worst: Option<Verdict>) -> Bump {
    match worst {
        Some(Verdict::Breaks | Verdict::Look) => Bump::Major,
        Some(Verdict::Unseen) => Bump::Minor,
        Some(Verdict::Harmless) => Bump::Patch,
        None => Bump::None,
    }
}

/// None if the second version is lower than the first.
pub fn bump(from: &str, to: &str) -> Option<Bump> {
    let (from, to) = (parts(from), parts(to));
    Some(match from.iter().zip(&to).position(|(from, to)| from != to) {
        _ if to < from => return None,
        None => Bump::None,
        Some(0) => Bump::Major,
        Some(1) => Bump::Minor,
        Some(_) => Bump::Patch,
    })
}

fn parts(version: &str) -> [u64; 3] {
    let parts: Vec<_> = version.split('.').map(|part| part.parse().expect("a version is three numbers")).collect();
    parts.try_into().expect("a version is three numbers")
}
