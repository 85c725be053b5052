/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a function's arguments and results are when a hook is hit. These layouts never change. */
#pragma once

#include "bpf.h"

#if defined(__TARGET_ARCH_x86)

struct registers {
	u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, original_ax, ip, cs, flags, sp, ss;
};

#define ARGUMENT_1(registers) ((registers)->di)
#define ARGUMENT_2(registers) ((registers)->si)
#define ARGUMENT_4(registers) ((registers)->cx)
#define RESULT(registers) ((s32)(registers)->ax)

#define WHOLE_RESULT(registers) ((s64)(registers)->ax)

/* What a system call is asked for stands in the registers of the process. These functions get a pointer to them. */
#define SYSTEM_CALL "__x64_sys_"
#define CALL_ARGUMENTS(from) { (from)->di, (from)->si, (from)->dx, (from)->r10, (from)->r8, (from)->r9 }
#define CALL_NUMBER(from) (((struct registers *)(from))->original_ax)

struct call_registers {
	u64 r10, r9, r8, ax, cx, dx, si, di;
};

#define CALL_REGISTERS(from) (&((struct registers *)(from))->r10)

/* Go's own convention since 1.17. */
#define GO_1(registers) ((registers)->ax)
#define GO_2(registers) ((registers)->bx)
#define GO_G(registers) ((registers)->r14)

#elif defined(__TARGET_ARCH_arm64)

struct registers {
	u64 x[31];
	u64 sp, pc, state;
};

#define ARGUMENT_1(registers) ((registers)->x[0])
#define ARGUMENT_2(registers) ((registers)->x[1])
#define ARGUMENT_4(registers) ((registers)->x[3])
#define RESULT(registers) ((s32)(registers)->x[0])
#define WHOLE_RESULT(registers) ((s64)(registers)->x[0])

#define SYSTEM_CALL "__arm64_sys_"
#define CALL_ARGUMENTS(from) { (from)->x[0], (from)->x[1], (from)->x[2], (from)->x[3], (from)->x[4], (from)->x[5] }
#define CALL_NUMBER(from) (((struct pt_regs *)(from))->syscallno)

/* The number stands behind what never changes. */
struct pt_regs {
	s32 syscallno;
} RELOCATED;

struct call_registers {
	u64 x[6];
};

#define CALL_REGISTERS(from) ((void *)(from))

#define GO_1(registers) ((registers)->x[0])
#define GO_2(registers) ((registers)->x[1])
#define GO_G(registers) ((registers)->x[28])

#else
#error "give -D__TARGET_ARCH_x86 or -D__TARGET_ARCH_arm64"
#endif

/* Never anything but 0: the verifier takes out what depends on it. */
const volatile u32 df_never = 0;

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
	MAP_UINT(max_entries, 1);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(u32));
} nowhere SEC(".maps");

/*
 * From 6.13 on the kernel gives a program with a large frame a stack of the processor instead of the thread's own. A program at a
 * uprobe can be preempted, and the next thread that comes by would write over it. Programs that hold a tail call, be it one
 * that is never made, are left on the thread's stack.
 */
INLINE void keep_own_stack(struct registers *registers)
{
	if (df_never)
		bpf_tail_call(registers, &nowhere, 0);
}
