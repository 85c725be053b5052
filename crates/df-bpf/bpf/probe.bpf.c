/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Programs that do nothing: hung up and taken down again, they tell which hooks this kernel and these privileges allow. */
#include "bpf.h"

#define NOTHING(section, name)                                                                                        \
	SEC(section) int name(void *context)                                                                          \
	{                                                                                                             \
		(void)context;                                                                                        \
		return 0;                                                                                             \
	}

NOTHING("tracepoint/on_tracepoint", on_tracepoint)
NOTHING("raw_tracepoint/on_raw_tracepoint", on_raw_tracepoint)
NOTHING("tp_btf/sys_exit", on_typed_tracepoint)
NOTHING("tp_btf/sock_recv_length", on_received)
/* A function that the kernel has for this purpose alone. */
NOTHING("fentry/bpf_fentry_test1", on_function_entry)
NOTHING("kprobe/on_kprobe", on_kprobe)
NOTHING("uprobe/on_uprobe", on_uprobe)
NOTHING("perf_event/on_sample", on_sample)

/* 1: the process is told what it asked for. */
SEC("cgroup/recvmsg4") int on_heard(void *context)
{
	(void)context;
	return 1;
}

char license_of_programs[] SEC("license") = "Dual BSD/GPL";
