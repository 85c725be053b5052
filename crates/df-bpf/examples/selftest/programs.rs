//! Hands the kernel the programs that are hooked into TLS libraries, also where there is none to hook.

use aya::programs::{Program, ProgramError};
use aya::{Btf, EbpfLoader};

use crate::Outcome;

/// Whether the kernel takes each of them.
pub(crate) fn load_tls_programs() -> Outcome {
    match refusals() {
        Ok((taken, refused)) if refused.is_empty() => Outcome::Passed(format!("{taken} programs")),
        Ok((taken, refused)) => Outcome::Failed(format!(
            "{} of {} refused: {}",
            refused.len(),
            taken + refused.len(),
            refused.join("; ")
        )),
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

/// How many programs the kernel takes, and what it says of the others.
fn refusals() -> Result<(usize, Vec<String>), Box<dyn std::error::Error>> {
    let btf = Btf::from_sys_fs()?;
    let mut object = EbpfLoader::new().btf(Some(&btf)).load(OBJECT)?;
    let (mut taken, mut refused) = (0, Vec::new());
    for (name, program) in object.programs_mut() {
        let Program::UProbe(program) = program else { continue };
        match program.load() {
            Ok(()) => taken += 1,
            Err(ProgramError::LoadError { io_error, verifier_log }) => {
                let log = verifier_log.to_string();
                let end: Vec<&str> = log.lines().rev().take(MAX_LINES).collect();
                let end: Vec<&str> = end.into_iter().rev().collect();
                refused.push(format!("{name}: {io_error}: {}", end.join(", ")));
            }
            Err(error) => refused.push(format!("{name}: {error}")),
        }
    }
    Ok((taken, refused))
}

/// Lines of what the verifier says that are worth telling.
const MAX_LINES: usize = 5;

/// The programs that the library hooks.
#[cfg(target_arch = "x86_64")]
const OBJECT: &[u8] = aya::include_bytes_aligned!("../../objects/df_x86_64.bpf.o");
#[cfg(target_arch = "aarch64")]
const OBJECT: &[u8] = aya::include_bytes_aligned!("../../objects/df_aarch64.bpf.o");
