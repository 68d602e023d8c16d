// SPDX-License-Identifier: MIT
// Messages to frames and back. Encoding appends one frame; decoding judges every field of a frame
// whose header was judged by the splitter.
#pragma once

#include "common/frame.hpp"
#include "common/messages.hpp"
#include "jobmill/bytes.hpp"

namespace jobmill {

/// What a binary session begins with, before its first frame.
inline constexpr std::string_view preamble = "\x8fJOBMILL";

template <typename T>
using Decoded = tl::expected<T, ErrorReply>;

/// Where it is to be: of all that comes most are submits, which are not small. Room for payloads
/// that is there already serves again.
[[nodiscard]] Decoded<void> decode_request(const Frame& frame, Request& to);
[[nodiscard]] Decoded<Request> decode_request(const Frame& frame);
[[nodiscard]] Decoded<Reply> decode_reply(const Frame& frame);
[[nodiscard]] Result<TemplateReport> decode_template_report(const Frame& frame);
[[nodiscard]] Result<TemplateOrder> decode_template_order(const Frame& frame);
[[nodiscard]] Result<WorkerReport> decode_worker_report(const Frame& frame);
[[nodiscard]] Result<JobOffer> decode_job_offer(const Frame& frame);
[[nodiscard]] Result<Returned> decode_returned(const Frame& frame);

void encode(const Hello& message, Bytes& to);
void encode(const Open& message, Bytes& to);
void encode(const Submit& message, Bytes& to);
void encode(const SubmitMany& message, Bytes& to);
/// One more job in the submit_many that begins at `frame` and ends with `to`.
void add_to_submit_many(std::size_t frame, ByteView payload, Bytes& to);
void encode(const Put& message, Bytes& to);
void encode(const Drop& message, Bytes& to);
void encode(const Return& message, Bytes& to);
void encode(const Piece& message, Bytes& to);
void encode(const Cancel& message, Bytes& to);
void encode(const Wait& message, Bytes& to);
void encode(const StatusRequest& message, Bytes& to);
void encode(const HandlersRequest& message, Bytes& to);
void encode(const ReloadRequest& message, Bytes& to);
void encode(const LogLevelRequest& message, Bytes& to);
void encode(const Retry& message, Bytes& to);
void encode(const AdjustRequest& message, Bytes& to);
void encode(const Ping& message, Bytes& to);

void encode(const Welcome& message, Bytes& to);
void encode(const Opened& message, Bytes& to);
void encode(const Accepted& message, Bytes& to);
void encode(const Started& message, Bytes& to);
void encode(const Retrying& message, Bytes& to);
void encode(const Chunk& message, Bytes& to);
void encode(const Progress& message, Bytes& to);
void encode(const JobResult& message, Bytes& to);
void encode(const Cancelled& message, Bytes& to);
void encode(const Stored& message, Bytes& to);
void encode(const StatusReply& message, Bytes& to);
void encode(const HandlersReply& message, Bytes& to);
void encode(const ReloadReply& message, Bytes& to);
void encode(const LogLevelReply& message, Bytes& to);
void encode(const AdjustReply& message, Bytes& to);
void encode(const Pong& message, Bytes& to);
void encode(const Credit& message, Bytes& to);
void encode(const Closing& message, Bytes& to);
void encode(const ErrorMessage& message, Bytes& to);

void encode(const Probe& message, Bytes& to);
void encode(const Alive& message, Bytes& to);
void encode(const Loaded& message, Bytes& to);
void encode(const Refused& message, Bytes& to);
void encode(const Fork& message, Bytes& to);
void encode(const Forked& message, Bytes& to);
void encode(const Ready& message, Bytes& to);
void encode(const JobOffer& message, Bytes& to);
void encode(const Returned& message, Bytes& to);
void encode(const JobStarted& message, Bytes& to);
void encode(const JobChunk& message, Bytes& to);
void encode(const JobOutcome& message, Bytes& to);

/// Whether a submit's options fit the metadata of a frame; they do not with a huge environment.
[[nodiscard]] std::size_t encoded_size(const SubmitOptions& options);

}  // namespace jobmill
