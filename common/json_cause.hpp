// SPDX-License-Identifier: MIT
// Why a job did not succeed, and what it took, as members of an object. For common/json_*.cpp
// alone.
#pragma once

#include "common/json_writer.hpp"
#include "common/messages.hpp"

namespace jobmill::json {

/// The member `cause`.
void write_cause(JsonWriter& writer, const Cause& cause);

/// The members that say how it came about: the attempts, and what the last one took.
void write_course(JsonWriter& writer, const JobResult& result);

}  // namespace jobmill::json
