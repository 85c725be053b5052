//! What the client measured against what the agent saw.

use df_testing::Measurement;
use serde_json::Value;

/// Every measured request must have been seen exactly once, with its code, and as long as the client says.
pub(crate) fn compare(name: &str, measured: &[Measurement], seen: &[Value]) {
    assert_eq!(measured.len(), crate::REQUESTS, "{name}: the client measured every request");
    let mut differences = Vec::new();
    for request in measured {
        let matching: Vec<&Value> = seen
            .iter()
            .filter(|exchange| exchange["request_resource"] == request.resource.as_str())
            .collect();
        let [exchange] = matching.as_slice() else {
            panic!("{name}: {} was seen {} times: {matching:#?}", request.resource, matching.len());
        };
        assert_eq!(exchange["message_type"], "exchange", "{name}: {exchange:#}");
        let code = exchange["response_code"].as_str().unwrap_or_default();
        assert_eq!(code, request.code, "{name}: {exchange:#}");
        let duration = exchange["duration_ns"].as_u64().unwrap();
        differences.push((duration.abs_diff(request.duration_ns), request.resource.as_str()));
    }
    judge(name, differences);
}

/// The difference is made up of the client's own work between its clock and the wire. The bound is for every request;
/// a machine that is taken away from the client in between is excused once in a hundred.
fn judge(name: &str, mut differences: Vec<(u64, &str)>) {
    differences.sort_unstable();
    let within = differences.iter().filter(|(difference, _)| *difference <= BOUND_NS).count();
    let (median, _) = differences[differences.len() / 2];
    let (worst, resource) = differences[differences.len() - 1];
    println!(
        "{name}: {within} of {} within 1 ms of the client's measurement; median {} us, worst {} us ({resource})",
        differences.len(),
        median / 1_000,
        worst / 1_000
    );
    assert!(median <= MAX_MEDIAN_NS, "{name}: half of all differ by more than {median} ns");
    assert!(
        within * 100 >= differences.len() * 99,
        "{name}: only {within} within 1 ms; worst {worst} ns: {resource}"
    );
}

const BOUND_NS: u64 = 1_000_000;
const MAX_MEDIAN_NS: u64 = 300_000;
