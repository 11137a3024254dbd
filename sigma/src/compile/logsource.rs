//! The log source of a rule: whether it sees CloudTrail.

use rsigma_parser::LogSource;

/// Whether a rule for this log source sees the records of CloudTrail: its product and service, as far as
/// it says them, are `aws` and `cloudtrail`, and it is of no category, which CloudTrail has none of.
pub(super) fn is_cloudtrail(source: &LogSource) -> bool {
    let unsaid_or = |said: &Option<String>, ours: &str| {
        said.as_deref().is_none_or(|said| said.eq_ignore_ascii_case(ours))
    };
    unsaid_or(&source.product, "aws")
        && unsaid_or(&source.service, "cloudtrail")
        && source.category.is_none()
        && source.custom.is_empty()
}

/// Whether it says that it is CloudTrail.
pub(super) fn is_both(source: &LogSource) -> bool {
    source.product.as_deref() == Some("aws") && source.service.as_deref() == Some("cloudtrail")
}

/// Whether it says anything.
pub(super) fn is_said(source: &LogSource) -> bool {
    let parts = [&source.product, &source.category, &source.service];
    parts.into_iter().any(Option::is_some) || !source.custom.is_empty()
}

/// Its name in what is told of it: product, category and service, and what else it says.
pub(super) fn name(source: &LogSource) -> String {
    let parts = [&source.product, &source.category, &source.service];
    let mut custom: Vec<_> =
        source.custom.iter().map(|(key, value)| format!("{key} {value}")).collect();
    custom.sort();
    let parts = parts.into_iter().flatten().map(|part| part.to_lowercase());
    parts.chain(custom).collect::<Vec<_>>().join(", ")
}
