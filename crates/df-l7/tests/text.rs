//! The laws of text inside messages, on any bytes and on bytes that look like what is read.

use df_l7::fuzzing;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sql_shows_no_data(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        text in "[ -~]{0,200}",
        dialect: u8,
    ) {
        fuzzing::sql(&bytes);
        fuzzing::sql(&[&[dialect], text.as_bytes()].concat());
    }

    #[test]
    fn ids_are_well_formed(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        text in "([\\x00-\\x0f]|b3=|sw8: |x-request-id:)[0-9a-f:%'=-]{0,60}\n?",
    ) {
        fuzzing::context(&bytes);
        fuzzing::context(text.as_bytes());
    }
}
