/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the object for kernels before 5.8 has instead of variables, which are there since 5.2: maps.
 *
 * Everything is one function for each program, without loops, at most 4,096 instructions; only helpers and maps of 4.14.
 */
#pragma once

#include "kernel.h"

/* Names of src/loader/aya/reduced.rs, in the same order: what maps.h has as constants. */
enum setting {
	SETTING_PAYLOAD_BYTES,
	SETTING_OWN_PID,
	SETTING_OWN_MARK,
	SETTING_PID_FILTER,
	SETTING_PORT_FILTER,
	SETTING_MAX_EVENTS,
	SETTING_MAX_PAYLOAD_EVENTS,
	SETTING_SEED,
	/* The number of the process that used the mark. */
	SETTING_MARKED_PID,
	SETTINGS,
};

/* Filled before the programs are attached. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_UINT(max_entries, SETTINGS);
	MAP_UINT(key_size, sizeof(u32));
	MAP_UINT(value_size, sizeof(u32));
} settings SEC(".maps");

INLINE u32 setting(u32 key)
{
	u32 *value = bpf_map_lookup_elem(&settings, &key);

	return value ? *value : 0;
}

INLINE void mark_process(u32 pid)
{
	u32 key = SETTING_MARKED_PID;

	bpf_map_update_elem(&settings, &key, &pid, BPF_ANY);
}

#define df_payload_bytes setting(SETTING_PAYLOAD_BYTES)
#define df_own_pid setting(SETTING_OWN_PID)
#define df_own_mark setting(SETTING_OWN_MARK)
#define df_pid_filter setting(SETTING_PID_FILTER)
#define df_port_filter setting(SETTING_PORT_FILTER)
#define df_max_events setting(SETTING_MAX_EVENTS)
#define df_max_payload_events setting(SETTING_MAX_PAYLOAD_EVENTS)
#define df_seed setting(SETTING_SEED)
#define df_marked_pid setting(SETTING_MARKED_PID)
