/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hooks at the same functions by kprobes, for kernels that have nothing better. */
#pragma once

#include "calls.h"
#include "compat.h"
#include "registers.h"

/* What the function gets is a pointer to the registers of the process. */
#define ENTER_AT_KPROBE(name, ...)                                                                                    \
	SEC("kprobe/" SYSTEM_CALL #name) int kprobe_##name(struct registers *context)                                 \
	{                                                                                                             \
		struct call_registers registers = {};                                                                 \
                                                                                                                      \
		bpf_probe_read_kernel(&registers, sizeof(registers), CALL_REGISTERS(ARGUMENT_1(context)));            \
		const u64 arguments[] = CALL_ARGUMENTS(&registers);                                                   \
		return is_32_bit_function() ? 0 : enter_##name(context, arguments);                                   \
	}

TRANSFERS(ENTER_AT_KPROBE)
OTHER_ENTRIES(ENTER_AT_KPROBE)

SEC("kretprobe/leave") int kprobe_leave(struct registers *context)
{
	return is_32_bit_function() ? 0 : return_one(context, WHOLE_RESULT(context));
}

SEC("kretprobe/messages") int kprobe_leave_messages(struct registers *context)
{
	return is_32_bit_function() ? 0 : return_several(context, WHOLE_RESULT(context));
}

SEC("kretprobe/accepted") int kprobe_accepted(struct registers *context)
{
	return is_32_bit_function() ? 0 : return_accepted(context, WHOLE_RESULT(context));
}
