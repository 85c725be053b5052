/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All programs of df-bpf: one translation unit, one object for each architecture, and one for all kernels before 5.8. */
#include "hooks.h"
#include "processes.h"
#ifndef REDUCED
#include "go.h"
#include "tls.h"
#include "profile.h"
#endif

/* Helpers that read kernel memory are given only to programs that say this. */
char license_of_programs[] SEC("license") = "Dual BSD/GPL";
