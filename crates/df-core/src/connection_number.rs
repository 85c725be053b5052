//! The number by which connections are chosen where not all of them can be told.

/// The number of a connection between these two ports: the same for both directions, at both ends, and wherever it is seen.
/// All 256 numbers are as frequent. Whoever leaves out so many of 256 connections leaves out those with a lower number than that.
///
/// ```
/// use df_core::connection_number;
///
/// let number = connection_number([40_000, 80]);
/// assert_eq!(number, connection_number([80, 40_000]));
/// let leaves_out = |connections: u16| u16::from(number) < connections;
/// assert!(!leaves_out(0) && leaves_out(256));
/// ```
#[allow(clippy::cast_possible_truncation, reason = "of 32 bits the first eight are left")]
pub const fn connection_number(ports: [u16; 2]) -> u8 {
    let [one, other] = ports;
    (((one ^ other) as u32).wrapping_mul(GOLDEN_RATIO) >> 24) as u8
}

/// 2^32 divided by the golden ratio: neighbouring ports come to distant numbers. Programs in the kernel know it too.
const GOLDEN_RATIO: u32 = 0x9e37_79b1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_programs_in_the_kernel() {
        // Calculated apart, from the formula in `crates/df-bpf/bpf/budget.h`.
        let known = [
            ([80, 80], 0),
            ([80, 81], 0x9e),
            ([40_000, 80], 0xb1),
            ([50_000, 443], 0x47),
            ([u16::MAX, 1], 0x3d),
        ];
        for (ports, number) in known {
            assert_eq!(connection_number(ports), number, "{ports:?}");
        }
    }

    #[test]
    fn neighbouring_clients_of_a_server_are_spread_evenly() {
        let mut found = [0_u32; 256];
        for client in 32_768..=u16::MAX {
            found[usize::from(connection_number([client, 443]))] += 1;
        }
        assert!(found.iter().all(|count| (120..=136).contains(count)), "{found:?}");
    }
}
