/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the BPF virtual machine gives: integers, helper calls, maps, relocated reads. Only clang is needed. */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed int s32;
typedef signed long long s64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#ifdef REDUCED
/* Before 4.16 programs have no functions of their own, before 5.3 no loops. */
#define SUBPROGRAM INLINE
#define UNROLLED _Pragma("unroll")
#else
/* A function of its own: its instructions are there once, however many programs call it. */
#define SUBPROGRAM static __attribute__((noinline))
#define UNROLLED
#endif
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define NULL ((void *)0)

/* Declares members of a map as the loaders read them from BTF. */
#define MAP_UINT(name, value) int(*name)[value]
#define MAP_VALUES(type) type *values[]

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_STACK_TRACE = 7,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };
enum { BPF_RB_AVAIL_DATA = 0 };
enum { BPF_F_USER_STACK = 1 << 8 };
#define BPF_F_CURRENT_CPU 0xffffffffULL

static void *(*const bpf_map_lookup_elem)(const void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(const void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*const bpf_map_delete_elem)(const void *map, const void *key) = (void *)3;
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static long (*const bpf_tail_call)(void *context, const void *map, u32 index) = (void *)12;
static u32 (*const bpf_get_smp_processor_id)(void) = (void *)8;
static u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static long (*const bpf_get_current_comm)(void *buffer, u32 size) = (void *)16;
static s64 (*const bpf_get_stackid)(void *context, const void *map, u64 flags) = (void *)27;
static u64 (*const bpf_get_current_task)(void) = (void *)35;
#ifdef REDUCED
static long (*const bpf_perf_event_output)(void *context, const void *map, u64 flags, void *data, u64 size) = (void *)25;
/* Before 5.5 one helper reads both memories. */
static long (*const bpf_probe_read_user)(void *to, u32 size, const void *from) = (void *)4;
static long (*const bpf_probe_read_kernel)(void *to, u32 size, const void *from) = (void *)4;
static long (*const bpf_probe_read_kernel_str)(void *to, u32 size, const void *from) = (void *)45;
#else
static long (*const bpf_probe_read_user)(void *to, u32 size, const void *from) = (void *)112;
static long (*const bpf_probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static long (*const bpf_probe_read_user_str)(void *to, u32 size, const void *from) = (void *)114;
static long (*const bpf_probe_read_kernel_str)(void *to, u32 size, const void *from) = (void *)115;
#endif
static void *(*const bpf_ringbuf_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*const bpf_ringbuf_submit)(void *data, u64 flags) = (void *)132;
static void (*const bpf_ringbuf_discard)(void *data, u64 flags) = (void *)133;
static u64 (*const bpf_ringbuf_query)(void *ring, u64 flags) = (void *)134;
static void *(*const bpf_skc_to_tcp_sock)(void *sock) = (void *)137;
static void *(*const bpf_get_current_task_btf)(void) = (void *)158;
static u64 (*const bpf_get_attach_cookie)(void *context) = (void *)174;

static void *(*const bpf_task_pt_regs)(void *task) = (void *)175;

/* Structures with this attribute are laid out as the running kernel lays them out. */
#define RELOCATED __attribute__((preserve_access_index))

enum { FIELD_BYTE_OFFSET = 0, FIELD_BYTE_SIZE = 1, FIELD_EXISTS = 2, FIELD_LSHIFT_U64 = 4, FIELD_RSHIFT_U64 = 5 };
enum { TYPE_SIZE = 1 };

#define FIELD_OFFSET(type, field) __builtin_preserve_field_info(((type *)0)->field, FIELD_BYTE_OFFSET)
#define HAS_FIELD(type, field) __builtin_preserve_field_info(((type *)0)->field, FIELD_EXISTS)

/* Reads `pointer->field` of the kernel; zero when that memory cannot be read. */
#define READ(pointer, field)                                                                                          \
	({                                                                                                            \
		__typeof__((pointer)->field) value_ = {};                                                             \
		bpf_probe_read_kernel(&value_, sizeof(value_), &(pointer)->field);                                    \
		value_;                                                                                               \
	})

/* Keeps a value between 0 and `mask` where the verifier lost sight of it. */
#define MASK(value, mask) asm volatile("%0 &= %1" : "+r"(value) : "i"(mask))

/* Keeps clang from drawing conclusions about a value. */
#define OPAQUE(value) asm volatile("" : "+r"(value))

/*
 * Makes the verifier forget the range of a value, by way of one that it knows nothing of. Without it every turn of a loop
 * that adds to the value is a new case, and the cases multiply.
 */
#define FORGET(value, unknown) asm volatile("%0 ^= %1; %0 ^= %1" : "+r"(value) : "r"(unknown))

/* Keeps what stands before it in the program before what stands after it, for what interrupts the program. */
#define ORDER() asm volatile("" ::: "memory")

#ifndef REDUCED

/* Only the names are compared with those of the kernel. */
enum bpf_func_id { BPF_FUNC_get_current_task_btf = 158, BPF_FUNC_task_pt_regs = 175 };

/* Since Linux 5.11 a pointer to the task can be followed without a call for every step. */
INLINE int has_task_pointers(void)
{
	return __builtin_preserve_enum_value(*(enum bpf_func_id *)BPF_FUNC_get_current_task_btf, 0);
}

/* Since Linux 5.15 any program can ask for the registers with which the process came into the kernel. */
INLINE int has_task_registers(void)
{
	return __builtin_preserve_enum_value(*(enum bpf_func_id *)BPF_FUNC_task_pt_regs, 0);
}

#endif

INLINE u16 swap16(u16 value)
{
	return __builtin_bswap16(value);
}
