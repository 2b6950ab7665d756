//! What the generated code says about its operations. The judge has no use for it.

#[allow(dead_code)]
pub struct Operation {
    pub name: &'static str,
    pub method: &'static str,
    pub path: &'static str,
    pub success: &'static [std::ops::RangeInclusive<u16>],
}

#[allow(dead_code)]
pub trait Documented {
    fn has_documented_field(&self) -> bool;
    fn has_documented_value(&self) -> bool;
}
