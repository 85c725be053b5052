/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Hooks of system calls, one kind in each of these. Which kind is used is found out when programs are attached. */
#pragma once

#include "tracepoints.h"
#ifndef REDUCED
#include "every_call.h"
#include "functions.h"
#include "kprobes.h"
#include "sockets.h"
#endif
