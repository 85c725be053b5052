/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a function's arguments and results are when a hook in user space is hit. These layouts never change. */
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

#define GO_1(registers) ((registers)->x[0])
#define GO_2(registers) ((registers)->x[1])
#define GO_G(registers) ((registers)->x[28])

#else
#error "give -D__TARGET_ARCH_x86 or -D__TARGET_ARCH_arm64"
#endif
