//! Where a function returns: the offsets of its return instructions.

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic};

use super::binary::Architecture;

/// Offsets of the return instructions from the function's start, at most `max_returns` of them, in order.
///
/// None when the code cannot be decoded to its end: hooking in the middle of an instruction would change the program.
pub(super) fn return_offsets(
    code: &[u8],
    architecture: Architecture,
    max_returns: usize,
) -> Option<Vec<u64>> {
    let offsets = match architecture {
        Architecture::X86_64 => x86_64(code)?,
        Architecture::Aarch64 => aarch64(code),
    };
    (!offsets.is_empty() && offsets.len() <= max_returns).then_some(offsets)
}

fn x86_64(code: &[u8]) -> Option<Vec<u64>> {
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    let mut offsets = Vec::new();
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        if instruction.is_invalid() {
            return None;
        }
        if instruction.mnemonic() == Mnemonic::Ret {
            offsets.push(instruction.ip());
        }
    }
    Some(offsets)
}

/// Instructions are words, so that nothing has to be decoded: `ret` through the link register is one of them.
fn aarch64(code: &[u8]) -> Vec<u64> {
    const RET: [u8; 4] = 0xd65f_03c0_u32.to_le_bytes();
    let words = code.chunks_exact(4).zip((0_u64..).step_by(4));
    words.filter(|(word, _)| *word == RET).map(|(_, offset)| offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_byte_inside_an_instruction_is_no_return() {
        // mov eax, 0xc3; ret; xor eax, eax; ret
        let code = [0xb8, 0xc3, 0, 0, 0, 0xc3, 0x31, 0xc0, 0xc3];
        assert_eq!(return_offsets(&code, Architecture::X86_64, 8), Some(vec![5, 8]));
        assert_eq!(return_offsets(&code, Architecture::X86_64, 1), None, "more than allowed");
    }

    #[test]
    fn code_that_cannot_be_decoded_is_left_alone() {
        assert_eq!(return_offsets(&[0xc3, 0x06, 0xc3], Architecture::X86_64, 8), None);
        assert_eq!(return_offsets(&[0xc3, 0x48], Architecture::X86_64, 8), None, "cut in the middle");
        assert_eq!(return_offsets(&[], Architecture::X86_64, 8), None);
    }

    #[test]
    fn arm_returns_are_whole_words() {
        let code = [0xc0, 0x03, 0x5f, 0xd6, 0x00, 0xc0, 0x03, 0x5f, 0xd6, 0, 0, 0, 0xc0, 0x03, 0x5f, 0xd6];
        assert_eq!(return_offsets(&code, Architecture::Aarch64, 8), Some(vec![0, 12]));
    }
}
